"""Which algorithms a client can choose for its ID tokens: those with which a ring of this issuer signs.

ID tokens and logout tokens of a client without a choice are signed by the default ring.
"""

from django.db.models.functions import Now

from tokens.keys.rules import id_ring
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.models.key import Ring


def problem(algorithm: str | None) -> str | None:
    """Return why the issuer cannot sign ID tokens with `algorithm`, with the remedy, or None. Reads the database."""
    if not algorithm:
        return None
    default = Ring.objects.filter(name=DEFAULT_RING).values_list("algorithm", flat=True).first()
    # The database's clock: the first key of a further ring is announced some minutes before it signs.
    begun = Ring.objects.filter(name__in=id_ring.NAMES, keys__signs_at__lte=Now())
    usable = set(begun.values_list("name", "algorithm"))
    return id_ring.problem(algorithm, usable, default_algorithm=default or id_ring.DEFAULT_ALGORITHM)

"""Checks the algorithm that a client chose for its ID tokens: a key ring of this issuer must sign with the algorithm.

If a client chooses no algorithm, the default key ring signs its ID tokens and logout tokens.
"""

from django.db.models.functions import Now

from tokens.keys.rules import id_ring
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.models.key import Ring


def problem(algorithm: str | None) -> str | None:
    """Return why the issuer cannot sign ID tokens with `algorithm`, and the remedy.

    Returns None if the issuer can sign with `algorithm`, or if `algorithm` is empty. Reads the database.
    """
    if not algorithm:
        return None
    default = Ring.objects.filter(name=DEFAULT_RING).values_list("algorithm", flat=True).first()
    # By the database's clock: the first key of a ring other than the default is announced some minutes before it signs.
    begun = Ring.objects.filter(name__in=id_ring.NAMES, keys__signs_at__lte=Now())
    usable = set(begun.values_list("name", "algorithm"))
    return id_ring.problem(algorithm, usable, default_algorithm=default or id_ring.DEFAULT_ALGORITHM)

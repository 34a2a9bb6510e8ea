"""Create and look up key rings. The algorithm, key size and keystore of a ring (its RingKind) never change."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError

from tokens.keys import material
from tokens.keys.errors import UnknownKey, Unsafe, WrongRing
from tokens.keys.private_keys import DATABASE, NAMES
from tokens.keys.rules import id_ring
from tokens.keys.rules.id_ring import DEFAULT_ALGORITHM
from tokens.keys.rules.inequalities import problems
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.rules.policy import Policy
from tokens.models.key import Ring, SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class RingKind:
    """The algorithm, key size and keystore that a caller requires of a key ring.

    A field that is None accepts any value.
    """

    algorithm: str | None = None
    bits: int | None = None
    """The size of the RSA modulus, in bits."""
    keystore: str | None = None
    """The name of the keystore for the private halves of the key ring."""

    def __bool__(self) -> bool:
        """Return True if the kind specifies an algorithm, a size or a keystore."""
        return any((self.algorithm, self.bits, self.keystore))


ANY = RingKind()


def names() -> list[str]:
    """Return the names of all key rings, the default one first."""
    existing = list(Ring.objects.order_by("name").values_list("name", flat=True))
    return sorted(existing, key=lambda name: name != DEFAULT_RING)


def to_rotate() -> list[str]:
    """Return the names of the key rings to rotate. The default ring is the first, even if it does not exist yet."""
    return [DEFAULT_RING, *(name for name in names() if name != DEFAULT_RING)]


def with_keys() -> list[str]:
    """Return the names of the key rings that have keys, the default one first."""
    rows = Ring.objects.filter(keys__isnull=False).distinct()
    return sorted(rows.values_list("name", flat=True), key=lambda name: (name != DEFAULT_RING, name))


def for_id_tokens() -> tuple[str, ...]:
    """Return the names of the ID token rings (`id-RS256`, …) that have keys. The default ring is not among them."""
    rows = Ring.objects.filter(name__in=id_ring.NAMES, keys__isnull=False).distinct()
    return tuple(rows.order_by("name").values_list("name", flat=True))


def for_client(algorithm: str | None) -> str:
    """Return the name of the key ring that signs ID tokens with `algorithm`.

    This is the default ring if `algorithm` is empty, or is the algorithm of the default ring. Otherwise it is the ID
    token ring of the algorithm, such as `id-ES256`.
    """
    return id_ring.named(algorithm) if algorithm and algorithm != default_algorithm() else DEFAULT_RING


def default_algorithm() -> str:
    """Return the algorithm of the default key ring. If there is no such ring yet, return DEFAULT_ALGORITHM."""
    algorithms = Ring.objects.filter(name=DEFAULT_RING).values_list("algorithm", flat=True)
    return algorithms.first() or DEFAULT_ALGORITHM


def find_or_make(name: str, kind: RingKind, *, policy: Policy) -> Ring:
    """Return the key ring `name`. If it does not exist, create it with the timings of `policy`.

    Raises:
        UnknownKey: The ring does not exist, and neither `kind` nor the name (such as `id-ES256`) determines an
            algorithm.
        WrongRing: The existing ring is of another kind, or the kind or name of a new ring is not supported.
        Unsafe: Keys of a new ring could not be rotated safely under `policy`. Or the new ring is not the default ring,
            and the default ring has no key yet.
    """
    row = Ring.objects.filter(name=name).first()
    if row is not None:
        _require_kind(row, kind)
        return row
    demanded = DEFAULT_ALGORITHM if name == DEFAULT_RING else id_ring.algorithm_of(name)
    algorithm = kind.algorithm or demanded
    if algorithm is None:
        raise UnknownKey(f"there is no ring {name!r}; add --algorithm to create it, or see manage.py keys")
    if name != DEFAULT_RING and not SigningKey.objects.filter(ring__name=DEFAULT_RING).exists():
        raise Unsafe("the default ring signs until a further one is ready, and has no key yet: make it first")
    created = {"algorithm": algorithm, "bits": kind.bits, "keystore": kind.keystore or DATABASE}
    _require_name(name)
    _require_own_algorithm(name, algorithm)
    _require_possible(algorithm, kind)
    if broken := next(problems(policy), None):
        raise Unsafe(f"the key policy of the settings cannot be kept: {broken}")
    # Another process can create the ring in the same second.
    return Ring.objects.get_or_create(name=name, defaults=created | {"policy": policy.to_json()})[0]


def _require_kind(row: Ring, kind: RingKind) -> None:
    actual = {"algorithm": row.algorithm, "bits": row.bits, "keystore": row.keystore}
    for name, value in actual.items():
        wanted = getattr(kind, name)
        if wanted is not None and wanted != value:
            raise WrongRing(
                f"the {name} of the ring {row.name!r} is {value or 'the default'} and cannot be changed to {wanted}"
            )


def _require_name(name: str) -> None:
    """Raise WrongRing if the name cannot be part of the JWKS's address."""
    try:
        Ring._meta.get_field("name").run_validators(name)
    except ValidationError as error:
        raise WrongRing(
            f"a ring cannot be named {name!r}: at most 50 letters, digits, hyphens and underscores (ASCII)"
        ) from error


def _require_own_algorithm(name: str, algorithm: str) -> None:
    """Raise WrongRing if `name` is reserved for the ID token ring of another algorithm than `algorithm`."""
    if id_ring.algorithm_of(name) not in (None, algorithm):
        raise WrongRing(
            f"the ring {name!r} signs ID tokens with {id_ring.algorithm_of(name)}; for {algorithm}, its name is"
            f" {id_ring.named(algorithm)!r}"
        )


def _require_possible(algorithm: str, kind: RingKind) -> None:
    try:
        material.require_supported(algorithm, kind.bits)
    except ValueError as error:
        raise WrongRing(str(error)) from error
    if kind.keystore not in (None, *NAMES):
        raise WrongRing(f"the keystore {kind.keystore!r} is not one of {', '.join(NAMES)}")

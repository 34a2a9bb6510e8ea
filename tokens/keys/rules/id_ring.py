"""Name the ID token rings, and check if a ring can sign ID tokens with an algorithm. Pure.

An ID token ring signs ID tokens and logout tokens by another algorithm than that of the default ring.

Rules:
- There is at most one such ring for each algorithm. Its name contains the algorithm, as in `id-ES256`.
- Clients read the JWKS of the default ring. This JWKS also has the keys of the ID token rings.
- These rings sign no access tokens, so no API can move to such a ring.
"""

from collections.abc import Iterable

PREFIX = "id-"
DEFAULT_ALGORITHM = "RS256"
"""The algorithm of the default ring unless the operator chooses another. Every client supports it (OIDC Core 15.1)."""
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""The algorithms that a client can choose (OpenID Connect Registration 1.0, `id_token_signed_response_alg`)."""
NAMES = tuple(PREFIX + algorithm for algorithm in ALGORITHMS)


def named(algorithm: str) -> str:
    """Return the name of the key ring that signs ID tokens with this algorithm, such as `id-ES256`."""
    return PREFIX + algorithm


def algorithm_of(ring: str) -> str | None:
    """Return the algorithm in the name of an ID token ring, or None if `ring` is the name of another key ring."""
    return ring.removeprefix(PREFIX) if ring in NAMES else None


def problem(algorithm: str, usable: Iterable[tuple[str, str]], *, default_algorithm: str) -> str | None:
    """Return why no ID token can be signed with `algorithm`, or None if a key ring can sign with it.

    `usable` contains a pair (name, algorithm) for each ID token ring whose first key has started to sign.
    """
    if algorithm == default_algorithm or (named(algorithm), algorithm) in usable:
        return None
    return (
        f"No ring signs ID tokens with {algorithm} yet. Run manage.py rotate_keys --ring {named(algorithm)}"
        f" --algorithm {algorithm}, and set this from the time on that the command prints."
    )

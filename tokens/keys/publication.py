"""Publish the public keys of a ring as its JWKS, and find the published key that a token names."""

from dataclasses import dataclass
from datetime import datetime

from tokens.keys import keyring
from tokens.keys.errors import NotReady
from tokens.keys.rules import lifecycle, moves
from tokens.keys.rules.moves import DEFAULT_RING


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of the JWKS."""

    kid: str
    algorithm: str
    jwk: dict[str, str]


def published(ring: str = DEFAULT_RING, *, now: datetime) -> tuple[PublicKey, ...]:
    """Return the public keys of the ring, the signing key first.

    Raises NotReady if the keys could not be read for longer than N, UnknownKey for an unknown ring.
    """
    snapshot = keyring.snapshots.get(ring, now=now)
    public = {row.key.kid: PublicKey(row.key.kid, row.algorithm, row.jwk) for row in snapshot.stored}
    shown = lifecycle.published([row.key for row in snapshot.stored], now=snapshot.clock(now=now))
    return tuple(public[key.kid] for key in shown)


def jwks(ring: str = DEFAULT_RING, *, now: datetime) -> tuple[PublicKey, ...]:
    """Return the keys of the ring's JWKS. Never empty.

    The JWKS of the default ring has its own, then those of the other rings that sign ID tokens. Another ring's has its
    own, then those of rings that APIs move from or to.

    Raises NotReady if the keys could not be read for longer than N, or if none is published; UnknownKey for an unknown
    ring.
    """
    keys = tuple(key for name in _shown(ring, now=now) for key in published(name, now=now))
    if not keys:
        raise NotReady(f"no row of the ring {ring!r} verifies, and nothing else is published")
    return keys


def public_key(kid: str, *, audience: str, now: datetime) -> PublicKey | None:
    """Return the published key `kid` that may sign access tokens for `audience`, or None.

    Raises NotReady if the keys could not be read for longer than N.
    """
    # Only rings of this API count: a stolen key of another ring signs no valid token for it.
    rings = trusted_rings(audience, now=now)
    return next((key for ring in rings for key in published(ring, now=now) if key.kid == kid), None)


def trusted_rings(audience: str, *, now: datetime) -> tuple[str, ...]:
    """Return the rings whose signatures on an access token for `audience` are valid.

    Raises NotReady if the keys could not be read for longer than N.
    """
    snapshot = keyring.snapshots.get(DEFAULT_RING, now=now)
    return moves.trusted(audience, snapshot.moves, now=snapshot.clock(now=now))


def shared_cache(ring: str = DEFAULT_RING, *, now: datetime) -> int:
    """Return for how many seconds a shared cache may keep the JWKS: the smallest C of its rings.

    Raises NotReady if the keys could not be read for longer than N.
    """
    policies = [keyring.snapshots.get(name, now=now).policy for name in _shown(ring, now=now)]
    return int(min(policy.shared_cache for policy in policies).total_seconds())


def _shown(ring: str, *, now: datetime) -> tuple[str, ...]:
    return keyring.client_rings(now=now) if ring == DEFAULT_RING else keyring.shown_rings(ring, now=now)

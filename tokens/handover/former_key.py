"""Publishes the RSA key of another issuer in the JWKS, so that tokens of that issuer still verify.

- Only the public half is stored. The key never signs here: it is retired from the beginning.
- The key stays published for the time `keep` of the key policy (7 days in production). It is then withdrawn, like any
  retired key.
- As long as the key is published, an attacker who has the private half can sign tokens that verify. Destroy the private
  half, or run `revoke_key`.
"""

from datetime import timedelta

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tokens.jose.key_format import public_jwk
from tokens.keys import audit, store
from tokens.keys.errors import UnknownKey, Unsafe, WrongRing
from tokens.keys.lock import hold
from tokens.keys.operation import Operation
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.moves import DEFAULT_RING

LEAST_BITS = 2048


def publish(operation: Operation, pem: bytes, *, dry_run: bool = False) -> str:
    """Publish the public half of the RSA key `pem`, which is a private or a public key in PEM. Returns its kid.

    If the key is published already, only returns the kid. A dry run stores nothing, but returns the kid or raises the
    same errors.

    Raises:
        WrongRing: The key is no RSA key of 2048 bits or more, or the default key ring does not sign RS256.
        UnknownKey: There is no default key ring, or it has no key yet.
        Unsafe: The key was revoked here, publishing took longer than clock_error, or the database was restored from a
            backup that lacks a revocation.
        CannotOpen: A key of the ring does not verify, decrypt or sign.
        LockNotHad: Another process holds the ring's lock for too long.
    """
    public = _public(pem)
    with hold(operation, DEFAULT_RING, dry_run=dry_run) as locked:
        if locked.row.algorithm != "RS256":
            raise WrongRing(f"the default ring signs {locked.row.algorithm}: the key would need a ring with RS256")
        jwk = public_jwk(public, "RS256")
        kid = jwk["kid"]
        present = next((key for key in locked.keys if key.kid == kid), None)
        if present is not None and present.discarded:
            raise Unsafe(f"the key {kid} was revoked here")
        if not locked.keys:
            raise UnknownKey("the default ring has no key yet: run manage.py rotate_keys")
        if present is not None or dry_run:
            return kid
        # Before the oldest key, so that no key of this issuer takes over from it.
        at = min(key.announced_at for key in locked.keys) - timedelta(seconds=1)
        key = Key(
            kid=kid,
            announced_at=at,
            signs_at=at,
            withdraw_at=locked.now + locked.policy.keep,
            private_destroyed_at=locked.now,
            max_lifetime=locked.policy.token_lifetime,
        )
        store.add_public(locked.row, jwk, key, encryption_key=locked.encryption_keys[0])
        details = {"withdraw_at": key.withdraw_at}
        audit.record("key.imported", f"key:{kid}", details, policy=locked.policy, actor=operation.actor, now=locked.now)
    return kid


def _public(pem: bytes) -> RSAPublicKey:
    """Return the public half of a private or public key in PEM.

    Raises WrongRing if `pem` is not an RSA key of LEAST_BITS or more, or if a passphrase protects the key.
    """
    try:
        key = load_pem_private_key(pem, None) if b"PRIVATE KEY" in pem else load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise WrongRing("the file has no RSA key in PEM, or the key has a passphrase") from None
    public = key.public_key() if isinstance(key, RSAPrivateKey) else key
    if not isinstance(public, RSAPublicKey) or public.key_size < LEAST_BITS:
        raise WrongRing(f"the key must be an RSA key of {LEAST_BITS} bits or more")
    return public

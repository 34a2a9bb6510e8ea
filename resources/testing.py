"""For the tests of whoever uses this resource server: tokens in one line, without an issuer and without a network.

`with pinned(): client.get("/api/notes/", headers=bearer(mint("notes:read")))`
Never for production: these keys are made in memory by whoever imports this module.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from jwt.algorithms import HMACAlgorithm, get_default_algorithms

from resources.conf import resource_server

LIFETIME = timedelta(minutes=10)
_LIBRARY = get_default_algorithms()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair for tests. `private` is whatever the library wants to sign with `algorithm`."""

    algorithm: str = "RS256"
    private: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)
    kid: str = field(default_factory=lambda: "test-" + secrets.token_hex(8))

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`."""
        return _LIBRARY[self.algorithm].sign(message, self.private)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as an issuer would publish it."""
        numbers = _LIBRARY[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        members = {name: value for name, value in numbers.items() if name != "key_ops"}
        return {**members, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


@cache
def shared_key() -> SigningKey:
    """The key that `mint` signs with unless it is told another: made once per process."""
    return SigningKey()


def jwks(*keys: SigningKey) -> dict[str, Any]:
    """A JWKS of these keys, or of the test key."""
    return {"keys": [key.jwk for key in keys or (shared_key(),)]}


def pinned(*keys: SigningKey, **overrides: Any) -> override_settings:
    """Settings under which every configured issuer's keys are these; `overrides` are further RESOURCE_SERVER entries.

    A context manager and a decorator, as Django's override_settings is.
    """
    issuers = [{"URL": issuer.url, "PINNED_JWKS": jwks(*keys)} for issuer in resource_server().issuers]
    own = {"ISSUERS": issuers, "JWKS_URL": "", "REVOCATIONS": False, **overrides}
    return override_settings(RESOURCE_SERVER={**settings.RESOURCE_SERVER, **own})


def claims(scope: str = "notes:read", *, now: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """The claims of a good token for this API, with `changes`; a change to None takes the claim away."""
    conf = resource_server()
    now = now or timezone.now()
    whole = {
        "iss": conf.issuers[0].url,
        "aud": min(conf.audience),
        "sub": "3f0f1c1e-7f6b-4f0e-9a53-0f5a0c5c0001",
        "client_id": "test-client",
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "jti": secrets.token_hex(16),
        "scope": scope,
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def mint(
    scope: str = "notes:read",
    *,
    now: datetime | None = None,
    key: SigningKey | None = None,
    header: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    """An access token (RFC 9068) that this API accepts, unless `changes` to claims or header make it bad."""
    key = key or shared_key()
    whole = {"typ": "at+jwt", "alg": key.algorithm, "kid": key.kid, **(header or {})}
    members = {name: value for name, value in whole.items() if value is not None}
    return compact(members, claims(scope, now=now, **changes), key=key)


def compact(header: Any, payload: Any, *, key: SigningKey | None = None, signature: bytes | None = None) -> str:
    """A compact JWS of whatever header and payload: bytes as they are, anything else as JSON."""
    message = f"{encoded(header)}.{encoded(payload)}"
    made = signature if signature is not None else (key or shared_key()).sign(message.encode())
    return f"{message}.{base64url(made)}"


def encoded(part: Any) -> str:
    """One segment."""
    return base64url(part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode())


def base64url(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def bearer(token: str) -> dict[str, str]:
    """The headers that present `token`."""
    return {"Authorization": f"Bearer {token}"}


def bad_tokens(scope: str = "notes:read", *, key: SigningKey | None = None) -> dict[str, str]:
    """Tokens that no API may accept, by what is wrong with them; each would give 200 if that one check were missing."""
    key = key or shared_key()
    now = timezone.now()
    good = mint(scope, key=key)
    head, payload, signature = good.split(".")
    stolen = {**claims(scope), "sub": "someone-else"}
    public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac_head = encoded({"typ": "at+jwt", "alg": "HS256", "kid": key.kid})
    mac = HMACAlgorithm(HMACAlgorithm.SHA256).sign(f"{mac_head}.{payload}".encode(), public)
    id_token = {name: value for name, value in claims(scope).items() if name not in {"scope", "client_id"}}
    return {
        "expired": mint(scope, key=key, now=now - LIFETIME * 2),
        "not yet valid": mint(scope, key=key, nbf=int((now + LIFETIME).timestamp())),
        "wrong audience": mint(scope, key=key, aud="https://other.example/"),
        "wrong issuer": mint(scope, key=key, iss="https://other.example"),
        "unknown kid": mint(scope, key=SigningKey(private=key.private, algorithm=key.algorithm)),
        "another's key under our kid": mint(scope, key=SigningKey(kid=key.kid)),
        "tampered payload": f"{head}.{encoded(stolen)}.{signature}",
        "tampered signature": f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "no signature": f"{encoded({'typ': 'at+jwt', 'alg': 'none', 'kid': key.kid})}.{payload}.",
        "HS256 keyed with the public key": f"{mac_head}.{payload}.{base64url(mac)}",
        "ID token": compact({"typ": "JWT", "alg": key.algorithm, "kid": key.kid}, id_token, key=key),
        "no subject": mint(scope, key=key, sub=None),
        "no expiry": mint(scope, key=key, exp=None),
        "bound to a key": mint(scope, key=key, cnf={"jkt": "x"}),
    }


def at(seconds: float) -> datetime:
    """An instant by its Unix seconds."""
    return datetime.fromtimestamp(seconds, tz=UTC)

"""A kit for the tests of APIs that use this resource server: tokens without an issuer and without a network.

A request with a bearer token:

    with pinned():
        client.get("/api/notes/", headers=bearer(mint("notes:read")))

A request with a token that is bound to the key of a `Holder`:

    with pinned():
        token = mint("notes:read", cnf=holder.cnf)
        client.get("/api/notes/", headers=holder.headers("GET", "/api/notes/", token))

Do not use this module in production, because it makes a signing key of its own.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from jwt.algorithms import HMACAlgorithm, get_default_algorithms

from .conf import resource_server
from .dpop.proof import TYPE, thumbprint, token_hash

LIFETIME = timedelta(minutes=10)
_LIBRARY = get_default_algorithms()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair for tests. `private` is a private key of the library `cryptography` for `algorithm`."""

    algorithm: str = "RS256"
    private: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)
    kid: str = field(default_factory=lambda: "test-" + secrets.token_hex(8))

    def sign(self, message: bytes) -> bytes:
        """Return the signature over `message`."""
        return _LIBRARY[self.algorithm].sign(message, self.private)

    @property
    def jwk(self) -> dict[str, Any]:
        """Return the public key as a JWK, as an issuer publishes it."""
        numbers = _LIBRARY[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        members = {name: value for name, value in numbers.items() if name != "key_ops"}
        return {**members, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


@cache
def shared_key() -> SigningKey:
    """Return the key with which `mint` signs by default. The key is made once per process."""
    return SigningKey()


def jwks(*keys: SigningKey) -> dict[str, Any]:
    """Return a JWKS of these keys, or of `shared_key()` if none is given."""
    return {"keys": [key.jwk for key in keys or (shared_key(),)]}


def pinned(*keys: SigningKey, **overrides: Any) -> override_settings:
    """Return settings in which every configured issuer has these keys, or `shared_key()` if none is given.

    No JWKS is fetched, and no revocation feed is followed. `overrides` are further entries of RESOURCE_SERVER. Use the
    result as a context manager or a decorator.
    """
    issuers = [{"URL": issuer.url, "PINNED_JWKS": jwks(*keys)} for issuer in resource_server().issuers]
    own = {"ISSUERS": issuers, "JWKS_URL": "", "REVOCATIONS": False, **overrides}
    return override_settings(RESOURCE_SERVER={**settings.RESOURCE_SERVER, **own})


def claims(scope: str = "notes:read", *, now: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """Return the claims of a valid token for this API, with `changes`. A change to None removes the claim."""
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
    """Return an access token (RFC 9068) that this API accepts, unless `header` or `changes` make it invalid.

    `header` replaces members of the JWS header, `changes` replace claims. A value of None removes the member or the
    claim. `key` signs the token, by default `shared_key()`.
    """
    key = key or shared_key()
    whole = {"typ": "at+jwt", "alg": key.algorithm, "kid": key.kid, **(header or {})}
    members = {name: value for name, value in whole.items() if value is not None}
    return compact(members, claims(scope, now=now, **changes), key=key)


def compact(header: Any, payload: Any, *, key: SigningKey | None = None, signature: bytes | None = None) -> str:
    """Return a compact JWS of any header and payload. Bytes are encoded unchanged, other values as JSON.

    `key`, by default `shared_key()`, signs the JWS, unless `signature` is given.
    """
    message = f"{encoded(header)}.{encoded(payload)}"
    raw = signature if signature is not None else (key or shared_key()).sign(message.encode())
    return f"{message}.{base64url(raw)}"


def encoded(part: Any) -> str:
    """Return `part` as a base64url segment of a JWS. Bytes are encoded unchanged, other values as JSON."""
    return base64url(part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode())


def base64url(raw: bytes) -> str:
    """Return `raw` in base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def bearer(token: str) -> dict[str, str]:
    """Return the headers of a request with `token`."""
    return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True, slots=True)
class Holder:
    """A client with a key of its own, to which tokens can be bound and with which it makes DPoP proofs (RFC 9449)."""

    key: SigningKey = field(default_factory=lambda: SigningKey("ES256", ec.generate_private_key(ec.SECP256R1())))

    @property
    def cnf(self) -> dict[str, str]:
        """Return the claim that binds a token to this key: `mint("notes:read", cnf=holder.cnf)`."""
        return {"jkt": thumbprint(self.key.jwk)}

    def proof(self, method: str, url: str, token: str, *, now: datetime | None = None, **changes: Any) -> str:
        """Return a new DPoP proof for a request with `token`. It is valid unless `changes` make it invalid.

        `url` can also be a path of this API. `changes` replace claims of the proof. A change to None removes the claim.
        """
        settings = resource_server().dpop
        whole = {
            "jti": secrets.token_hex(16),
            "htm": method,
            "htu": settings.public_url + url if settings and url.startswith("/") else url,
            "iat": int((now or timezone.now()).timestamp()),
            "ath": token_hash(token),
        }
        members = {name: value for name, value in {**whole, **changes}.items() if value is not None}
        public = {name: value for name, value in self.key.jwk.items() if name not in {"kid", "alg", "use"}}
        return compact({"typ": TYPE, "alg": self.key.algorithm, "jwk": public}, members, key=self.key)

    def headers(self, method: str, url: str, token: str, **changes: Any) -> dict[str, str]:
        """Return the two headers of a DPoP request: Authorization with `token`, and DPoP with a new proof.

        `token` must be bound to this key. `changes` change claims of the proof.
        """
        return {"Authorization": f"DPoP {token}", "DPoP": self.proof(method, url, token, **changes)}


def bad_tokens(scope: str = "notes:read", *, key: SigningKey | None = None) -> dict[str, str]:
    """Return tokens that an API must refuse, each under the name of its fault.

    Each token has only one fault, so that an API without the check for that fault would accept the token.
    """
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
        "another's key under our kid": mint(scope, key=replace(key, private=_other_private(key.private))),
        "tampered payload": f"{head}.{encoded(stolen)}.{signature}",
        "tampered signature": f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "no signature": f"{encoded({'typ': 'at+jwt', 'alg': 'none', 'kid': key.kid})}.{payload}.",
        "HS256 keyed with the public key": f"{mac_head}.{payload}.{base64url(mac)}",
        "ID token": compact({"typ": "JWT", "alg": key.algorithm, "kid": key.kid}, id_token, key=key),
        "no subject": mint(scope, key=key, sub=None),
        "no expiry": mint(scope, key=key, exp=None),
        "bound to a key": mint(scope, key=key, cnf={"jkt": "x"}),
    }


def _other_private(private: Any) -> Any:
    """Return another private key of the same type, for the same algorithm."""
    if isinstance(private, rsa.RSAPrivateKey):
        return rsa.generate_private_key(65537, private.key_size)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return ec.generate_private_key(private.curve)
    return ed25519.Ed25519PrivateKey.generate()


def at(seconds: float) -> datetime:
    """Return the time that is `seconds` after the beginning of 1970, in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)

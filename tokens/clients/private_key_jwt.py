"""Verifies that a client signed an assertion, and accepts each assertion once (RFC 7523 section 3).

`prove_itself` establishes, in this order:
1. The assertion is well-formed, its `typ` is in TYPES, and its `sub` is its `iss`.
2. A key of the client with the client_id `iss` signed the assertion, and this client is active (`_signed_by`). The
   check takes the same time if the client does not exist.
3. The `aud` of the assertion is this issuer, and the assertion is valid now.
4. This client has not used the `jti` before, in any process.

`prove` establishes only 2 to 4. Its caller must have parsed the assertion by `assertion.read`.

The assertion is first verified with the client in this process's cache. The SQL statement that records the `jti` also
returns the registry's version. If the client was cached under another version, the assertion is verified again with the
client in the database. So authentication by a key takes one SQL statement as long as the registry does not change.
"""

import hashlib
import json
import logging
from datetime import datetime
from functools import cache, lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.db import connection

from tokens import conf
from tokens.audit import trail
from tokens.clients import assertion, jwks_uri, registry
from tokens.clients.assertion import CLOCK_ERROR, Assertion, InvalidAssertion
from tokens.jose import public_keys
from tokens.jose.public_keys import ClientKey, UnusableKey
from tokens.models import AuthenticationMethod, Client, fapi2

logger = logging.getLogger(__name__)
USE_ONCE = """
INSERT INTO tokens_usedassertion (digest, expires_at) VALUES (%s, %s)
ON CONFLICT DO NOTHING RETURNING (SELECT value FROM tokens_registryversion)"""
"""Records a `jti`. Returns the registry's version, or no row if the `jti` was used before."""
TYPES = frozenset({None, "jwt", "client-authentication+jwt"})
"""The accepted values of `typ` in an assertion that authenticates a client. Most libraries send `JWT`."""


class Unfit(InvalidAssertion):
    """The signature of the assertion is valid, but another check failed, for example that of the audience or `jti`."""

    def __init__(self, client: Client, reason: str) -> None:
        super().__init__(reason)
        self.client = client


class LegacyAudience(Unfit):
    """The `aud` is the URL of the token or PAR endpoint. The client's registration does not permit such an `aud`."""


def prove_itself(text: str, *, now: datetime) -> Client:
    """Authenticate a client by the assertion in `text`, whose `iss` and `sub` are the client_id (RFC 7523 section 3).

    Records the `jti` as used. Raises InvalidAssertion if the assertion is invalid. Raises its subclass LegacyAudience
    if the `aud` is the URL of the token or PAR endpoint, and the client's registration does not permit such an `aud`.
    """
    own = assertion.read(text, types=TYPES)
    if own.subject != own.issuer:
        raise InvalidAssertion("its sub is not its iss")
    return prove(own, now=now)


def prove(parsed: Assertion, *, now: datetime) -> Client:
    """Return the client that signed the assertion, and record the `jti` of the assertion as used.

    Raises InvalidAssertion if the assertion is invalid. If the signature is valid, but another check fails, also logs
    `assertion.refused` in the audit log.
    """
    # A client that does not exist takes the same work as a wrong signature.
    try:
        return _signer(parsed, now=now)
    except Unfit as error:
        subject, details = f"client:{error.client.client_id}", {"reason": str(error)}
        trail.log("assertion.refused", actor="issuer", subject=subject, details=details, now=now)
        raise


def _signer(parsed: Assertion, *, now: datetime) -> Client:
    """Return the client that signed the assertion, from the cache if the cache is current. Records the `jti` as used.

    Raises InvalidAssertion if the assertion is invalid.
    """
    version, cached = registry.remembered(parsed.issuer)
    try:
        client = _signed_by(parsed, cached, now=now)
    except InvalidAssertion:
        # The cache might lack a client or a key that was registered later.
        version = registry.version()
        client = _registered(parsed, version, now=now)
    # The `jti` is recorded after the signature is verified: otherwise an attacker could use up a client's `jti`.
    in_force = use_once(client, parsed.token_id, expires_at=parsed.expires_at)
    unchanged = in_force is not None and in_force == version
    return client if unchanged else _registered(parsed, in_force, now=now)


def _registered(parsed: Assertion, version: str | None, *, now: datetime) -> Client:
    return registry.keep(_signed_by(parsed, registry.read(parsed.issuer), now=now), version=version)


def _signed_by(parsed: Assertion, client: Client | None, *, now: datetime) -> Client:
    """Return `client` if one of its keys signed the assertion, and the audience and dates are valid.

    Raises:
        InvalidAssertion: No key of the client verifies the signature.
        LegacyAudience: The signature is valid, but the `aud` is the URL of the token or PAR endpoint, and the client's
            registration does not permit such an `aud`.
        Unfit: The signature is valid, but another check failed.
    """
    signed = parsed.verified(keys(client, kid=parsed.header.get("kid")), stand_in=stand_in(parsed.header["alg"]))
    if not signed or client is None:
        raise InvalidAssertion("no key of its client signed it")
    try:
        require_profile(parsed, client)
        assertion.check(parsed, audiences=audiences(client), now=now)
    except InvalidAssertion as error:
        legacy = parsed.audience in endpoints() and not client.accepts_token_endpoint_audience
        raise (LegacyAudience if legacy else Unfit)(client, str(error)) from error
    return client


def require_profile(parsed: Assertion, client: Client) -> None:
    """Raise InvalidAssertion if the client's security profile forbids the algorithm or the form of `aud`."""
    if not client.follows_fapi2:
        return
    if parsed.header["alg"] not in fapi2.ALGORITHMS:  # clause 5.4.1-1
        raise InvalidAssertion(f"its alg is not one of {', '.join(fapi2.ALGORITHMS)}, which FAPI 2.0 permits")
    if not isinstance(parsed.claims["aud"], str):  # clause 5.3.2.1-8
        raise InvalidAssertion("its aud is not a text, as FAPI 2.0 requires")


def keys(client: Client | None, *, kid: object) -> tuple[ClientKey, ...]:
    """Return the public keys of a client, to verify its assertions: the registered keys, or those at its `jwks_uri`.

    Returns no keys if the client is None or does not authenticate by private_key_jwt. `kid` is from the header of the
    assertion, or None. Raises Unavailable if the keys at the `jwks_uri` are still being fetched.
    """
    if client is None or client.token_endpoint_auth_method != AuthenticationMethod.PRIVATE_KEY_JWT:
        return ()
    if client.client_jwks_uri:
        is_self_registered = client.registered_by is not None
        return jwks_uri.keys(client.client_jwks_uri, kid=kid, is_self_registered=is_self_registered)
    return _pasted(client.client_id, json.dumps(client.client_jwks))


@lru_cache(maxsize=1024)
def _pasted(client_id: str, jwks: str) -> tuple[ClientKey, ...]:
    """Return the usable keys of a registered JWKS. If the JWKS is not usable, log a warning and return no keys."""
    try:
        return public_keys.registered(json.loads(jwks))
    except UnusableKey as error:
        # The text of the error has no member of the JWKS. The cache keeps it to one line for each JWKS of a client.
        logger.warning("The registered JWKS of the client %s cannot be used: %s", client_id, error)
        return ()


def use_once(client: Client, token_id: str, *, expires_at: datetime) -> str | None:
    """Record a client's `jti` as used, and return the registry's version, in one SQL statement.

    Keeps the record until CLOCK_ERROR after `expires_at`. Returns None if the registry has no version. Raises Unfit if
    the `jti` was used before (replay), in any process.
    """
    digest = hashlib.sha256(f"{client.client_id}\0{token_id}".encode()).digest()
    until = connection.ops.adapt_datetimefield_value(expires_at + CLOCK_ERROR)
    with connection.cursor() as cursor:
        cursor.execute(USE_ONCE, [digest, until])
        row = cursor.fetchone()
    if row is None:
        raise Unfit(client, "its jti was used before")
    version: str | None = row[0]
    return version


def audiences(client: Client) -> tuple[str, ...]:
    """Return the accepted values of `aud`: the issuer's URL, and for some clients also the URLs of two endpoints.

    The URLs of the token and PAR endpoints are included if the client's registration permits them, unless the client
    has to follow FAPI 2.0.
    """
    url = conf.issuer().url
    return (url, *endpoints()) if client.accepts_token_endpoint_audience and not client.follows_fapi2 else (url,)


def endpoints() -> tuple[str, str]:
    """Return the URLs of the token and PAR endpoints, which older libraries (before RFC 7523bis) send as `aud`."""
    base = conf.issuer().url.rstrip("/")
    return f"{base}/oauth/token", f"{base}/oauth/par"


@cache
def stand_in(algorithm: str) -> ClientKey:
    """Return the dummy public key for `algorithm`, which this process generates once. No client has the private key."""
    # Verifying against it keeps timing constant if the client has no key.
    return ClientKey(None, frozenset({algorithm}), _generate(algorithm).public_key())


def _generate(algorithm: str) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)

"""A client proves itself with its own private key: whose assertion it is, verified, and taken once (RFC 7523)."""

import hashlib
import json
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
from tokens.models import AuthenticationMethod, Client

USE_ONCE = """
INSERT INTO tokens_usedassertion (digest, expires_at) VALUES (%s, %s)
ON CONFLICT DO NOTHING RETURNING (SELECT value FROM tokens_registryversion)"""


class Unfit(InvalidAssertion):
    """A key of the client signed it, and yet it proves nothing here and now."""

    def __init__(self, client: Client, reason: str) -> None:
        super().__init__(reason)
        self.client = client


class LegacyAudience(Unfit):
    """Its `aud` is the token endpoint's address, and the client is not registered to send that."""


def prove(one: Assertion, *, now: datetime) -> Client:
    """Return the client that signed the assertion, and spend the assertion. Raises InvalidAssertion.

    A client that does not exist takes the same work as a signature that is wrong.
    """
    try:
        return _proven(one, now=now)
    except Unfit as error:
        subject, details = f"client:{error.client.client_id}", {"reason": str(error)}
        trail.log("assertion.refused", actor="issuer", subject=subject, details=details, now=now)
        raise


def _proven(one: Assertion, *, now: datetime) -> Client:
    """The client by what is remembered of it, if the registry was not changed since; else by what is registered now."""
    version, remembered = registry.remembered(one.issuer)
    try:
        client = _judge(one, remembered, now=now)
    except InvalidAssertion:
        version = registry.version()
        client = _registered(one, version, now=now)
    in_force = use_once(client, one.token_id, expires_at=one.expires_at)
    unchanged = in_force is not None and in_force == version
    return client if unchanged else _registered(one, in_force, now=now)


def _registered(one: Assertion, version: str | None, *, now: datetime) -> Client:
    return registry.keep(_judge(one, registry.read(one.issuer), now=now), version=version)


def _judge(one: Assertion, client: Client | None, *, now: datetime) -> Client:
    """The client, whose key signed the assertion, which is for us and of this time; raises InvalidAssertion."""
    signed = one.verified(keys(client, kid=one.header.get("kid")), stand_in=stand_in(one.header["alg"]))
    if not signed or client is None:
        raise InvalidAssertion("no key of its client signed it")
    try:
        assertion.check(one, audiences=audiences(client), now=now)
    except InvalidAssertion as error:
        legacy = one.audience == token_endpoint() and not client.accepts_token_endpoint_audience
        raise (LegacyAudience if legacy else Unfit)(client, str(error)) from error
    return client


def keys(client: Client | None, *, kid: object) -> tuple[ClientKey, ...]:
    """The keys by which a client may prove itself; none for a client that does so in another way.

    They were pasted, or are published by the client; `kid` is the one that is looked for.
    """
    if client is None or client.token_endpoint_auth_method != AuthenticationMethod.PRIVATE_KEY_JWT:
        return ()
    if client.client_jwks_uri:
        return jwks_uri.keys(client.client_jwks_uri, kid=kid)
    return _pasted(json.dumps(client.client_jwks))


@lru_cache(maxsize=1024)
def _pasted(jwks: str) -> tuple[ClientKey, ...]:
    try:
        return public_keys.registered(json.loads(jwks))
    except UnusableKey:
        return ()


def use_once(client: Client, token_id: str, *, expires_at: datetime) -> str | None:
    """Take a `jti` of a client; raises Unfit for one that any process took before.

    Returns the version of the registry that was in force then, so that it need not be asked for.
    """
    digest = hashlib.sha256(f"{client.client_id}\0{token_id}".encode()).digest()
    until = connection.ops.adapt_datetimefield_value(expires_at + CLOCK_ERROR)
    with connection.cursor() as cursor:
        cursor.execute(USE_ONCE, [digest, until])
        taken = cursor.fetchone()
    if taken is None:
        raise Unfit(client, "its jti was used before")
    version: str | None = taken[0]
    return version


def audiences(client: Client) -> tuple[str, ...]:
    """What `aud` may be: the issuer, and for a client of old the token endpoint's address too."""
    url = conf.issuer().url
    return (url, token_endpoint()) if client.accepts_token_endpoint_audience else (url,)


def token_endpoint() -> str:
    """Return the address of the token endpoint, which libraries from before RFC 7523bis send as `aud`."""
    return f"{conf.issuer().url.rstrip('/')}/oauth/token"


@cache
def stand_in(algorithm: str) -> ClientKey:
    """A key that signed nothing: verified with where a client has none, so that time does not tell."""
    return ClientKey(None, frozenset({algorithm}), _generate(algorithm).public_key())


def _generate(algorithm: str) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)

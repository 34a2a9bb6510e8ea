"""A client proves itself with its own private key: whose assertion it is, verified, and taken once (RFC 7523)."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.db import IntegrityError, transaction

from tokens import audit, conf
from tokens.models import AuthenticationMethod, Client, UsedAssertion
from tokens.oauth import assertion, client_keys, published_keys
from tokens.oauth.assertion import CLOCK_ERROR, Assertion, InvalidAssertion
from tokens.oauth.client_keys import ClientKey, UnusableKey


def prove(text: str, *, types: Collection[str | None], self_issued: bool, now: datetime) -> tuple[Client, Assertion]:
    """The client that made the assertion in `text`, and the assertion, which is used up by this.

    `self_issued`: it has to be about the client itself. Raises InvalidAssertion, after the same work for a client that
    does not exist as for a signature that is wrong.
    """
    one = assertion.read(text, types=types)
    client = Client.objects.filter(client_id=one.issuer, is_active=True).first()
    if (
        not one.verified(keys(client, kid=one.header.get("kid")), stand_in=stand_in(one.header["alg"]))
        or client is None
    ):
        raise InvalidAssertion("no key of its client signed it")
    try:
        _take(one, client, self_issued=self_issued, now=now)
    except InvalidAssertion as error:
        details = {"reason": str(error)}
        audit.log("assertion.refused", actor="issuer", subject=f"client:{client.client_id}", details=details, now=now)
        raise
    return client, one


def keys(client: Client | None, *, kid: object) -> tuple[ClientKey, ...]:
    """The keys by which a client may prove itself; none for a client that does so in another way.

    They were pasted, or are published by the client; `kid` is the one that is looked for.
    """
    if client is None or client.token_endpoint_auth_method != AuthenticationMethod.PRIVATE_KEY_JWT:
        return ()
    if client.client_jwks_uri:
        return published_keys.keys(client.client_jwks_uri, kid=kid)
    try:
        return client_keys.registered(client.client_jwks)
    except UnusableKey:
        return ()


def use_once(client: Client, token_id: str, *, expires_at: datetime) -> None:
    """Take a `jti` of a client; raises InvalidAssertion for one that any process took before."""
    digest = hashlib.sha256(f"{client.client_id}\0{token_id}".encode()).digest()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(digest=digest, expires_at=expires_at + CLOCK_ERROR)
    except IntegrityError:
        raise InvalidAssertion("its jti was used before") from None


def _take(one: Assertion, client: Client, *, self_issued: bool, now: datetime) -> None:
    if self_issued and one.subject != one.issuer:
        raise InvalidAssertion("its sub is not its iss")
    assertion.check(one, audiences=audiences(client), now=now)
    use_once(client, one.token_id, expires_at=one.expires_at)


def audiences(client: Client) -> tuple[str, ...]:
    """What `aud` may be: the issuer, and for a client of old the token endpoint's address too."""
    url = conf.issuer().url
    return (url, f"{url.rstrip('/')}/oauth/token") if client.accepts_token_endpoint_audience else (url,)


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

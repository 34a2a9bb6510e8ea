"""Step 3. The client authenticates before it requests a token: by its own key or a secret, one method per request.

- A secret is accepted in the header or in the body (RFC 6749 section 2.3.1), unless the client is pinned to one place.
- A client with a key never authenticates by a secret, nor the other way round.
- Public clients have no credentials: they name themselves, and PKCE protects what they fetch.
- A failure takes the same work for a client that does not exist, so that timing reveals no client_id.

`read` reads header and body once, and judges nothing. The rate limit and the log use the client that it names.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote_to_bytes

from tokens.clients import client_secret, private_key_jwt, registry
from tokens.clients.assertion import InvalidAssertion
from tokens.clients.client_secret import LostKey
from tokens.clients.private_key_jwt import LegacyAudience
from tokens.encryption import MalformedEncryptionKey
from tokens.errors import InvalidClient, OAuthError
from tokens.keys.errors import NotReady
from tokens.limits.password_slots import Busy
from tokens.models import AuthenticationMethod, Client, ClientSecret

SECRET_METHODS = client_secret.METHODS
METHODS = (*SECRET_METHODS, "private_key_jwt", "none")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOT_BASIC = "the Authorization header is not Basic"
MALFORMED = "the Authorization header is malformed"

LEGACY_AUDIENCE = (
    "The aud of the assertion is the URL of an endpoint. Send the URL of the issuer, or register the client with"
    " --legacy-audience (admin: legacy audience)."
)


@dataclass(frozen=True, slots=True)
class Presented:
    """The client_id and secret that a request presents. The secret is None if the request only names a client."""

    client_id: str
    secret: str | None = field(repr=False)
    in_header: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The credentials of a request, as they were sent. They are not verified, and can contradict each other."""

    has_header: bool
    name: str | None = None
    """The client_id in header or body. Empty if a Basic header is malformed, None if neither has one."""
    basic: Presented | None = None
    """Name and secret of a Basic header; None if there is none, or it is malformed."""
    problem: str = ""
    """Why the header gives no name and secret: NOT_BASIC or MALFORMED."""
    client_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)
    assertion_type: str | None = None

    @property
    def proves(self) -> bool:
        """Return True if the request has a secret, an assertion or an `Authorization` header."""
        return self.has_header or bool(self.secret or self.assertion or self.assertion_type)


def read(authorization: str | None, form: Mapping[str, str]) -> Credentials:
    """Read the credentials of a request from its `Authorization` header and the parameters of its body."""
    basic, problem = (None, "") if authorization is None else _basic(authorization)
    # A malformed Basic header names nobody: without a colon, all of it might be a secret.
    in_header = basic.client_id if basic else "" if problem == MALFORMED else None
    return Credentials(
        has_header=authorization is not None,
        name=form.get("client_id") if in_header is None else in_header,
        basic=basic,
        problem=problem,
        client_id=form.get("client_id"),
        secret=form.get("client_secret"),
        assertion=form.get("client_assertion"),
        assertion_type=form.get("client_assertion_type"),
    )


def authenticate(credentials: Credentials, *, now: datetime, version: str | None = None) -> Client:
    """Authenticate the client of a request.

    `version` is that of the registry, or None if the caller has not read it. Raises InvalidClient for every failure.
    Raises OAuthError invalid_request if the request uses two methods (RFC 6749 section 2.3), OAuthError
    unauthorized_client if the client's security profile forbids the client, and NotReady if KEY_ENCRYPTION_KEYS cannot
    be read or lacks the key of a secret.
    """
    try:
        if credentials.assertion or credentials.assertion_type:
            client = _by_key(credentials, now=now)
        else:
            client = _by_secret(presented(credentials), version, now=now)
    except InvalidClient as error:
        raise InvalidClient(error.reason, by_header=credentials.has_header) from error
    if problem := client.profile_problem:  # its registration is older than the switch
        raise OAuthError("unauthorized_client", problem)
    if not client.is_public:  # a public client only names itself: that is no use of it
        client.note_use(now=now)
    return client


def presented(credentials: Credentials) -> Presented:
    """Return the client's name and secret, from the header or from the body.

    Raises InvalidClient if there is no name, and OAuthError invalid_request if header and body contradict each other.
    """
    if not credentials.has_header:
        if not credentials.client_id:
            raise InvalidClient("the request names no client")
        return Presented(credentials.client_id, credentials.secret)
    if credentials.secret:
        raise OAuthError("invalid_request", "Authenticate the client in one way: by the header or in the body.")
    if credentials.basic is None:
        raise InvalidClient(credentials.problem)
    if credentials.client_id not in {None, credentials.basic.client_id}:
        raise OAuthError("invalid_request", "The header and the body name different clients.")
    return credentials.basic


def _by_secret(identity: Presented, version: str | None, *, now: datetime) -> Client:
    """Return the client whose secret was presented, or the public client that was named. Raises InvalidClient."""
    version, cached = registry.current(identity.client_id, read=version)
    if _proves(identity, cached, cached.secrets.all() if cached else (), now=now) and cached is not None:
        return cached
    # A failure is looked up in the database if the client is cached, too, so that timing reveals no client_id.
    client = registry.read(identity.client_id)
    if not _proves(identity, client, client_secret.stored_of(client), now=now) or client is None:
        raise InvalidClient(_failure(identity, client))
    return registry.keep(client, version=version)


def _failure(identity: Presented, client: Client | None) -> str:
    """Return for the log why the credentials prove nothing. It does not say if a refused secret is right."""
    if client is None:
        return "no active client has this client_id"
    if identity.secret is None or _fits(identity, client):
        return "the secret is wrong, or missing"
    place = "in the Authorization header" if identity.in_header else "in the body"
    bound = "pinned to" if client.pins_authentication_method else "registered for"
    return f"a secret {place}, from a client that is {bound} {client.token_endpoint_auth_method}"


def _proves(identity: Presented, client: Client | None, secrets: Iterable[ClientSecret], *, now: datetime) -> bool:
    """Return True if the secret is one of the client's `secrets`, or a public client names itself. Raises NotReady."""
    if identity.secret is None:
        return client is not None and client.is_public
    try:
        # A client that may not use a secret here is compared like one that does not exist, by the same work.
        return client_secret.matches(secrets if _fits(identity, client) else (), identity.secret, now=now)
    except (MalformedEncryptionKey, LostKey) as error:
        raise NotReady(str(error)) from error
    except Busy as error:  # a client whose imported secret was not used yet
        raise NotReady("too many passwords and imported secrets are being hashed") from error


def _fits(identity: Presented, client: Client | None) -> bool:
    """Return True if the client may authenticate by a secret in this place."""
    here = AuthenticationMethod.SECRET_BASIC if identity.in_header else AuthenticationMethod.SECRET_POST
    return client is not None and here in client.accepted_methods


def _by_key(credentials: Credentials, *, now: datetime) -> Client:
    """Return the client whose key signed the assertion (RFC 7521 section 4.2, RFC 7523 section 2.2).

    Raises InvalidClient, and OAuthError invalid_request if the request uses two methods or names two clients.
    """
    if credentials.has_header or credentials.secret:
        raise OAuthError("invalid_request", "Authenticate the client in one way: by its key or by a secret.")
    if not credentials.assertion or not credentials.assertion_type:
        raise OAuthError("invalid_request", "client_assertion and client_assertion_type come together.")
    if credentials.assertion_type != ASSERTION_TYPE:
        raise InvalidClient("the client_assertion_type is another one")
    try:
        client = private_key_jwt.prove_itself(credentials.assertion, now=now)
    except LegacyAudience as error:  # the client's key signed it, so this reveals no client_id
        raise OAuthError("invalid_client", LEGACY_AUDIENCE, status=401, reason=str(error)) from error
    except InvalidAssertion as error:
        raise InvalidClient(str(error)) from error
    if credentials.client_id not in {None, client.client_id}:
        raise OAuthError("invalid_request", "The assertion and the body name different clients.")
    return client


def _basic(authorization: str) -> tuple[Presented | None, str]:
    """Return name and secret of a Basic header, each form-encoded inside it (RFC 6749 section 2.3.1), or a problem."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None, NOT_BASIC
    try:
        name, colon, secret = base64.b64decode(encoded.strip(" "), validate=True).partition(b":")
        client_id = unquote_to_bytes(name.replace(b"+", b" ")).decode()
        text = unquote_to_bytes(secret.replace(b"+", b" ")).decode()
    except (binascii.Error, ValueError):
        return None, MALFORMED
    # An empty secret is compared like any other wrong one: libraries send it for public clients.
    if not (colon and client_id) or "\0" in client_id:
        return None, MALFORMED
    return Presented(client_id, text, in_header=True), ""

"""Step 3. The client authenticates by its own key or by a secret, before a token is issued.

- A request uses one method of authentication.
- A secret is accepted in the header or in the body (RFC 6749 section 2.3.1), unless the client is registered
  for one of these places only.
- A client that authenticates by a key cannot use a secret. A client that authenticates by a secret cannot use a key.
- Public clients have no credentials. They send only their client_id, and PKCE protects the codes that they redeem.
- A failure takes the same time whether or not the client exists, so that timing reveals no client_id.

`read` parses header and body once, and verifies nothing. The rate limit and the log use the client_id that `read`
returns.
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
    """The credentials of a request, not verified. Header and body can contradict each other."""

    has_header: bool
    name: str | None = None
    """The client_id in the header or the body. Empty if a Basic header is malformed, None if there is no client_id."""
    basic: Presented | None = None
    """The client_id and secret of a Basic header; None if there is no Basic header, or it is malformed."""
    problem: str = ""
    """NOT_BASIC or MALFORMED if the header has no usable client_id and secret, else ""."""
    client_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)
    assertion_type: str | None = None

    @property
    def proves(self) -> bool:
        """Return True if the request has a secret, an assertion or an `Authorization` header."""
        return self.has_header or bool(self.secret or self.assertion or self.assertion_type)


def read(authorization: str | None, form: Mapping[str, str]) -> Credentials:
    """Read the credentials of a request from its `Authorization` header and the parameters of its body.

    Does not verify the credentials.
    """
    basic, problem = (None, "") if authorization is None else _basic(authorization)
    # A malformed Basic header names no client: without a colon, all of it might be a secret.
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


def authenticate(
    credentials: Credentials, *, now: datetime, version: str | None = None, received: float | None = None
) -> Client:
    """Authenticate the client of a request, and return the client.

    `version` is the version of the client registry (`registry.version`), or None if the caller has not read it.
    `received` is the instant at which the server had received the request (monotonic seconds), or None if unknown.

    Raises:
        InvalidClient: The client cannot be authenticated, for any reason.
        OAuthError invalid_request: The request uses two methods (RFC 6749 section 2.3) or names two clients.
        OAuthError unauthorized_client: The client's registration violates its security profile.
        NotReady: KEY_ENCRYPTION_KEYS is malformed or lacks the entry under which a client secret is hashed, or too many
            secrets are being hashed.
        Unavailable: The keys at the client's `jwks_uri` are still being fetched.
    """
    try:
        if credentials.assertion or credentials.assertion_type:
            client = _by_key(credentials, now=now)
        else:
            client = _by_secret(presented(credentials), version, received, now=now)
    except InvalidClient as error:
        raise InvalidClient(error.reason, by_header=credentials.has_header) from error
    if problem := client.profile_problem:  # the client was registered before the profile was switched on
        raise OAuthError("unauthorized_client", problem)
    if not client.is_public:  # a public client only names itself, which does not count as a use
        client.note_use(now=now)
    return client


def presented(credentials: Credentials) -> Presented:
    """Return the client_id and secret that the request presents in its header or its body.

    Raises InvalidClient if the client_id is missing or the header is malformed, and OAuthError invalid_request if there
    are two secrets, or header and body name different clients.
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


def _by_secret(identity: Presented, version: str | None, received: float | None, *, now: datetime) -> Client:
    """Return the client that the request authenticates by a secret, or the public client that the request names.

    `identity` is the client_id and the secret of the request. `version` and `received` are arguments of `authenticate`.
    Raises InvalidClient if there is no such active client or the secret is wrong. Raises NotReady if this process lacks
    a key to compare secrets, or too many secrets are being hashed.
    """
    version, cached = registry.current(identity.client_id, read=version, received=received)
    if _use_secret(identity, cached, cached.secrets.all() if cached else (), now=now) and cached is not None:
        return cached
    # After a failure, the database is queried even if the client is cached, so that timing reveals no client_id.
    compared, secrets = client_secret.presented_by(identity.client_id)
    if not _use_secret(identity, compared, secrets, now=now):
        raise InvalidClient(_failure(identity, compared))
    client = registry.read(identity.client_id)
    if client is None:  # it was disabled after the statement before
        raise InvalidClient("no active client has this client_id")
    return registry.keep(client, version=version)


def _failure(identity: Presented, client: Client | None) -> str:
    """Return the reason why client authentication failed, for the log.

    If the client may not send a secret where the request has it (header or body), the reason names only this place, and
    does not reveal if the secret is right.
    """
    if client is None:
        return "no active client has this client_id"
    if identity.secret is None or _fits(identity, client):
        return "the secret is wrong, or missing"
    place = "in the Authorization header" if identity.in_header else "in the body"
    bound = "pinned to" if client.pins_authentication_method else "registered for"
    return f"a secret {place}, from a client that is {bound} {client.token_endpoint_auth_method}"


def _use_secret(identity: Presented, client: Client | None, secrets: Iterable[ClientSecret], *, now: datetime) -> bool:
    """Return True if the presented secret is one of the client's live `secrets`, and record the use of the secret.

    If the request presents no secret, records nothing, and returns True if the client is public.

    Raises NotReady if this process lacks a key to compare secrets, or too many secrets are being hashed.
    """
    if identity.secret is None:
        return client is not None and client.is_public
    try:
        # A client that may not use a secret here takes the same work as a client that does not exist.
        return client_secret.use(secrets if _fits(identity, client) else (), identity.secret, now=now)
    except (MalformedEncryptionKey, LostKey) as error:
        raise NotReady(str(error)) from error
    except Busy as error:  # a client whose imported secret was not used yet
        raise NotReady("too many passwords and imported secrets are being hashed") from error


def _fits(identity: Presented, client: Client | None) -> bool:
    """Return True if the client may send a secret in the place where this request has one: the header or the body."""
    here = AuthenticationMethod.SECRET_BASIC if identity.in_header else AuthenticationMethod.SECRET_POST
    return client is not None and here in client.accepted_methods


def _by_key(credentials: Credentials, *, now: datetime) -> Client:
    """Return the client whose key signed the assertion (RFC 7521 section 4.2, RFC 7523 section 2.2).

    Raises:
        InvalidClient: The assertion is not valid.
        OAuthError invalid_client: The `aud` of the assertion is the URL of an endpoint, but this client must use the
            URL of the issuer.
        OAuthError invalid_request: The request uses two methods or names two clients.
        Unavailable: The client's keys are still being fetched.
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
    """Decode a Basic header, whose client_id and secret are form-encoded (RFC 6749 section 2.3.1).

    Returns two values: the client_id and secret, and the reason why the header cannot be used. The reason is "" if the
    header can be used. Otherwise it is NOT_BASIC or MALFORMED, and the first value is None.
    """
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

"""Step 3. The client proves who it is before it asks for a token: by its own key or a secret, in one way per request.

- A secret is accepted in the header or in the body (RFC 6749 section 2.3.1), unless the client is pinned to one place.
- A client with a key never authenticates by a secret, nor the other way round.
- Public clients have nothing to prove it with: they name themselves, and PKCE protects what they fetch.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

from tokens.clients import client_secret, private_key_jwt, registry
from tokens.clients.assertion import InvalidAssertion
from tokens.clients.client_secret import LostKey
from tokens.clients.private_key_jwt import LegacyAudience
from tokens.encryption import MalformedEncryptionKey
from tokens.errors import InvalidClient, OAuthError
from tokens.keys.errors import NotReady
from tokens.models import AuthenticationMethod, Client, ClientSecret

SECRET_METHODS = client_secret.METHODS
METHODS = (*SECRET_METHODS, "private_key_jwt", "none")

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = frozenset({None, "jwt", "client-authentication+jwt"})
"""The `typ` of an assertion that authenticates a client: most libraries write the plain one."""

LEGACY_AUDIENCE = (
    "The aud of the assertion is the token endpoint. Send the URL of the issuer, or register the client with"
    " --legacy-audience (admin: legacy audience)."
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says about its client: a name, and a secret or None where it shows none."""

    client_id: str
    secret: str | None
    in_header: bool = False


def authenticate(
    authorization: str | None, form: Mapping[str, str], *, now: datetime, version: str | None = None
) -> Client:
    """Authenticate the client of a request; `authorization` is the header, `form` the body's parameters.

    `version` is the registry's, if the caller has read it already. Raises InvalidClient for every failure, with the
    same work for clients that do not exist. Raises OAuthError invalid_request if the request uses two methods
    (RFC 6749 section 2.3), and NotReady if KEY_ENCRYPTION_KEYS cannot be read or lacks the key of a secret.
    """
    try:
        client = _authenticate(authorization, form, now=now, version=version)
    except InvalidClient as error:
        raise InvalidClient(error.reason, by_header=authorization is not None) from error
    if not client.is_public:  # whoever only names itself was not seen here
        client.note_use(now=now)
    return client


def _authenticate(authorization: str | None, form: Mapping[str, str], *, now: datetime, version: str | None) -> Client:
    if "client_assertion" in form or "client_assertion_type" in form:
        return _by_key(authorization, form, now=now)
    return _by_secret(credentials(authorization, form), version or registry.version(), now=now)


def _by_secret(presented: Credentials, version: str | None, *, now: datetime) -> Client:
    """The client of a request that shows a secret, or of one that only names a public client."""
    known = registry.recall(presented.client_id, version=version)
    if _proves(presented, known, known.secrets.all() if known else (), now=now) and known is not None:
        return known
    # Whoever fails is looked up, remembered or not: time does not tell which clients there are.
    client = registry.read(presented.client_id)
    if not _proves(presented, client, client_secret.kept_of(client), now=now) or client is None:
        raise InvalidClient(_why(presented, client))
    return registry.keep(client, version=version)


def _why(presented: Credentials, client: Client | None) -> str:
    """Return for the log why the credentials prove nothing. It does not say if a refused secret is right."""
    if client is None:
        return "no active client has this client_id"
    if presented.secret is None or _fits(presented, client):
        return "the secret is wrong, or missing"
    where = "in the Authorization header" if presented.in_header else "in the body"
    bound = "pinned to" if client.pins_authentication_method else "registered for"
    return f"a secret {where}, from a client that is {bound} {client.token_endpoint_auth_method}"


def _proves(presented: Credentials, client: Client | None, secrets: Iterable[ClientSecret], *, now: datetime) -> bool:
    """Whether the credentials are the client's, one of its `secrets`. A public client has none: it names itself."""
    if presented.secret is None:
        return client is not None and client.is_public
    # A client that proves itself in another way is compared like one that does not exist: with the same work.
    try:
        return client_secret.matches(secrets if _fits(presented, client) else (), presented.secret, now=now)
    except (MalformedEncryptionKey, LostKey) as error:
        raise NotReady(str(error)) from error


def _fits(presented: Credentials, client: Client | None) -> bool:
    """True if the client authenticates by a secret in this place. Where it may not, no comparison helps."""
    here = AuthenticationMethod.SECRET_BASIC if presented.in_header else AuthenticationMethod.SECRET_POST
    return client is not None and here in client.accepted_methods


def _by_key(authorization: str | None, form: Mapping[str, str], *, now: datetime) -> Client:
    """The client of a request that proves itself with its own key (RFC 7521 section 4.2, RFC 7523 section 2.2)."""
    if authorization is not None or "client_secret" in form:
        raise OAuthError("invalid_request", "Authenticate the client in one way: by its key or by a secret.")
    if "client_assertion" not in form or "client_assertion_type" not in form:
        raise OAuthError("invalid_request", "client_assertion and client_assertion_type come together.")
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise InvalidClient("the client_assertion_type is another one")
    try:
        client, _ = private_key_jwt.prove(form["client_assertion"], types=TYPES, self_issued=True, now=now)
    except LegacyAudience as error:  # the client's key signed it, so this tells no stranger that the client exists
        raise OAuthError("invalid_client", LEGACY_AUDIENCE, status=401, reason=str(error)) from error
    except InvalidAssertion as error:
        raise InvalidClient(str(error)) from error
    if form.get("client_id", client.client_id) != client.client_id:
        raise OAuthError("invalid_request", "The assertion and the body name different clients.")
    return client


def credentials(authorization: str | None, form: Mapping[str, str]) -> Credentials:
    """The client's name and secret, from the header or from the body, and never from both."""
    if authorization is None:
        if "client_id" not in form:
            raise InvalidClient("the request names no client")
        return Credentials(form["client_id"], form.get("client_secret"))
    if "client_secret" in form:
        raise OAuthError("invalid_request", "Authenticate the client in one way: by the header or in the body.")
    basic = _basic(authorization)
    if form.get("client_id", basic.client_id) != basic.client_id:
        raise OAuthError("invalid_request", "The header and the body name different clients.")
    return basic


def _basic(authorization: str) -> Credentials:
    """Name and secret of a Basic header, each form-encoded inside it (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("the Authorization header is not Basic")
    try:
        name, colon, secret = base64.b64decode(encoded.strip(" "), validate=True).partition(b":")
        decoded = Credentials(_form_decode(name), _form_decode(secret), in_header=True)
    except (binascii.Error, ValueError):
        raise InvalidClient("the Authorization header is malformed") from None
    # An empty secret is compared like any other wrong one: libraries send it for public clients.
    if not (colon and decoded.client_id) or "\0" in decoded.client_id:
        raise InvalidClient("the Authorization header is malformed")
    return decoded


def _form_decode(value: bytes) -> str:
    return unquote_to_bytes(value.replace(b"+", b" ")).decode()

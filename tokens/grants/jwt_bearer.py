"""JWT bearer: a trusted application names the user that it acts for, in a JWT signed by its own key (RFC 7523)."""

import uuid
from datetime import datetime

from allauth.account.models import EmailAddress

from tokens import login
from tokens.audit import trail
from tokens.clients import assertion, private_key_jwt
from tokens.clients.assertion import InvalidAssertion
from tokens.errors import OAuthError
from tokens.grants import base
from tokens.grants.base import Grant
from tokens.grants.request import TokenRequest
from tokens.issued import actor, revocation_second
from tokens.issued.client_target import target
from tokens.issued.holder import Holder
from tokens.models import Client, User

OWN_TYPE = "authorization-grant+jwt"
"""The `typ` of these assertions, which no assertion that authenticates a client has."""
TYPES = frozenset({OWN_TYPE, "jwt", None})
"""Common libraries write `JWT` or nothing. Such an assertion must not be one that could authenticate its client."""


class JwtBearerGrant(Grant):
    """The user was not there: the token has no auth_time, and `act` names the application. Never for staff."""

    name = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    def client(self, request: TokenRequest) -> Client:
        """The client whose key signed the assertion; what else it shows to prove itself has to be right too."""
        others = {"client_secret", "client_assertion", "client_assertion_type"} & request.form.keys()
        shown = request.authorization is not None or others
        known = super().client(request) if shown else None
        try:
            client = _prove(request.required("assertion"), now=request.now)
        except InvalidAssertion as error:
            raise OAuthError("invalid_grant", "The assertion is not valid.", reason=str(error)) from error
        if client.client_id != request.form.get("client_id", client.client_id) or (known or client) != client:
            raise OAuthError("invalid_grant", "The assertion is another client's.")
        return client

    def issue(self, request: TokenRequest, client: Client) -> dict[str, object]:
        """The token response (RFC 7523 section 2.1); raises OAuthError. No refresh token."""
        named = assertion.read(request.required("assertion"), types=TYPES).subject
        user = _user(named)
        if user is None or not _may_be_acted_for(user):
            _log("token.refused", client, user, request)
            raise OAuthError("invalid_grant", "The user is unknown, or may not be acted for.")
        asked = target(client, request.scopes, request.resources, openid=False)
        revocation_second.refuse_user(str(user.sub), client, now=request.now)
        holder = Holder(subject=str(user.sub), act=actor.alone(client.client_id))
        response = base.token_response(client, holder, asked, request)
        _log("token.issued_for_user", client, user, request)
        return response


def _prove(text: str, *, now: datetime) -> Client:
    """Return the client that signed the assertion in `text`, and spend the assertion. Raises InvalidAssertion.

    Client assertions share the replay record, so that one JWT is accepted once in total.
    """
    one = assertion.read(text, types=TYPES)
    if one.type != OWN_TYPE and one.subject == one.issuer:
        raise InvalidAssertion("its sub is its iss: without a typ of its own it could authenticate its client")
    client, _ = private_key_jwt.prove(text, types=TYPES, self_issued=False, now=now)
    if one.type != OWN_TYPE and client.requires_assertion_type:
        raise InvalidAssertion(f"its typ is not {OWN_TYPE}, which this client is registered to send")
    return client


def _user(named: str) -> User | None:
    """Return the user by `sub`, as tokens spell it, or by a verified e-mail address in any Unicode spelling.

    Returns None if two users hold the address, or if it is no longer the user's.
    """
    if "@" in named:
        verified = EmailAddress.objects.filter(login.spelled("email", named), verified=True).select_related("user")
        owners = [one.user for one in verified if login.folded(one.email) == login.folded(named)]
        user = owners[0] if len(owners) == 1 else None
        return user if user is not None and login.folded(user.email) == login.folded(named) else None
    try:
        user = User.objects.filter(sub=uuid.UUID(named)).first()
    except ValueError:
        return None
    return user if user is not None and str(user.sub) == named else None


def _may_be_acted_for(user: User) -> bool:
    return user.is_active and not (user.is_staff or user.is_superuser)


def _log(action: str, client: Client, user: User | None, request: TokenRequest) -> None:
    subject = f"user:{user.sub}" if user else "user:unknown"
    details = {"grant": JwtBearerGrant.name, "scope": " ".join(request.scopes)}
    trail.log(action, actor=f"client:{client.client_id}", subject=subject, details=details, now=request.now)

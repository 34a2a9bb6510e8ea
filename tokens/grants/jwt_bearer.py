"""The JWT bearer grant type: a trusted client names the user that it acts for, in an assertion (RFC 7523 section 2.1).

1. The assertion is well-formed, and its `typ` is in TYPES.
2. A key of the client signed the assertion, its audience is this issuer, and it is valid now. It is accepted once.
3. Credentials in the request, if there are any, authenticate the same client.
4. The user exists, is active, and is neither staff nor a superuser.

No user logs in, so the token has no `auth_time`, and `act` names the client. The client gets no refresh token.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress

from tokens import login
from tokens.audit import trail
from tokens.clients import assertion, authentication, private_key_jwt
from tokens.clients.assertion import Assertion, InvalidAssertion
from tokens.errors import OAuthError
from tokens.grants import base, revocation_second
from tokens.grants.base import Proven, Tokens
from tokens.grants.request import ClientRequest
from tokens.issued import actor, audience, membership
from tokens.issued.holder import Holder
from tokens.models import Client, GrantType, User

OWN_TYPE = "authorization-grant+jwt"
"""The `typ` of an assertion for this grant type. An assertion that authenticates a client never has this `typ`."""
TYPES = frozenset({OWN_TYPE, "jwt", None})
"""The accepted `typ` of an assertion, in lower case. Common libraries send `JWT` or no `typ` (None).

An assertion with such a `typ` is refused if the token endpoint could also accept it as client authentication.
"""


@dataclass(frozen=True, slots=True)
class ProvenForUser(Proven):
    """The client whose key signed the assertion, and the name of the user in the assertion."""

    user: str
    """The `sub` of the assertion: a user's `sub`, or an e-mail address."""


def identify(request: ClientRequest) -> ProvenForUser:
    """Verify the assertion, and return its client and the name of its user.

    If the request also has credentials, they must authenticate the same client. Raises OAuthError if the assertion or
    the credentials are refused.
    """
    credentials = request.credentials
    authenticated = authentication.authenticate(credentials, now=request.now) if credentials.proves else None
    text = request.required("assertion")
    try:
        presented = assertion.read(text, types=TYPES)
        client = _prove(presented, now=request.now)
    except InvalidAssertion as error:
        raise OAuthError("invalid_grant", "The assertion is not valid.", reason=str(error)) from error
    same = authenticated is None or authenticated == client
    if not same or client.client_id != request.form.get("client_id", client.client_id):
        raise OAuthError("invalid_grant", "The assertion is another client's.")
    return ProvenForUser(client, presented.subject)


def issue(request: ClientRequest, proven: ProvenForUser) -> Tokens:
    """Issue a token for the user that the assertion names.

    Raises OAuthError if the user, the scope or the resource is refused.
    """
    client, user = proven.client, _user(proven.user)
    if user is None or not _may_be_acted_for(user):
        reason = "no such user" if user is None else "the user may not be acted for"
        raise OAuthError("invalid_grant", "The user is unknown, or may not be acted for.", reason=reason)
    target = audience.of_client(client, request.scopes, request.resources, openid=False)
    target = membership.narrow_for_client(target, client, str(user.sub))
    revocation_second.refuse_user(str(user.sub), client, now=request.now)
    holder = Holder(subject=str(user.sub), act=actor.alone(client.client_id), user=user)
    tokens = base.issue_access_token(client, holder, target, request)
    _log_issue(client, user, tokens.scopes, request)
    client.note_use(now=request.now)  # the assertion named the client, perhaps without authenticating it
    return tokens


def _prove(presented: Assertion, *, now: datetime) -> Client:
    """Return the client that signed the assertion, and record the assertion as used.

    Raises InvalidAssertion if the assertion is not valid, or if the token endpoint could also accept it as client
    authentication. Also raises InvalidAssertion if the client must send the `typ` OWN_TYPE, but did not.
    """
    # No assertion may serve both purposes. Client assertions share the replay record, so that one JWT is accepted once
    # in total.
    if presented.type != OWN_TYPE and presented.subject == presented.issuer:
        raise InvalidAssertion("its sub is its iss: without a typ of its own it could authenticate its client")
    client = private_key_jwt.prove(presented, now=now)
    if presented.type != OWN_TYPE and client.requires_assertion_type:
        raise InvalidAssertion(f"its typ is not {OWN_TYPE}, which this client is registered to send")
    return client


def _user(name: str) -> User | None:
    """Return the user whose `sub` or verified e-mail address is `name`.

    The `sub` must be spelled as in tokens. The address can be in any Unicode spelling. Returns None if there is no such
    user, if several users verified the address, or if the user who verified the address has another address now.
    """
    if "@" in name:
        verified = EmailAddress.objects.filter(login.spelled("email", name), verified=True).select_related("user")
        owners = [row.user for row in verified if login.folded(row.email) == login.folded(name)]
        user = owners[0] if len(owners) == 1 else None
        return user if user is not None and login.folded(user.email) == login.folded(name) else None
    try:
        user = User.objects.filter(sub=uuid.UUID(name)).first()
    except ValueError:
        return None
    # uuid.UUID reads several spellings: only the one in tokens is the user's.
    return user if user is not None and str(user.sub) == name else None


def _may_be_acted_for(user: User) -> bool:
    return user.is_active and not (user.is_staff or user.is_superuser)


def _log_issue(client: Client, user: User, scopes: Iterable[str], request: ClientRequest) -> None:
    """Record in the audit trail that `client` got a token for `user` with the granted `scopes`."""
    caller, subject = f"client:{client.client_id}", f"user:{user.sub}"
    details = {"grant": GrantType.JWT_BEARER.value, "scope": " ".join(scopes)}
    trail.log("token.issued_for_user", actor=caller, subject=subject, details=details, now=request.now)

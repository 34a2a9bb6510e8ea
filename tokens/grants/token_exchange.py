"""The token exchange grant type: a service exchanges a user's token for a token for another API (RFC 8693).

"This client" is the client that authenticates to exchange the token.

1. The subject token is a valid access token of this issuer, for an API that this client operates.
2. The user of the subject token is active. The client to which the subject token was issued is active. No revocation
   covers the subject token.
3. If the subject token is bound to a key (RFC 9449), the request must have a DPoP proof of this client's own key. The
   new token is bound to this client's key, so that a bound token never becomes a bearer token.
4. The claim `act` of the new token names at most LONGEST_CHAIN clients, which act for the user one after the other.
5. An exchange policy permits this client to get a token for the requested API and scopes.

The new token has the same user, and expires no later than the subject token. `act` names this client. There is no
refresh token.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tokens import conf
from tokens.audit import trail
from tokens.clients import authentication
from tokens.errors import OAuthError
from tokens.grants import base
from tokens.grants.base import Proven, Tokens
from tokens.grants.request import ClientRequest
from tokens.issued import actor, audience, membership, token_reader, token_status
from tokens.issued.actor import ChainTooLong
from tokens.issued.audience import Target
from tokens.issued.holder import Holder
from tokens.issued.login import Login
from tokens.issued.token_reader import InvalidPresentedToken, PresentedToken
from tokens.issued.token_status import TokenStatus
from tokens.models import Client

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (the name of a type)
UNBOUND = "The subject token is bound to a key. Send a DPoP proof, to which the new token is bound."
SHORTEST = timedelta(seconds=1)
"""A subject token that expires sooner than this is not exchanged."""


class Unacceptable(Exception):
    """The client may not exchange the subject token. The message gives the reason, for the log."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A verified subject token, and its status in the database."""

    token: PresentedToken
    status: TokenStatus


@dataclass(frozen=True, slots=True)
class ProvenWithSubject(Proven):
    """The authenticated client and the subject token.

    If the subject token is not a valid access token of this issuer, `subject` is an exception with the reason. It is
    not raised yet, so that `issue` can refuse the request.
    """

    subject: Subject | InvalidPresentedToken


def identify(request: ClientRequest) -> ProvenWithSubject:
    """Authenticate the client, and verify the subject token. Raises what `authentication.authenticate` raises."""
    # The statement about the subject token also reads the registry's version, which authentication needs. `issue`
    # refuses an invalid token, so that nothing about the token is revealed before the client is authenticated.
    subject = _look_up(request)
    version = subject.status.registry if isinstance(subject, Subject) else None
    return ProvenWithSubject(
        authentication.authenticate(request.credentials, now=request.now, version=version), subject
    )


def issue(request: ClientRequest, proven: ProvenWithSubject) -> Tokens:
    """Issue a token for another API (RFC 8693 section 2.2.1). Raises OAuthError if the exchange is not permitted."""
    client = proven.client
    if client.is_public:
        raise OAuthError("unauthorized_client", "A public client receives no tokens that it could exchange.")
    _check_types(request)
    try:
        subject = _acceptable(request, proven)
        holder = _holder(subject, client)
    except Unacceptable as error:
        raise OAuthError(
            "invalid_request", "The subject token cannot be exchanged by this client.", reason=str(error)
        ) from error
    if subject.thumbprint is not None and request.thumbprint is None:
        raise OAuthError("invalid_dpop_proof", UNBOUND)
    target = _target(client, request, holder.subject)
    tokens = base.issue_access_token(client, holder, target, request, until=subject.expires_at)
    details = {"subject": holder.subject, "from": subject.token_id, "audience": target.audience}
    caller = f"client:{client.client_id}"
    trail.log("token.exchanged", actor=caller, subject="exchange", details=details, now=request.now)
    return replace(tokens, issued_token_type=ACCESS_TOKEN)


def _look_up(request: ClientRequest) -> Subject | InvalidPresentedToken:
    """Return the subject token of the request and its status. If the token is invalid, return the exception.

    Raises NotReady if no keys can be read.
    """
    try:
        token = token_reader.read(request.form.get("subject_token", ""), now=request.now)
    except InvalidPresentedToken as error:
        return error
    return Subject(token, token_status.look_up(token))


def _check_types(request: ClientRequest) -> None:
    """Raise OAuthError unless the client exchanges an access token for an access token (RFC 8693 section 2.1)."""
    if request.required("subject_token_type") != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"The subject token type is not supported; use {ACCESS_TOKEN}.")
    if request.form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"The requested token type is not supported; use {ACCESS_TOKEN}.")
    if "actor_token" in request.form or "actor_token_type" in request.form:
        raise OAuthError("invalid_request", "An actor token is not supported: the client itself is the actor.")


def _acceptable(request: ClientRequest, proven: ProvenWithSubject) -> PresentedToken:
    """Return the subject token of the request. Raises Unacceptable if the client may not exchange it."""
    request.required("subject_token")
    if isinstance(proven.subject, InvalidPresentedToken):
        raise Unacceptable(f"the subject token is not valid: {proven.subject}") from proven.subject
    token, status = proven.subject.token, proven.subject.status
    if token.expires_at - request.now < SHORTEST:
        raise Unacceptable("the subject token is about to expire")
    if all(api.identifier != token.audience for api in proven.client.operated_apis.all()):
        raise Unacceptable("the subject token's aud is no API of this client")
    if not status.has_active_user:
        raise Unacceptable("the subject token's sub is no active user")
    if not status.has_active_client:
        raise Unacceptable("the subject token was issued to a client that is not active")
    if status.is_revoked:
        raise Unacceptable("the subject token was revoked")
    return token


def _holder(subject: PresentedToken, client: Client) -> Holder:
    """Return the user of the subject token, with `client` as the latest actor.

    Raises Unacceptable if the token would name more than LONGEST_CHAIN actors.
    """
    claims = subject.claims
    login = None
    if "auth_time" in claims:
        at = datetime.fromtimestamp(claims["auth_time"], UTC)
        login = Login(at=at, acr=claims.get("acr", ""), amr=tuple(claims.get("amr", ())))
    try:
        act = actor.chain(client.client_id, claims)
    except ChainTooLong as error:
        raise Unacceptable("the subject token's chain of actors is too long") from error
    return Holder(subject=subject.subject, grant_id=subject.grant_id, login=login, act=act)


def _target(client: Client, request: ClientRequest, subject: str) -> Target:
    """Return the requested API and scopes, without the scopes that the user `subject` (a `sub`) may not have.

    Raises OAuthError unless an exchange policy of the client allows the API and the scopes.
    """
    policies = client.exchange_policies.all()
    usable = [scope for policy in policies for scope in policy.scopes.all() if scope.api_id == policy.api_id]
    resources = (*request.resources, *request.audiences)
    try:
        target = audience.resolve(request.scopes, resources, usable=usable, openid=(), issuer=conf.issuer().url)
    except OAuthError as error:
        reason = f"{error.description} (by the exchange policies of this client)"
        raise OAuthError(error.error, error.description, reason=reason) from error
    return membership.narrow(target, usable, subject)

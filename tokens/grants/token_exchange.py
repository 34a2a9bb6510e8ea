"""Token exchange: a service trades the user's token that it received for one to the next API (RFC 8693)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tokens import conf
from tokens.audit import trail
from tokens.errors import OAuthError
from tokens.grants import base
from tokens.grants.base import Grant
from tokens.grants.request import TokenRequest
from tokens.issued import actor, audience, token_reader, token_status
from tokens.issued.actor import ChainTooLong
from tokens.issued.audience import Target
from tokens.issued.holder import Holder
from tokens.issued.login import Login
from tokens.issued.token_reader import InvalidPresentedToken, PresentedToken
from tokens.issued.token_status import TokenStatus
from tokens.models import Client
from tokens.parameters import REPEATABLE, REPEATABLE_TOO

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (the name of a type)
SHORTEST = timedelta(seconds=1)


class Unacceptable(Exception):
    """The subject token may not be exchanged by this client; the message says why, for the log."""


@dataclass(frozen=True, slots=True)
class ExchangeRequest(TokenRequest):
    """A request with what was found out about its subject token: asked together with whether the client is known."""

    subject: PresentedToken | None = None
    standing: TokenStatus | None = None


class TokenExchangeGrant(Grant):
    """The new token is for one other API, in the same user's name, and lives no longer; `act` says who passed it on."""

    name = "urn:ietf:params:oauth:grant-type:token-exchange"

    def answer(self, request: TokenRequest) -> dict[str, object]:
        """The token response (RFC 8693 section 2.2.1); raises OAuthError (section 2.2.2). No refresh token."""
        return super().answer(_looked_up(request))

    def issue(self, request: TokenRequest, client: Client) -> dict[str, object]:
        """The token response for a client that is proven; raises OAuthError."""
        assert isinstance(request, ExchangeRequest)  # noqa: S101 (`answer` made it)
        if client.is_public:
            raise OAuthError("unauthorized_client", "A public client receives no tokens that it could exchange.")
        _check_types(request)
        try:
            subject = _subject(request, client)
            holder = _holder(subject, client)
        except (Unacceptable, ChainTooLong) as error:
            _log("token.refused", client, request, {"reason": str(error)})
            raise OAuthError("invalid_request", "The subject token cannot be exchanged by this client.") from error
        target = _target(client, request)
        response = base.token_response(client, holder, target, request, until=subject.expires_at)
        details = {"subject": holder.subject, "from": subject.token_id, "audience": target.audience}
        _log("token.exchanged", client, request, details)
        return response | {"issued_token_type": ACCESS_TOKEN}


def _looked_up(request: TokenRequest) -> ExchangeRequest:
    """The request, its subject token verified; nothing is refused before the client is known."""
    asked = ExchangeRequest(request.pairs, request.authorization, request.now)
    try:
        subject = token_reader.read(request.form.get("subject_token", ""), now=request.now)
    except InvalidPresentedToken:
        return asked
    found = token_status.look_up(subject)
    return replace(asked, registry=found.registry, subject=subject, standing=found)


def _check_types(request: TokenRequest) -> None:
    """Access tokens for access tokens, and nobody acts but the client itself (RFC 8693 section 2.1)."""
    if request.required("subject_token_type") != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"The subject token type is not supported; use {ACCESS_TOKEN}.")
    if request.form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"The requested token type is not supported; use {ACCESS_TOKEN}.")
    if "actor_token" in request.form or "actor_token_type" in request.form:
        raise OAuthError("invalid_request", "An actor token is not supported: the client itself is the actor.")


def _subject(request: ExchangeRequest, client: Client) -> PresentedToken:
    """The subject token: one that was meant for an API of this client, of a user, and not taken back."""
    request.required("subject_token")
    subject, found = request.subject, request.standing
    if subject is None or found is None:
        raise Unacceptable("it is not an access token of this issuer that lives")
    if subject.expires_at - request.now < SHORTEST:
        raise Unacceptable("it is about to expire")
    if all(api.identifier != subject.audience for api in client.operated_apis.all()):
        raise Unacceptable("its aud is no API of this client")
    if not found.has_active_user:
        raise Unacceptable("its sub is no active user")
    if not found.has_active_client:
        raise Unacceptable("it was issued to a client that is not active")
    if found.is_revoked:
        raise Unacceptable("it was revoked")
    return subject


def _holder(subject: PresentedToken, client: Client) -> Holder:
    claims = subject.claims
    login = None
    if "auth_time" in claims:
        at = datetime.fromtimestamp(claims["auth_time"], UTC)
        login = Login(at=at, acr=claims.get("acr", ""), amr=tuple(claims.get("amr", ())))
    act = actor.chain(client.client_id, claims)
    return Holder(subject=subject.subject, grant_id=subject.grant_id, login=login, act=act)


def _target(client: Client, request: TokenRequest) -> Target:
    """The next API and its scopes: what the exchange policies of this client allow."""
    policies = client.exchange_policies.all()
    allowed = [scope for policy in policies for scope in policy.scopes.all() if scope.api_id == policy.api_id]
    resources = [value for name, value in request.pairs if name in {REPEATABLE, REPEATABLE_TOO}]
    try:
        return audience.resolve(request.scopes, resources, allowed=allowed, openid=(), issuer=conf.issuer().url)
    except OAuthError as error:
        why = f"{error.description} (by the exchange policies of this client)"
        raise OAuthError(str(error.error), str(error.description), reason=why) from error


def _log(action: str, client: Client, request: TokenRequest, details: Mapping[str, object]) -> None:
    trail.log(action, actor=f"client:{client.client_id}", subject="exchange", details=details, now=request.now)

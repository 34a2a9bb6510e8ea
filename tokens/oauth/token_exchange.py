"""Token exchange: a service trades the user's token that it received for one to the next API (RFC 8693)."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db.models import F

from tokens import audit, conf
from tokens.errors import OAuthError
from tokens.models import Api, Client, Scope, User
from tokens.oauth import actor, audience, denial, grant, presented_token
from tokens.oauth.actor import ChainTooLong
from tokens.oauth.audience import Target
from tokens.oauth.grant import Grant, Holder
from tokens.oauth.login_session import Login
from tokens.oauth.presented_token import InvalidPresentedToken, PresentedToken
from tokens.oauth.token_request import TokenRequest

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (the name of a type)
SHORTEST = timedelta(seconds=1)


class Unacceptable(Exception):
    """The subject token may not be exchanged by this client; the message says why, for the log."""


class TokenExchangeGrant(Grant):
    """The new token is for one other API, in the same user's name, and lives no longer; `act` says who passed it on."""

    name = "urn:ietf:params:oauth:grant-type:token-exchange"

    def issue(self, request: TokenRequest, client: Client) -> dict[str, object]:
        """The token response (RFC 8693 section 2.2.1); raises OAuthError (section 2.2.2). No refresh token."""
        if client.client_type != Client.CLIENT_CONFIDENTIAL:
            raise OAuthError("unauthorized_client", "A public client receives no tokens that it could exchange.")
        _check_types(request)
        try:
            subject = _subject(request.required("subject_token"), client, now=request.now)
            holder = _holder(subject, client)
        except (InvalidPresentedToken, Unacceptable, ChainTooLong) as error:
            _log("token.refused", client, request, {"reason": str(error)})
            raise OAuthError("invalid_request", "The subject token cannot be exchanged by this client.") from error
        target = _target(client, request)
        response = grant.token_response(client, holder, target, request, until=subject.expires_at)
        details = {"subject": holder.subject, "from": subject.token_id, "audience": target.audience}
        _log("token.exchanged", client, request, details)
        return response | {"issued_token_type": ACCESS_TOKEN}


def _check_types(request: TokenRequest) -> None:
    """Access tokens for access tokens, and nobody acts but the client itself (RFC 8693 section 2.1)."""
    if request.required("subject_token_type") != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"The subject token type is not supported; use {ACCESS_TOKEN}.")
    if request.form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"The requested token type is not supported; use {ACCESS_TOKEN}.")
    if "actor_token" in request.form or "actor_token_type" in request.form:
        raise OAuthError("invalid_request", "An actor token is not supported: the client itself is the actor.")


def _subject(text: str, client: Client, *, now: datetime) -> PresentedToken:
    """The subject token: one that was meant for an API of this client, of a user, and not taken back."""
    subject = presented_token.read(text, now=now)
    if subject.expires_at - now < SHORTEST:
        raise Unacceptable("it is about to expire")
    if not Api.objects.filter(identifier=subject.audience, client=client).exists():
        raise Unacceptable("its aud is no API of this client")
    if not _is_active_user(subject.subject):
        raise Unacceptable("its sub is no active user")
    if denial.is_denied(subject.claims):
        raise Unacceptable("it was revoked")
    return subject


def _is_active_user(subject: str) -> bool:
    try:
        return User.objects.filter(sub=uuid.UUID(subject), is_active=True).exists()
    except ValueError:
        return False


def _holder(subject: PresentedToken, client: Client) -> Holder:
    claims = subject.claims
    login = None
    if "auth_time" in claims:
        at = datetime.fromtimestamp(claims["auth_time"], UTC)
        login = Login(at=at, acr=claims.get("acr", ""), amr=tuple(claims.get("amr", ())))
    act = actor.chain(client.client_id, claims.get("act"))
    return Holder(subject=subject.subject, grant_id=subject.grant_id, login=login, act=act)


def _target(client: Client, request: TokenRequest) -> Target:
    """The next API and its scopes: what the exchange policies of this client allow."""
    allowed = Scope.objects.filter(
        exchange_policies__client=client, exchange_policies__api=F("api")
    ).select_related("api")  # fmt: skip
    resources = [*request.resources, *([request.form["audience"]] if "audience" in request.form else [])]
    return audience.resolve(request.scopes, resources, allowed=allowed, openid=(), issuer=conf.issuer().url)


def _log(action: str, client: Client, request: TokenRequest, details: Mapping[str, object]) -> None:
    audit.log(action, actor=f"client:{client.client_id}", subject="exchange", details=details, now=request.now)

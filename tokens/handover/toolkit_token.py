"""Imports live refresh tokens of django-oauth-toolkit, each under a user grant of its own. Counts refused tokens."""

from tokens import conf
from tokens.errors import OAuthError
from tokens.handover import dump_user
from tokens.handover.toolkit_report import ToolkitImport, ToolkitReport
from tokens.handover.toolkit_rows import ToolkitToken
from tokens.issued import audience, one_time, refresh_token, user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.issued.user_grant import SessionEnded
from tokens.models import Client, RefreshToken, Scope, User

SHORTEST = 22
"""The least number of characters of a token. A shorter token has fewer than 128 bits."""


def take(token: ToolkitToken, client: Client | None, wanted: ToolkitImport, report: ToolkitReport) -> None:
    """Store a refresh token under a user grant of its own, and count it in `report`.

    Counts a token that was imported before as unchanged, and a refused token by the reason.
    """
    digest = token.checksum or one_time.digest(token.text)
    # Searched by family, because the row of a token that was used here can be purged while its successors live.
    if RefreshToken.objects.filter(family=digest).exists():
        report.unchanged_tokens += 1
        return
    if reason := _problem(token, client, wanted):
        report.refuse(reason)
        return
    # Not by username alone: it can be that of another person, whom import_users refused to merge.
    sub = dump_user.derived_sub(wanted.source, token.user)
    user = User.objects.filter(username=token.username, sub=sub).first()
    if user is None:
        report.refuse("the user does not exist here: run import_users first")
        if token.username not in report.missing_users:
            report.missing_users.append(token.username)
        return
    target = _target(token)
    if isinstance(target, str) or client is None:
        report.refuse(str(target))
        return
    lasts = refresh_token.family_lifetime(client, target.scopes)
    login = Login(at=token.created, acr="", amr=())
    try:
        grant = user_grant.create(user, client, target, login, now=wanted.now, lasts=lasts)
    except (OAuthError, SessionEnded):
        report.refuse("the user is not active")
        return
    refresh_token.adopt(digest, grant, client, now=wanted.now)
    report.tokens += 1


def _problem(token: ToolkitToken, client: Client | None, wanted: ToolkitImport) -> str | None:
    """Return the reason not to import the token, or None. Does not check the user and the scopes of the token."""
    if token.revoked:
        return "revoked"
    if token.scope is None:
        return "its access token was deleted, and the toolkit refuses it, too"
    if wanted.expire_after is not None and token.created + wanted.expire_after <= wanted.now:
        return "expired"
    if client is None:
        return "its application was not taken"
    if "refresh_token" not in client.grants:
        return "its client has no refresh tokens: change its grant types"
    # The part before the first dot names the family of a token of this issuer.
    if token.text and ("." in token.text or len(token.text) < SHORTEST):
        return "it has a dot, or fewer than 22 characters: the user logs in again"
    return None


def _target(token: ToolkitToken) -> Target | str:
    """Return the API and the scopes of the imported token, or the reason to refuse the token because of its scopes."""
    names = tuple(dict.fromkeys((token.scope or "").split()))
    offered = audience.offered()
    own = {scope.name: scope.api for scope in Scope.objects.filter(name__in=names).select_related("api")}
    if missing := [name for name in names if name not in own and name not in offered]:
        return f"this issuer has no scope {missing[0]}: create it with create_api"
    apis = {api.pk: api for api in own.values()}
    if len(apis) > 1:
        return "its scopes belong to several APIs here: a token is for one"
    api = next(iter(apis.values()), None)
    if api is None and "openid" not in names:
        return "it has no scope of an API, and not openid"
    return Target(api.identifier if api else conf.issuer().url, names, api)

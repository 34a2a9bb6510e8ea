"""The claims that the userinfo endpoint returns about a user (OpenID Connect Core section 5.3).

An access token opens the endpoint if
1. it is signed by this issuer, and has not expired;
2. it is not revoked, and its client is active;
3. it was issued under a user's grant, to the client that the user allowed: a service's token and an exchanged
   token were not, because the user granted their holders nothing;
4. the grant has the scope openid. A token for an API does not contain that scope, so the grant decides, and a switch
   of the client can refuse such tokens. A token for the issuer contains it itself;
5. its user is active.
"""

from datetime import datetime
from typing import Any

from tokens import conf
from tokens.claims import contents
from tokens.claims.hook import ClaimsContext, Place
from tokens.errors import OAuthError
from tokens.issued import audience, token_reader, token_status
from tokens.issued.token_reader import InvalidPresentedToken, PresentedToken
from tokens.models import Api, UserGrant

REALM = "userinfo"


class TokenRefused(OAuthError):
    """The userinfo endpoint refuses the token (RFC 6750 section 3.1)."""

    @property
    def headers(self) -> dict[str, str]:
        """Return the header `WWW-Authenticate` with the error (RFC 6750 section 3)."""
        reason = f'error="{self.error}", error_description="{self.description}"'
        return {"WWW-Authenticate": f'Bearer realm="{REALM}", {reason}'}


def userinfo(text: str, *, now: datetime) -> dict[str, Any]:
    """Return the claims about the user of the access token in `text`.

    Raises TokenRefused if the token is not valid for this endpoint, OAuthError server_error if the claims cannot be
    computed, and NotReady if the keys cannot be read.
    """
    try:
        token = token_reader.read(text, now=now)
    except InvalidPresentedToken as error:
        raise _invalid(str(error)) from error
    if not token_status.is_accepted(token):
        raise _invalid("the token, its user or its client is not accepted any more")
    grant, scopes = _grant(token)
    api = None if _is_for_issuer(token) or not conf.issuer().claims_hook else _api(token)
    context = ClaimsContext(user=grant.user, client=grant.client, api=api, scopes=scopes, place=Place.USERINFO)
    return {**contents.of_userinfo(context, grant), "sub": token.subject}


def _grant(token: PresentedToken) -> tuple[UserGrant, frozenset[str]]:
    """Return the user grant of the token, and the scopes whose claims userinfo returns. Raises TokenRefused."""
    if _is_for_issuer(token) and "openid" not in token.scopes:
        raise TokenRefused("insufficient_scope", "The token lacks the scope openid.", status=403)
    if token.grant_id is None or "act" in token.claims:
        raise _invalid("no user granted it to its holder (a service's, an exchanged or a JWT bearer token)")
    row = UserGrant.objects.select_related("user", "client").filter(pk=token.grant_id, user__is_active=True).first()
    if row is None:
        raise _invalid("its grant or user does not exist any more")
    if _is_for_issuer(token):
        return row, frozenset(token.scopes)
    scopes = frozenset(row.scope.split()).intersection(audience.offered())
    if "openid" not in scopes:
        raise TokenRefused("insufficient_scope", "The user's grant lacks the scope openid.", status=403)
    if not row.client.opens_userinfo_by_api_tokens:
        description = (
            "Tokens for an API do not open userinfo for this client; ask for a token with resource=the issuer."
        )
        raise TokenRefused("invalid_token", description, status=401)
    return row, scopes.union(token.scopes)


def _is_for_issuer(token: PresentedToken) -> bool:
    return token.audience == conf.issuer().url


def _api(token: PresentedToken) -> Api | None:
    return Api.objects.filter(identifier=token.audience).first()


def _invalid(reason: str) -> TokenRefused:
    return TokenRefused("invalid_token", "The access token is not valid here.", status=401, reason=reason)

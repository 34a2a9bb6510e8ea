"""The authorization code grant: trade a code for tokens, once (RFC 6749 section 4.1.3)."""

import re

from django.db import transaction
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256

from tokens.errors import OAuthError
from tokens.grants import user_response
from tokens.grants.base import Grant
from tokens.grants.request import TokenRequest
from tokens.issued import one_time, user_grant
from tokens.models import AuthorizationCode, Client

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1


class AuthorizationCodeGrant(Grant):
    """Trades a code for an access token, and an ID token where the user's identity was asked for."""

    name = "authorization_code"

    def issue(self, request: TokenRequest, client: Client) -> dict[str, object]:
        """Return the token response. Raises OAuthError invalid_grant, and revokes the grant if the code is reused.

        A repeat of the request within RETRY_WINDOW (parallel requests, a lost answer) is refused; the grant stays.
        """
        code = _find(request, client)
        _verify(code, request)
        with transaction.atomic():
            allowed = user_grant.lock(code.grant)
            won = AuthorizationCode.objects.filter(pk=code.pk, redeemed_at=None).update(redeemed_at=request.now)
            if won:
                user_grant.require_live(allowed, now=request.now)
                return user_response.first(allowed, client, request, nonce=code.nonce)
            redeemed_at = AuthorizationCode.objects.filter(pk=code.pk).values_list("redeemed_at", flat=True).first()
        if redeemed_at is not None and not one_time.is_retry(redeemed_at, now=request.now):
            user_grant.revoke_reused(code.grant, "code used twice", actor=f"client:{client.client_id}", now=request.now)
        raise OAuthError("invalid_grant", "The authorization code was used before.")


def _find(request: TokenRequest, client: Client) -> AuthorizationCode:
    presented = one_time.digest(request.required("code"))
    rows = AuthorizationCode.objects.select_related("grant__user", "grant__client")
    code = rows.filter(digest=presented, grant__client=client).first()
    if code is None or (code.redeemed_at is None and code.expires_at <= request.now):
        raise OAuthError("invalid_grant", "The authorization code is unknown, expired, or another client's.")
    return code


def _verify(code: AuthorizationCode, request: TokenRequest) -> None:
    """Whoever cannot show redirect URI and verifier of the request never held its code: nothing is revoked for them."""
    if not _names_redirect_uri(code, request):
        raise OAuthError("invalid_grant", "The redirect URI is not that of the authorization request.")
    verifier = request.required("code_verifier")
    if not (VERIFIER.fullmatch(verifier) and code_challenge_method_s256(verifier, code.code_challenge)):
        raise OAuthError("invalid_grant", "The code verifier does not match the code challenge.")


def _names_redirect_uri(code: AuthorizationCode, request: TokenRequest) -> bool:
    """Whether the redirect URI is that of the authorization request, or neither named one (RFC 6749 section 4.1.3)."""
    if code.redirect_uri:
        return request.required("redirect_uri") == code.redirect_uri
    return request.form.get("redirect_uri") in {None, *code.grant.client.redirect_uris.split()}

"""The authorization code grant type: a client redeems a code for tokens, once (RFC 6749 section 4.1.3)."""

import base64
import hashlib
import hmac
import re

from django.db import transaction

from tokens.errors import OAuthError
from tokens.grants import holder_key, user_response
from tokens.grants.base import Proven, Tokens
from tokens.grants.request import ClientRequest
from tokens.issued import one_time, row_statements, user_grant
from tokens.issued.row_join import JoinedRows
from tokens.models import AuthorizationCode, Client, PkceRule

# `lock`, in this order: the lock order of grants and codes. Locking the user, too, would break that order.
CODES = JoinedRows(
    AuthorizationCode, "grant", "grant__user", where="digest = %s AND client_id = %s", lock=("grant", "")
)
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1


def issue(request: ClientRequest, proven: Proven) -> Tokens:
    """Redeem the code. Raises OAuthError invalid_grant if the code is invalid or redeemed, or does not fit the request.

    If the code is reused after RETRY_WINDOW, the grant is revoked. Within that window, parallel requests and retries
    after a lost answer are refused, but the grant is not revoked.
    """
    client = proven.client
    with transaction.atomic():
        # The lock admits one of several parallel requests at a time to check and redeem the code.
        code = _find(request, client)
        _verify(code, client, request)
        # The UPDATE decides, too, which request redeems the code.
        if code.redeemed_at is None and row_statements.fill(code, "redeemed_at", request.now):
            user_grant.require_live(code.grant, now=request.now)
            return user_response.first(code.grant, client, request, nonce=code.nonce)
    redeemed_at = AuthorizationCode.objects.filter(pk=code.pk).values_list("redeemed_at", flat=True).first()
    if redeemed_at is not None and not one_time.is_retry(redeemed_at, now=request.now):
        user_grant.revoke_reused(code.grant, "code used twice", actor=f"client:{client.client_id}", now=request.now)
    raise OAuthError("invalid_grant", "The authorization code was used before.")


def matches_challenge(verifier: str, challenge: str) -> bool:
    """Return True if `challenge` is the S256 code challenge of `verifier` (RFC 7636 section 4.6)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, challenge.encode())


def _find(request: ClientRequest, client: Client) -> AuthorizationCode:
    """Lock the grant of the code, then the code. Return the code as it was read under the lock.

    Raises OAuthError invalid_grant if the code is unknown, another client's, or expired without having been redeemed.
    """
    presented = one_time.digest(request.required("code"))
    code = CODES.first([presented, client.pk])
    # A redeemed code is returned even after it expired: its reuse is detected as long as its row exists.
    if code is None or (code.redeemed_at is None and code.expires_at <= request.now):
        raise OAuthError("invalid_grant", "The authorization code is unknown, expired, or another client's.")
    code.grant.client = client
    return code


def _verify(code: AuthorizationCode, client: Client, request: ClientRequest) -> None:
    """Raise OAuthError unless the token request fits the authorization request that got the code.

    The token request must have the redirect URI of the authorization request, and the code verifier of its code
    challenge. If the code is bound to a DPoP key, the token request must have a proof of this key.
    """
    # Before reuse detection: a client without these never had the code, and must not be able to revoke the grant.
    if not _has_same_redirect_uri(code, client, request):
        raise OAuthError("invalid_grant", "The redirect URI is not that of the authorization request.")
    _verify_pkce(code, client, request)
    holder_key.require_key(code.dpop_jkt, request)


def _verify_pkce(code: AuthorizationCode, client: Client, request: ClientRequest) -> None:
    """Raise OAuthError unless the code verifier matches the code challenge of the authorization request.

    If the authorization request had no code challenge, raises OAuthError if the token request has a code verifier, or
    if the client's PKCE rule requires PKCE now.
    """
    if code.code_challenge:
        verifier = request.form.get("code_verifier")
        if not verifier:  # FAPI 2.0's certification and libraries expect the error of a wrong verifier
            raise OAuthError("invalid_grant", "Missing code_verifier parameter.")
        if not (VERIFIER.fullmatch(verifier) and matches_challenge(verifier, code.code_challenge)):
            raise OAuthError("invalid_grant", "The code verifier does not match the code challenge.")
        return
    # The client used PKCE, and an attacker removed the challenge from its request (RFC 9700 section 4.8.2).
    if request.form.get("code_verifier"):
        raise OAuthError("invalid_grant", "The authorization request had no code challenge for this code verifier.")
    # The client became public, or its rule was raised, after the authorization request.
    rule, has_nonce = client.pkce_rule, bool(code.nonce) and "openid" in code.grant.scope.split()
    if rule == PkceRule.REQUIRED or (rule == PkceRule.NONCE and not has_nonce):
        raise OAuthError("invalid_grant", "PKCE is required now; repeat the authorization request with a challenge.")


def _has_same_redirect_uri(code: AuthorizationCode, client: Client, request: ClientRequest) -> bool:
    """Return True if the token request has the redirect URI of the authorization request (RFC 6749 section 4.1.3).

    If the authorization request had none, the token request may have none, or one that the client registered.
    """
    if code.redirect_uri:
        return request.required("redirect_uri") == code.redirect_uri
    return request.form.get("redirect_uri") in {None, *client.redirect_uris.split()}

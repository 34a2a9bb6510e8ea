"""Receive the issuer's logout tokens, each of which says that a user's session has ended (Back-Channel Logout 1.0).

`receive` establishes, in the order of section 2.6:

1. The token is a JWT of the type `logout+jwt`. It is signed by a key of the issuer's JWKS, with an algorithm that the
   issuer's metadata lists.
2. It is from the issuer, for this application, and has not expired.
3. It has the event of a logout, a `jti`, and no `nonce`, so that an ID token is never accepted as a logout token.
4. It names the session by `sid`. The application's registration at the issuer requires this.

A replayed logout token changes nothing, because its session has ended already. So `receive` does not store the `jti`.
"""

import time
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from examples.webapp import ended_sessions, settings
from examples.webapp.login import FAILURES, oauth

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY = 60  # seconds


class InvalidLogoutToken(ValueError):
    """Raised if the logout token is refused. The message says why, and contains no part of the token."""


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> JsonResponse:
    """End the session that the logout token in the request names.

    Answers 400 if the logout token is not valid (Back-Channel Logout 1.0 section 2.8).
    """
    headers = {"Cache-Control": "no-store"}
    try:
        sid = session_of(request.POST.get("logout_token", ""), now=time.time())
    except InvalidLogoutToken as error:
        body = {"error": "invalid_request", "error_description": str(error)}
        return JsonResponse(body, status=400, headers=headers)
    ended_sessions.add(sid)
    return JsonResponse({}, headers=headers)


def session_of(token: str, *, now: float) -> str:
    """Verify the logout token at the instant `now` (Unix seconds), and return its `sid`. Raises InvalidLogoutToken."""
    try:
        signed = _verified(token)
    except (JoseError, ValueError, *FAILURES) as error:
        raise InvalidLogoutToken("it is not signed by the issuer") from error
    claims = signed.claims
    if str(signed.header.get("typ", "")).lower() not in {"logout+jwt", "application/logout+jwt"}:
        raise InvalidLogoutToken("its type is not logout+jwt")
    if claims.get("iss") != settings.ISSUER_URL or claims.get("aud") not in (settings.CLIENT_ID, [settings.CLIENT_ID]):
        raise InvalidLogoutToken("it is from another issuer or for another application")
    if not _is_current(claims, now=now):
        raise InvalidLogoutToken("it has expired, or is from the future")
    events = claims.get("events")
    if (
        not isinstance(events, dict)
        or not isinstance(events.get(EVENT), dict)
        or "nonce" in claims
        or not claims.get("jti")
    ):
        raise InvalidLogoutToken("it is not a logout token")
    sid = claims.get("sid")
    if not isinstance(sid, str) or not sid:
        raise InvalidLogoutToken("it names no session")
    return sid


def _verified(token: str) -> jwt.Token:
    """Verify the signature of the token by the issuer's JWKS, and return the decoded token.

    Fetches the JWKS again if no known key has the `kid` of the token. Raises JoseError or ValueError if the signature
    does not verify, and one of FAILURES if the issuer does not answer.
    """
    algorithms = oauth.issuer.load_server_metadata()["id_token_signing_alg_values_supported"]
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    try:
        return jwt.decode(token, KeySet.import_key_set(oauth.issuer.fetch_jwk_set()), registry=registry)
    except InvalidKeyIdError:
        return jwt.decode(token, KeySet.import_key_set(oauth.issuer.fetch_jwk_set(force=True)), registry=registry)


def _is_current(claims: dict[str, Any], *, now: float) -> bool:
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    if not isinstance(issued_at, int) or not isinstance(expires_at, int):
        return False
    return issued_at <= now + LEEWAY and now < expires_at + LEEWAY

"""Checks an authorization request against the client's PKCE rule (RFC 7636, RFC 9700).

Each client has one of three rules:

- required (the default, and the rule of every public client): a code challenge by S256.
- nonce: a code challenge, or `openid` with a `nonce`. The ID token repeats the nonce. A client that compares the nonces
  detects an injected code (RFC 9700 section 2.1.1).
- optional: a code challenge and a nonce can both be missing.

If a challenge was sent, its method must be S256. At the token endpoint, the verifier must match the challenge. If no
challenge was sent, `grants.authorization_code` refuses a verifier (downgrade attack, RFC 9700 section 4.8.2).
"""

from tokens.errors import OAuthError
from tokens.models import Client, PkceRule

MISSING = "PKCE is required: send code_challenge with code_challenge_method=S256."
CHANGE_SETTING = " If the application cannot, change this client's setting PKCE (admin; create_client --pkce nonce)."
NO_NONCE = (
    "Send code_challenge with code_challenge_method=S256, or the scope openid with a nonce: the setting PKCE of this"
    " client is nonce."
)


def require(client: Client, *, challenge: str, method: str, scopes: str, nonce: str) -> None:
    """Raise OAuthError invalid_request unless the request satisfies the client's PKCE rule.

    `scopes` is the parameter `scope` as the client sent it. A missing parameter is "". The caller checks the form of
    the challenge.
    """
    if challenge:
        if method != "S256":
            raise OAuthError("invalid_request", "The code_challenge_method is not supported; use S256.")
        return
    if client.pkce_rule == PkceRule.REQUIRED:
        raise OAuthError("invalid_request", MISSING if client.is_public else f"{MISSING}{CHANGE_SETTING}")
    # The client uses PKCE, and its challenge was lost or removed on the way.
    if method:
        raise OAuthError("invalid_request", "The code_challenge_method comes with a code_challenge.")
    if client.pkce_rule == PkceRule.NONCE and not (nonce and "openid" in scopes.split()):
        raise OAuthError("invalid_request", NO_NONCE)

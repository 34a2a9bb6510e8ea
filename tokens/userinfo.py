"""The claims that the userinfo endpoint returns about a user (OpenID Connect Core section 5.3).

An access token opens the endpoint if
1. it is signed by this issuer, has not expired, and its audience is the issuer;
2. it is not revoked, and its client is active;
3. it has the scope openid;
4. its user is active.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from tokens import conf
from tokens.email_proof import is_verified
from tokens.errors import OAuthError
from tokens.issued import token_reader, token_status
from tokens.issued.token_reader import InvalidPresentedToken
from tokens.models import User


def _name(user: User) -> str:
    """Return a user's name for display: first and last name, else the username if NAME_FROM_USERNAME is True."""
    # Common clients (Dex) refuse a user without `name`. The username is in `preferred_username` anyway.
    return user.get_full_name() or (user.get_username() if conf.issuer().name_from_username else "")


REALM = "userinfo"

# The claims of each scope (section 5.4). Section 5.3.2: a claim without a value is omitted.
CLAIMS: Mapping[str, Mapping[str, Callable[[User], str | bool]]] = {
    "profile": {
        "name": _name,
        "given_name": lambda user: user.first_name,
        "family_name": lambda user: user.last_name,
        "preferred_username": lambda user: user.get_username(),
    },
    "email": {"email": lambda user: user.email, "email_verified": is_verified},
}


class TokenRefused(OAuthError):
    """The userinfo endpoint refuses the token (RFC 6750 section 3.1)."""

    @property
    def headers(self) -> dict[str, str]:
        """The challenge, with the scheme and the reason (RFC 6750 section 3)."""
        reason = f'error="{self.error}", error_description="{self.description}"'
        return {"WWW-Authenticate": f'Bearer realm="{REALM}", {reason}'}


def userinfo(text: str, *, now: datetime) -> dict[str, str | bool]:
    """Return the claims about the user of the access token in `text`.

    Raises TokenRefused if the token is not valid for this endpoint, and NotReady if the keys cannot be read.
    """
    try:
        token = token_reader.read(text, now=now)
    except InvalidPresentedToken as error:
        raise _invalid() from error
    if token.audience != conf.issuer().url or not token_status.is_accepted(token):
        raise _invalid()
    if "openid" not in token.scopes:
        raise TokenRefused("insufficient_scope", "The token lacks the scope openid.", status=403)
    user = User.objects.filter(sub=token.subject, is_active=True).first()
    if user is None:
        raise _invalid()
    requested = [claim for scope in token.scopes for claim in CLAIMS.get(scope, {}).items()]
    # Without an address, `email_verified` would be a statement about nothing.
    values = {name: read(user) for name, read in requested if user.email or not name.startswith("email")}
    return {"sub": token.subject} | {name: value for name, value in values.items() if value != ""}


def _invalid() -> TokenRefused:
    return TokenRefused("invalid_token", "The access token is not valid here.", status=401)

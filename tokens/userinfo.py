"""What the issuer tells about a user to whoever has a token for it (OpenID Connect Core section 5.3)."""

from collections.abc import Callable, Mapping
from datetime import datetime

from tokens import conf
from tokens.email_proof import is_verified
from tokens.errors import OAuthError
from tokens.issued import token_reader, token_status
from tokens.issued.token_reader import InvalidPresentedToken
from tokens.models import User


def _name(user: User) -> str:
    """Return the name of a user for display: first and last name, or the username if there are none.

    Common clients refuse a user without `name` (Dex), and the username is in `preferred_username` anyway.
    """
    return user.get_full_name() or (user.get_username() if conf.issuer().name_from_username else "")


REALM = "userinfo"

# The claims that each scope asks for (section 5.4); what is not known is left out.
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
    """The token opens nothing here (RFC 6750 section 3.1); its answer names the scheme and the reason."""

    @property
    def headers(self) -> dict[str, str]:
        """The challenge."""
        told = f'error="{self.error}", error_description="{self.description}"'
        return {"WWW-Authenticate": f'Bearer realm="{REALM}", {told}'}


def userinfo(text: str, *, now: datetime) -> dict[str, str | bool]:
    """The claims about the user of the access token in `text`.

    Raises TokenRefused for a token that is not one for this issuer, by a client and a user who are still there, and
    NotReady.
    """
    try:
        token = token_reader.read(text, now=now)
    except InvalidPresentedToken as error:
        raise _invalid() from error
    if token.audience != conf.issuer().url or not token_status.stands(token):
        raise _invalid()
    if "openid" not in token.scopes:
        raise TokenRefused("insufficient_scope", "The token lacks the scope openid.", status=403)
    user = User.objects.filter(sub=token.subject, is_active=True).first()
    if user is None:
        raise _invalid()
    asked = [claim for scope in token.scopes for claim in CLAIMS.get(scope, {}).items()]
    told = {name: read(user) for name, read in asked if user.email or not name.startswith("email")}
    return {"sub": token.subject} | {name: value for name, value in told.items() if value != ""}


def _invalid() -> TokenRefused:
    return TokenRefused("invalid_token", "The access token is not valid here.", status=401)

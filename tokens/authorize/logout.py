"""The logout request of a client (OpenID Connect RP-Initiated Logout 1.0 section 2).

`read` establishes:

1. The ID token, if the request has one, is an ID token of this issuer.
2. The client that `client_id` or the ID token names is active. If the request has both, they name the same client.
3. The client registered the redirect URI exactly as the request has it. Without this check, the issuer would be an
   open redirector.

An expired ID token is accepted, and so is a token whose signing key has left the JWKS, because an application can log
its user out long after the login.
"""

from dataclasses import dataclass

from tokens.authorize import id_token_hint
from tokens.authorize.id_token_hint import Hint
from tokens.issued.login import Login
from tokens.models import Client
from tokens.parameters import Pairs

PARAMETERS = frozenset({"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"})


class RefusedLogout(Exception):
    """The logout request is invalid. The message is for the user and repeats no input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A valid logout request."""

    client: Client | None
    """The client that the request names; None if the request names no client."""
    hint: Hint | None
    """The ID token's claims; None if the request has no ID token."""
    redirect_uri: str | None
    """A registered address to which the browser goes after the logout."""
    state: str | None

    def is_about(self, subject: str, login: Login | None) -> bool:
        """Return True if the ID token of the request was issued to the user `subject` in `login`.

        Returns False if there is no ID token or no login, or if the token is from another login of the user.
        """
        if self.hint is None or login is None:
            return False
        return (self.hint.subject, self.hint.auth_time) == (subject, int(login.at.timestamp()))


def read(pairs: Pairs) -> LogoutRequest:
    """Return the logout request in the parameters `pairs`. Raises RefusedLogout if the request is invalid."""
    form = dict(pairs)
    hint = _hint(form["id_token_hint"]) if "id_token_hint" in form else None
    client = _client(form.get("client_id"), hint.client_id if hint else None)
    uri = form.get("post_logout_redirect_uri")
    if uri is not None and (client is None or uri not in client.post_logout_redirect_uris.split()):
        raise RefusedLogout("The application did not register the address to go to after the logout.")
    return LogoutRequest(client=client, hint=hint, redirect_uri=uri, state=form.get("state"))


def _client(parameter: str | None, audience: str | None) -> Client | None:
    """Return the active client that the request names, by `parameter` (client_id) or by the ID token's `audience`.

    Returns None if both are None. Raises RefusedLogout if the two differ, or if there is no such active client.
    """
    if parameter and audience and parameter != audience:
        raise RefusedLogout("The client_id and the ID token of the request name different applications.")
    client_id = parameter or audience
    if client_id is None:
        return None
    client = Client.objects.filter(client_id=client_id, is_active=True).first()
    if client is None:
        raise RefusedLogout("The application is not registered.")
    return client


def _hint(text: str) -> Hint:
    """Return the claims of the ID token `text`. Raises RefusedLogout if this issuer did not issue the token."""
    try:
        return id_token_hint.read(text)
    except id_token_hint.NotOurs as error:
        raise RefusedLogout("The ID token of the request was not issued here.") from error

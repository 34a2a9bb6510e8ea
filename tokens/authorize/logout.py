"""What an application asks for when its user logs out (OpenID Connect RP-Initiated Logout 1.0 section 2)."""

from dataclasses import dataclass

from tokens.authorize import id_token_hint
from tokens.authorize.id_token_hint import Hint
from tokens.issued.login import Login
from tokens.models import Client
from tokens.parameters import Pairs

PARAMETERS = frozenset({"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"})


class RefusedLogout(Exception):
    """The request is not one that may be followed; the message is for the user, and repeats nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A request that may be followed."""

    client: Client | None
    """Who asks; None where nobody says."""
    hint: Hint | None
    """Whose login it is about, by an ID token of ours; None without one."""
    redirect_uri: str | None
    """Where to go afterwards: one that the client registered."""
    state: str | None

    def is_about(self, subject: str, login: Login | None) -> bool:
        """Whether the ID token is of this very login, and not of an earlier one of the same user."""
        if self.hint is None or login is None:
            return False
        return (self.hint.subject, self.hint.auth_time) == (subject, int(login.at.timestamp()))


def read(pairs: Pairs) -> LogoutRequest:
    """The request in `pairs`; raises RefusedLogout.

    An address to go to is followed only for a client that is known by its ID token or its id and registered exactly
    that address. A hint that has expired is good, and so is one that was signed by a key which is withdrawn by now.
    """
    form = dict(pairs)
    hint = _hint(form["id_token_hint"]) if "id_token_hint" in form else None
    client = _client(form.get("client_id"), hint.client_id if hint else None)
    uri = form.get("post_logout_redirect_uri")
    if uri is not None and (client is None or uri not in client.post_logout_redirect_uris.split()):
        raise RefusedLogout("The application did not register the address that it wants you to go to.")
    return LogoutRequest(client=client, hint=hint, redirect_uri=uri, state=form.get("state"))


def _client(named: str | None, audience: str | None) -> Client | None:
    if named and audience and named != audience:
        raise RefusedLogout("The request names one application, and its ID token another.")
    asked = named or audience
    if asked is None:
        return None
    client = Client.objects.filter(client_id=asked, is_active=True).first()
    if client is None:
        raise RefusedLogout("The application is unknown.")
    return client


def _hint(text: str) -> Hint:
    try:
        return id_token_hint.read(text)
    except id_token_hint.NotOurs as error:
        raise RefusedLogout("The ID token of the request is not one of this issuer.") from error

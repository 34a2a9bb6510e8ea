"""What an application asks for when its user logs out (OpenID Connect RP-Initiated Logout 1.0 section 2)."""

import json
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.api_jws import PyJWS

from tokens import conf
from tokens.keys import store
from tokens.keys.moves import DEFAULT_RING
from tokens.models import Client
from tokens.oauth import id_token
from tokens.oauth.parameters import Pairs

PARAMETERS = frozenset({"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"})
LONGEST = 8 * 1024  # characters of a hint


class RefusedLogout(Exception):
    """The request is not one that may be followed; the message is for the user, and repeats nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A request that may be followed."""

    client: Client | None
    """Who asks; None where nobody says."""
    subject: str | None
    """Whose login it is about, by an ID token of ours; None without one."""
    redirect_uri: str | None
    """Where to go afterwards: one that the client registered."""
    state: str | None


def read(pairs: Pairs) -> LogoutRequest:
    """The request in `pairs`; raises RefusedLogout.

    An address to go to is followed only for a client that is known by its ID token or its id and registered exactly
    that address. A hint that has expired is good, and so is one that was signed by a key which is withdrawn by now.
    """
    form = dict(pairs)
    claims = _hint(form["id_token_hint"]) if "id_token_hint" in form else {}
    client = _client(form.get("client_id"), claims.get("aud"))
    uri = form.get("post_logout_redirect_uri")
    if uri is not None and (client is None or uri not in client.post_logout_redirect_uris.split()):
        raise RefusedLogout("The application did not register the address that it wants you to go to.")
    return LogoutRequest(client=client, subject=claims.get("sub"), redirect_uri=uri, state=form.get("state"))


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


def _hint(text: str) -> dict[str, Any]:
    """The claims of an ID token of ours, however old; raises RefusedLogout."""
    try:
        header = jwt.get_unverified_header(text[:LONGEST])
        key = _key(header.get("kid"))
        payload = PyJWS().decode(text[:LONGEST], jwt.PyJWK(key.jwk), algorithms=[key.algorithm])
        claims: dict[str, Any] = json.loads(payload)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise RefusedLogout("The ID token of the request is not one of this issuer.") from error
    if header.get("typ") != id_token.TYPE or claims.get("iss") != conf.issuer().url:
        raise RefusedLogout("The ID token of the request is not one of this issuer.")
    return claims


def _key(kid: object) -> store.StoredKey:
    """Any key that ever signed ID tokens, unless it was revoked; raises ValueError."""
    keys = conf.issuer().encryption_keys()
    for one in store.load(DEFAULT_RING):
        if one.key.kid == kid and one.key.revoked_at is None and one.verifies(keys):
            return one
    raise ValueError("no key of ours")

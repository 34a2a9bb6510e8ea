"""Sends one logout token to a client (Back-Channel Logout 1.0 sections 2.5 and 2.8).

A client accepts by 200 or 204. Everything else is a failure: the answer 400 too, because the client could not log the
user out, and might be able to later.
"""

from urllib.parse import urlsplit

from tokens import conf, outbound
from tokens.models import Client
from tokens.outbound import FetchError

WITHIN = 5.0
"""Seconds for name resolution, connection, TLS, request and answer together."""


def send(client: Client, token: str) -> str:
    """Post the token to the client's address. Returns "" if the client accepted it, else the reason without the token.

    The address may be private if the operator registered the client and PRIVATE_LOGOUT_HOSTS names its host. In
    development, every address may be private, or http on loopback.
    """
    uri = str(client.backchannel_logout_uri)
    try:
        outbound.post_form(uri, {"logout_token": token}, allow_private=_may_be_private(client, uri), deadline=WITHIN)
    except FetchError as error:
        return str(error)
    return ""


def _may_be_private(client: Client, uri: str) -> bool:
    settings = conf.issuer()
    if settings.is_development:
        return True
    # A client that registered itself chose its address: it must reach nothing inside.
    return client.registered_by is None and settings.may_send_logouts_privately(urlsplit(uri).hostname or "")

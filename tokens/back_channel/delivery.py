"""Sends one logout token to a client (Back-Channel Logout 1.0 sections 2.5 and 2.8).

A client accepts the token by answering 200 or 204. After any other answer, the delivery is tried again. This includes
the answer 400, because the client might be able to log the user out later.
"""

from urllib.parse import urlsplit

from tokens import conf, outbound
from tokens.models import Client
from tokens.outbound import FetchError

WITHIN = 5.0
"""Seconds for name resolution, connection, TLS, request and answer together."""


def send(client: Client, token: str) -> str:
    """Post the token to the client's back-channel logout URI.

    Returns "" if the client accepted it, else the reason of the failure. The reason does not contain the token. The URI
    may have a private address if the operator registered the client and PRIVATE_LOGOUT_HOSTS has the URI's host. In
    development, every URI may have a private address, and http on loopback is permitted.
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
    # A self-registered client chose the address itself, so the address must not reach the private network.
    return client.registered_by is None and settings.may_send_logouts_privately(urlsplit(uri).hostname or "")

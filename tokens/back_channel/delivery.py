"""Sends one logout token to a client (Back-Channel Logout 1.0 sections 2.5 and 2.8).

A client accepts by 200 or 204. Everything else is a failure: the answer 400 too, because the client could not log the
user out, and might be able to later.
"""

from tokens import conf, outbound
from tokens.outbound import FetchError

WITHIN = 5.0
"""Seconds for name resolution, connection, TLS, request and answer together."""


def send(uri: str, token: str) -> str:
    """Post the token to the client's address. Returns "" if the client accepted it, else the reason without the token.

    The address may be in a private network, or http on loopback, in development only.
    """
    try:
        outbound.post_form(uri, {"logout_token": token}, allow_private=conf.issuer().is_development, deadline=WITHIN)
    except FetchError as error:
        return str(error)
    return ""

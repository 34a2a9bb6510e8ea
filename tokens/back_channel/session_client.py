"""Remembers which clients got ID tokens in a login session (Back-Channel Logout 1.0 section 2.3).

Lock order: the user, then the rows of `SessionClient`. `user_grant.create` and `session_end` lock the user first. So
the session cannot end between the check in `remember` and the commit of an authorization code of the session.
"""

from datetime import datetime

from tokens.back_channel import session_end
from tokens.issued.login import Login
from tokens.issued.user_grant import SessionEnded
from tokens.models import Client, SessionClient, User


def remember(user: User, client: Client, login: Login, *, openid: bool, now: datetime) -> None:
    """Record that `client` gets an ID token in the session of `login`. Call `remember` after `user_grant.create`.

    - A client without a back-channel logout URI is not recorded. Neither is a login without a `sid`.
    - `openid` is True if the client requested the scope openid. Otherwise the client gets no ID token, does not know
      the session, and is not recorded.
    - The caller's transaction must hold the lock on the user. It must also create the authorization code or the grant.

    Raises SessionEnded if the session has ended, although it was live at the beginning of the request.
    """
    if not login.sid:  # a session of an earlier version of Keyturn
        return
    if session_end.has_ended(login.sid):
        raise SessionEnded
    if openid and client.backchannel_logout_uri:
        SessionClient.objects.bulk_create(
            [SessionClient(sid=login.sid, user=user, client=client, last_at=now)],
            update_conflicts=True,
            unique_fields=["sid", "client"],
            update_fields=["last_at"],
        )

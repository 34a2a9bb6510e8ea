"""Remembers which clients got ID tokens in a login session (Back-Channel Logout 1.0 section 2.3).

Lock order: the user, then these rows. `user_grant.create` and `session_end` lock the user first. So a session cannot
end between the check here and the commit of the code that is issued in it.
"""

from datetime import datetime

from tokens.back_channel import session_end
from tokens.issued.login import Login
from tokens.issued.user_grant import SessionEnded
from tokens.models import Client, SessionClient, User


def remember(user: User, client: Client, login: Login, *, openid: bool, now: datetime) -> None:
    """Remember that `client` gets an ID token in the session of `login`. Call it after `user_grant.create`.

    `openid` says if the client requested the scope of that name: without it, there is no ID token, and the client
    cannot know the session. The caller's transaction must hold the lock on the user, and create the code or grant.
    Raises SessionEnded if the session ended after the request's session was checked.
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

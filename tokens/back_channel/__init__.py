"""Tells clients that a user's session ended (OpenID Connect Back-Channel Logout 1.0).

Owns: which clients a login session reached, the outbox of messages to them, logout tokens, and their delivery.
Does not own: the login and its `sid` (`authorize.login_session`), or what else a logout ends (`revoking`).
Steps: none; it reports the end of the session that step 1 began.
Neighbours: above `issued`. `authorize`, `revoking` and the edges call it.

Read in this order:
- `session_client`: remember the clients of a session.
- `session_end`: end sessions; the messages are written in the caller's transaction.
- `logout_token`: the signed token that a client gets.
- `retry`, `outbox`: when a message is sent, and what came of it.
- `slots`, `delivery`, `sender`: send messages beside each other, within bounds.
"""

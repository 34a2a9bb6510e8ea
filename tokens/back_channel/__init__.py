"""Tells clients that a user's session ended (OpenID Connect Back-Channel Logout 1.0).

Owns: the record of the clients that got ID tokens in a session, the outbox of messages to them, logout tokens, and the
delivery of these tokens.
Does not own: the login and its `sid` (`authorize.login_session`), or what else a logout ends (`revoking`).
Steps: this package is none of the seven steps in README.md, but tells clients that the session of step 1 has ended.
Neighbours: above `issued`. `authorize`, `revoking`, `views` and `admin` call this package.

Read in this order:
- `session_client`: remember the clients of a session.
- `session_end`: end sessions; the messages are written in the caller's transaction.
- `logout_token`: the signed token that a client gets.
- `retry`, `outbox`: when a message is sent, and its outcome.
- `slots`, `delivery`, `dispatcher`: send messages in parallel, within bounds.
- `sender`: the thread of a serving process that sends.
"""

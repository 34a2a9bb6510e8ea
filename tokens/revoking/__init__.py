"""Ending tokens before they expire, and publishing that to APIs.

Owns: the revocation and introspection endpoints' answers, logout everywhere, revocation by an operator, the signals
that revoke when a user or client is disabled, the revocation feed, recovery after a restore, and the purge.
Does not own: the records of revocation (`issued.revocation_record`) or revocation of signing keys (`keys.revocation`).
Steps: none; it undoes 4.
Neighbours: above `registration` and `issued`. `grants` and this room do not import each other.

Read in this order:
- `revocation`: a client revokes a token (RFC 7009).
- `introspection`: whether a token is active (RFC 7662, RFC 9701).
- `everywhere`: end a user's sessions, grants and tokens.
- `signals`: revoke when models are saved or deleted.
- `access`: disable and enable users and clients.
- `bulk`: revoke by issuer, client, user, grant or token.
- `feed_log`, `feed`: versions of the revocation feed, and its signed documents (docs/revocation-feed.md).
- `high_water_marks`, `high_water`: notice a database that went back in time.
- `after_restore`: revoke again what a restored backup lacks.
- `purge`: delete rows that no request needs.
"""

"""Revokes tokens before they expire, and publishes the revocations to APIs.

Owns: the answers of the revocation and introspection endpoints, logout everywhere, revocation by an operator, the
signals that revoke when a user or client is disabled, the revocation feed, recovery after a restore, and the purge.
Does not own: the records of revocation (`issued.revocation_record`) or revocation of signing keys (`keys.revocation`).
Introspection is here because its answer says if a token was revoked. The package `inspection` is for operators.
Steps: this package is none of the seven steps in README.md, but revokes the tokens that step 4 issued.
Neighbours: above `registration` and `issued`. `grants` and this package do not import each other.

Read in this order:
- `revocation`: a client revokes a token (RFC 7009).
- `introspection`: tell a client or API if a token is active (RFC 7662, RFC 9701).
- `everywhere`: end a user's sessions, grants and tokens.
- `signals`: revoke when models are saved or deleted.
- `bulk`: revoke by issuer, client, user, grant or token.
- `access`: disable and enable users and clients, log users out, and revoke grants, with their audit events.
- `feed_entries`, `feed_log`, `feed_publisher`: the entries, the versions and the publication of the revocation feed.
- `feed`: the signed documents of the feed (docs/revocation-feed.md).
- `current_feed`: publish waiting revocations, and return the signed document to a reader of the feed.
- `high_water_marks`, `high_water`: detect a database that went back in time.
- `after_restore`: revoke again what was revoked after the backup from which the database was restored.
- `purge`, `row_deletion`: find the rows that no request needs any more, and delete them.
"""

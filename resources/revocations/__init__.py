"""Finds the reason to refuse a verified token, in the issuer's revocation feed or in the API's settings. Pure.

Owns: the lookup keys of revocations, the set of entries in force, and the look-up of a token.
Does not own: the documents of a feed, their signatures, or when they are read (`feed`).
Steps: this package is none of the seven steps in README.md, but step 6 uses it.
Neighbours: imports no other room. `verify` asks it for each token, through `issuer_trust`.

Read in this order:
- `revocation_key`: the hashes by which entries are found (docs/revocation-feed.md section 1).
- `revocation_set`: the entries, in 24 bytes each.
- `revocation_lookup`: which entries revoke a token.
- `refusals`: the reasons to refuse a verified token. They come from the feed and from the settings.
"""

"""Examining any token point by point against RFC 9068, for people.

Owns: the report on a token, and which keys are tried on its signature.
Does not own: accepting a token. No request is decided here; that is `issued.token_reader`, or `resources` in an API.
Steps: none; it explains 4 and 6.
Neighbours: called by `admin.inspection` and the command `inspect_token`. Fetches another issuer's keys by `outbound`.

Read in this order:
- `signature_trial`: which published keys may verify the token, and which does.
- `report`: each claim and header, with a verdict.
- `key_source`: this issuer's keys, or another's by HTTP.
"""

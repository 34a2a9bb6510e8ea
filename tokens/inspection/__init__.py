"""Checks any token point by point against RFC 9068, and reports the result to people.

Owns: the report on a token, and the choice of the keys by which the token's signature is verified.
Does not own: accepting a token. A request is decided by `issued.token_reader`, or in an API by `resources`.
Steps: this package is none of the seven steps in README.md, but explains the tokens of steps 4 and 6.
Neighbours: called by `admin.inspection` and the command `inspect_token`. Fetches another issuer's keys by `outbound`.

Read in this order:
- `signature_trial`: select the published keys that may verify the token, and try them.
- `requirements`, `report`: check each header and claim; put the report together.
- `expectation`: the value that an administrator expects in a token.
- `key_source`: read this issuer's keys, or fetch another issuer's.
"""

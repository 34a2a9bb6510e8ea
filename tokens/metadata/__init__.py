"""What the issuer says about itself: its metadata documents.

Owns: the members of the metadata (RFC 8414, OpenID Connect Discovery), and the cached scopes and APIs in it.
Does not own: the addresses (`urls`) or the JWKS (`views.jwks`).
Steps: none; clients and APIs find the endpoints of 2 to 6 by it.
Neighbours: above `authorize`, whose tables it lists: only what works is advertised.

Read in this order:
- `document`: the members and their values.
- `catalog`: scopes and APIs, kept through an outage shorter than N.
"""

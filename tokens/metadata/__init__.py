"""The issuer's metadata documents, by which clients and APIs configure themselves.

Owns: the members of the metadata (RFC 8414, OpenID Connect Discovery), and the cached scopes and APIs in it.
Does not own: the addresses (`urls`) or the JWKS (`views.jwks`).
Steps: this is none of the seven in README.md; clients and APIs find the endpoints of steps 2 to 6 by the metadata.
Neighbours: above `authorize`. The metadata is made from the tables by which `authorize` serves requests, so that it
advertises only what works.

Read in this order:
- `document`: the members and their values.
- `catalog`: scopes, APIs and algorithms from the database, cached for up to `snapshot_age`.
"""

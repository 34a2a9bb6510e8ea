"""Reads JSON, signatures and public keys from outside: parses them strictly and judges keys before use. Pure.

Owns: strict JSON, the compact JWS form, the tables of algorithms and key members, and the judgement of a JWK or JWKS.
Does not own: private keys (`keys`), fetching (`outbound`), or claims (`issued`, `clients.assertion`).
Steps: this package is none of the seven steps in README.md, but steps 3 and 4 use it.
Neighbours: imports `languages` only.

Read in this order:
- `strict_json`: parse JSON without repeated members or values that break a database or a page (RFC 7493).
- `compact`: split and decode a compact JWS without verifying it (RFC 7515 section 3.1).
- `key_format`: write a public key as a JWK, and compute its thumbprint (RFC 7517, RFC 7638).
- `public_keys`: judge the entries of a client's JWKS, and verify a signature by a key.
- `key_choice`: choose the keys that can have signed a JWS.
- `key_text`: read keys that an administrator pastes: PEM, JWK or JWKS.
"""

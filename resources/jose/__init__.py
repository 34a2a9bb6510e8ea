"""Reads JSON, signatures and public keys from outside: parses them strictly, and judges keys before use. Pure.

Owns: strict JSON, the compact JWS form, the tables of algorithms, and the judgement of each key of a JWKS.
Does not own: fetching a JWKS (`outbound`, `keysets`), or claims (`verify`). There are no private keys.
Steps: this package is none of the seven steps in README.md, but step 6 uses it.
Neighbours: imports `errors` only.

Read in this order:
- `strict_json`: parse JSON without repeated members or lone surrogates (RFC 7493).
- `es256`: verify an ES256 signature, which most DPoP proofs have.
- `jwk`: read a JWKS, judge its keys, and verify a signature by a key (RFC 7517, RFC 8725).
- `compact_jws`: split and decode a compact JWS without verifying it (RFC 7515 section 7.1).
"""

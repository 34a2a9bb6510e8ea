"""The life of signing keys: announced, signing, retired, withdrawn; sealed at rest; published as a JWKS.

`lifecycle` and `material` are pure: time, policy and encrypting keys are arguments. Owns no token: what is
signed is the business of `tokens.oauth`, which asks this room for a signer and nothing else.
"""

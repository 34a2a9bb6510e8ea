"""django-oauth-toolkit made to issue RFC 9068 tokens: server, validator, client authentication, one file per grant.

Owns what the token endpoint accepts and what a token says. Owns no key: it asks `tokens.keys` for a signer.
"""

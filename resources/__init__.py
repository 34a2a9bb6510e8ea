"""The resource server: what an API on Django REST framework needs to verify tokens and to decide by scope.

Knows an issuer's URL and nothing else of it. Owns no user, no private key and no token: it cannot make one.
"""

"""The resource server: verifies access tokens for an API on Django REST framework, and decides by scope.

It knows of an issuer only its URL. It has no private key, so it cannot make a token.
"""

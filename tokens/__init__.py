"""The issuer: users log in, clients prove who they are, grants become signed tokens, and the public keys are published.

Owns users, clients, APIs with their scopes, signing keys and everything a token is made of. Owns nothing of how an API
verifies a token: that is `resources`, which knows this room's URL and never imports it.
"""

__version__ = "0.1.0"
"""The version of Keyturn; pyproject.toml and the commands read it here."""

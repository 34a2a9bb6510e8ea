"""The example of a user-facing application: it logs a user in at the issuer, and calls the notes API with their token.

It is built on Authlib, a client library that is independent of Keyturn. It has its own session, and never sees a
user's password.
"""

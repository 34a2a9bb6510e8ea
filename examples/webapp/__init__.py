"""The user-facing application: logs a user in at the issuer and shows the notes API with the user's token.

Built on Authlib, a client library that nobody here wrote. Owns its session, and never sees a user's password.
"""

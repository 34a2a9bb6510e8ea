"""The example of a user-facing application: it logs users in, and calls the notes API with the users' access tokens.

The application uses Authlib, a client library that is independent of Keyturn. The application has its own session, and
never gets a user's password.
"""

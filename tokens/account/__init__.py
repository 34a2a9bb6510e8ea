"""Lets users see and end their browser sessions, and see the applications that they allowed.

Owns: the record of browser sessions, and the summary of a user's grants and consents by application.
Does not own: the login (`authorize.login_session`), or how tokens are revoked (`revoking`).
Steps: this package is none of the seven steps in README.md.
Neighbours: `views` shows sessions and applications, and `revoking.purge` deletes the records of ended sessions.

Read in this order:
- `device_name`: the words for a browser and its system. Pure.
- `place`: the place of an address, from a database of the operator.
- `browser_session`: record, list and end the sessions of a user.
- `client_access`: list the applications that a user allowed.
"""

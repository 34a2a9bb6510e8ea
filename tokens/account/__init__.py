"""What users see and end of their own: the sessions of their browsers, and the applications that they allowed.

Owns: the record of browser sessions, and the summary of a user's grants and consents by application.
Does not own: the login (`authorize.login_session`), or how tokens are revoked (`revoking`).
Steps: none.
Neighbours: `views` shows it, and `revoking.purge` deletes ended records.

Read in this order:
- `device_name`: the words for a browser and its system. Pure.
- `browser_session`: record, list and end the sessions of a user.
- `client_access`: list what a user allowed.
"""

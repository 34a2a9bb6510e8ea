"""Lets users sign up, change their e-mail address, end browser sessions, and see the applications that they allowed.

Owns: the creation of an account by its user, changes of a user's e-mail address, the record of browser sessions, the
summary of a user's grants and consents by application, and the thread that sends mail.
Does not own: the login (`authorize.login_session`), which addresses can be verified (`email_proof`), how tokens are
revoked (`revoking`), or messages and their links (`views`).
Steps: this package is none of the seven steps in README.md.
Neighbours: `views` has the pages, `admin` verifies addresses, and `revoking.purge` deletes the records of ended
sessions.

Read in this order:
- `address_owner`: the users who have an e-mail address.
- `new_account`, `email_address`: create the account of a visitor; change and verify the address of a user.
- `device_name`: the words for a browser and its system. Pure.
- `place`: the place of an IP address, from a database of the operator.
- `mail_queue`: the thread that sends mail.
- `browser_session`: record, list and end the sessions of a user.
- `client_access`: list the applications that a user allowed.
"""

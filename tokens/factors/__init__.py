"""Second factors: authenticator apps, recovery codes and passkeys, by django-allauth's `allauth.mfa`.

Owns: how their secrets are stored, which code counts, from which origin a
passkey counts, which factors a user has, and who needs one.
Does not own: pages and forms (`views/`), the class and methods of a login (`authorize/login_session`).
Steps: none; step 1 uses them.
Neighbours: imported by `views` and `admin`; imports `conf`, `encryption`, `models`, `authentication_class`.

Read in this order:
- `secret_text`: encrypts a secret for the database.
- `one_time_code`: checks a code of an authenticator app, each once.
- `renewal`: encrypts all secrets again, for `rotate_keys --rewrap`.
- `credential`: what a browser sends for a passkey, checked before allauth reads it.
- `adapter`: what django-allauth calls.
- `enrolment`: which factors a user has.
- `obligation`: which class the operator requires of a user, for a client or for the admin.
"""

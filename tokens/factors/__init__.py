"""Second factors: authenticator apps, recovery codes and passkeys, by django-allauth's `allauth.mfa`.

Owns: the storage of the factors' secrets, the check of codes and of a passkey's origin, the factors that a user has,
and the users who need a factor.
Does not own: pages and forms (`views/`), or the `acr` and `amr` of a login (`authorize/login_session`).
Steps: this package is none of the seven steps in README.md, but step 1 asks for factors.
Neighbours: imports `addresses`, `authentication_class`, `conf`, `encryption`, `jose` and `models` only. Imported by
`views`, `admin` and `management` only.

Read in this order:
- `secret_text`: encrypts a secret for the database.
- `one_time_code`: checks a code of an authenticator app, and accepts it once.
- `renewal`: encrypts all secrets again, for `rotate_keys --rewrap`.
- `credential`: checks the data that a browser sends for a passkey, before allauth reads it.
- `adapter`: the methods that django-allauth calls.
- `enrolment`: which factors a user has.
- `obligation`: the authentication context class that the operator requires of a user, for a client or for the admin.
"""

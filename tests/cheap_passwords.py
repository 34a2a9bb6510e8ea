"""The settings of an issuer that tests run as a process: those of production, but with a password hash that is cheap.

The hash of production takes 0.4 s of CPU at each login, and tests log in hundreds of times.
"""

from django.conf import global_settings

from project.settings.issuer import *  # noqa: F403

# The other hashers verify the passwords that the commands of a prepared database stored.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *global_settings.PASSWORD_HASHERS]

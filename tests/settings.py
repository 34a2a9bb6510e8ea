"""The settings of the tests.

They are the settings of the standalone process, with other secrets and databases in memory. They do not use var/.
"""

import os
import secrets

os.environ.update(
    DEBUG="true",
    KEY_POLICY="production",
    SECRET_KEY=secrets.token_urlsafe(48),
    KEY_ENCRYPTION_KEYS=secrets.token_urlsafe(32),
    ISSUER_URL="http://localhost:8000",
    API_ISSUERS="http://localhost:8000",
    REVOCATIONS_EVERY="0",
    ANSWER_WITHIN="3",
    API_AUDIENCE="http://localhost:8001/",
    AUDIT_JOURNAL="",
    # `make run` may have written others under var/.
    CLIENT_ID_METADATA_DOCUMENTS="false",
    DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS="false",
    DYNAMIC_REGISTRATION="off",
    OPEN_CLIENT_SCOPES="",
    OPEN_CLIENT_APIS="",
    OPEN_CLIENT_GRANT_TYPES="",
    RATE_LIMITS="",
    EMAIL_URL="memorymail://",
    MAIL_FROM="",
    LANGUAGES="en,de",
    SIGN_UP="false",
    SECOND_FACTOR_GROUPS="",
    SECOND_FACTOR_STAFF="false",
    ADMIN="on",
    ADMIN_HOST="",
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", "sqlite://:memory:"),
    API_DATABASE_URL="sqlite://:memory:",
)
for name in ("ALLOWED_HOSTS", "JWKS_URL", "CACHE_URL", "LOGIN_CACHE_URL", "BEHIND_PROXY"):
    os.environ.pop(name, None)

from project.settings.standalone import *  # noqa: E402, F403 (the environment must be there first)

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "resources.user_links"]  # noqa: F405
MIDDLEWARE = [name for name in MIDDLEWARE if name != "project.background.start_threads"]  # noqa: F405 (no threads in tests)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

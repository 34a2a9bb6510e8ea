#!/usr/bin/env bash
# django-oauth-toolkit 3.4.1 with Django 5.2.19: each token request hashes the client's secret with 1,000,000 rounds.
#
# Behaviour: the toolkit stores a client's secret with the project's first password hasher, PBKDF2 with 1,000,000 rounds
# in Django 5.2. It verifies the secret by the same hasher for each request of the client: token, introspection and
# revocation. The secret that the toolkit generates is 128 random characters, which slow hashing does not protect
# further. PBKDF2 is therefore nearly the whole cost of a token: about 0.2 s of CPU, so a core issues five tokens a
# second. A wrong secret costs as much.
# One would guess that a machine client's request costs milliseconds, as it does with a secret that is stored in plain
# text or as a plain digest, and that password hashers concern passwords of users only.
# Remedy: put a fast hasher into PASSWORD_HASHERS, after that of the users, and name it in CLIENT_SECRET_HASHER.
#
# Output seen:
#   token: 200, rounds of PBKDF2: 1000000
#   introspection: 200, rounds of PBKDF2: 1000000
#   revocation: 200, rounds of PBKDF2: 1000000
#   token, wrong secret: 401, rounds of PBKDF2: 1000000
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq django-oauth-toolkit==3.4.1 django==5.2.19 oauthlib==3.3.1

cat >"$work/trial.py" <<'PYTHON'
import hashlib
import logging
from base64 import b64encode
from urllib.parse import urlencode

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for this trial",
    ALLOWED_HOSTS=["testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    OAUTH2_PROVIDER={"SCOPES": {"read": "Read", "introspection": "Introspect"}},
    ROOT_URLCONF="oauth2_provider.urls",
    USE_TZ=True,
)
django.setup()
logging.disable()

from django.core.management import call_command
from django.test import Client
from oauth2_provider.models import Application

call_command("migrate", verbosity=0)
application = Application(client_type="confidential", authorization_grant_type="client-credentials", name="service")
secret = application.client_secret
application.save()

rounds = []
pbkdf2 = hashlib.pbkdf2_hmac


def counted(name, password, salt, iterations, *rest):
    rounds.append(iterations)
    return pbkdf2(name, password, salt, iterations, *rest)


hashlib.pbkdf2_hmac = counted


def post(label, path, secret, **form):
    """Send a form as the client; print the status, and the rounds of PBKDF2 that it took."""
    rounds.clear()
    basic = b64encode(f"{application.client_id}:{secret}".encode()).decode()
    answer = Client().post(
        path,
        urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    )
    print(f"{label}: {answer.status_code}, rounds of PBKDF2: {sum(rounds)}")
    return answer


token = post("token", "/token/", secret, grant_type="client_credentials").json()["access_token"]
post("introspection", "/introspect/", secret, token=token)
post("revocation", "/revoke_token/", secret, token=token)
post("token, wrong secret", "/token/", "wrong", grant_type="client_credentials")
PYTHON
cat >"$work/expected" <<'TEXT'
token: 200, rounds of PBKDF2: 1000000
introspection: 200, rounds of PBKDF2: 1000000
revocation: 200, rounds of PBKDF2: 1000000
token, wrong secret: 401, rounds of PBKDF2: 1000000
TEXT
"$work/venv/bin/python" "$work/trial.py" | tee "$work/output"
diff "$work/expected" "$work/output"

#!/usr/bin/env bash
# django-oauth-toolkit 3.4.1 with oauthlib 4.0.1: the toolkit's device grant raises exceptions at two steps.
#
# Behaviour: the toolkit requires oauthlib>=3.3.0, so pip installs oauthlib 4 with it. oauthlib 4 changed two things:
#   - The answer to a device authorization request has a member "scope". The toolkit passes the members of the answer
#     as keyword arguments to a dataclass that has no such field: TypeError (HTTP 500), and no device can start.
#   - The token request calls a new hook, validate_device_code of the request validator. The toolkit's validator
#     neither has nor inherits it: AttributeError (HTTP 500) for a device that the user has approved.
# One would guess that versions that the toolkit's own requirement allows work together.
# Remedy: pin oauthlib<4 until a release of the toolkit supports oauthlib 4.
#
# Output seen:
#   oauthlib 4.0.1: device authorization TypeError; token pending 400, approved AttributeError
#   oauthlib 3.3.1: device authorization 200; token pending 400, approved 200
#
# Needs python3 with venv and pip. Opens no socket after the installations. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/trial.py" <<'PYTHON'
import logging
import sys
from importlib.metadata import version
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
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    ROOT_URLCONF=__name__,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    LOGGING_CONFIG=None,
    OAUTH2_PROVIDER={
        "OAUTH_DEVICE_VERIFICATION_URI": "http://testserver/o/device/",
        "SCOPES": {"read": "Read"},
        "DEFAULT_SCOPES": ["read"],
    },
)
django.setup()
logging.disable()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.urls import include, path
from oauth2_provider.models import DeviceCodeResponse, DeviceRequest, create_device_grant, get_application_model

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
call_command("migrate", verbosity=0)
user = get_user_model().objects.create_user("user")
application = get_application_model().objects.create(client_type="public", authorization_grant_type=DEVICE_CODE)
device, browser = Client(), Client()
browser.force_login(user)


def post(client, address, **form):
    """Send the form, urlencoded, as RFC 8628 demands."""
    return client.post(address, urlencode(form), content_type="application/x-www-form-urlencoded")


def status(client, address, **form):
    """Return the status of the answer, or the name of the exception that a server would turn into 500."""
    try:
        return post(client, address, **form).status_code
    except (TypeError, AttributeError) as error:
        return type(error).__name__


def token_status():
    """Send the device's token request (RFC 8628 section 3.4)."""
    form = {"grant_type": DEVICE_CODE, "device_code": "device", "client_id": application.client_id}
    return status(device, "/o/token/", **form)


authorization = status(device, "/o/device-authorization/", client_id=application.client_id, scope="read")

# A grant as the toolkit stores it, for example before oauthlib was updated.
create_device_grant(
    DeviceRequest(application.client_id, "read"),
    DeviceCodeResponse("http://testserver/o/device/", 600, "USERCODE", "device", 5),
)
pending = token_status()
confirm = post(browser, "/o/device/", user_code="USERCODE")
assert post(browser, confirm["Location"], action="accept").status_code == 302
approved = token_status()

seen = f"device authorization {authorization}; token pending {pending}, approved {approved}"
print(f"oauthlib {version('oauthlib')}: {seen}")
if seen != f"device authorization {sys.argv[1]}; token pending 400, approved {sys.argv[2]}":
    raise SystemExit("The behaviour has changed.")
PYTHON

# Runs the trial in an environment of its own with the given oauthlib.
try_with() {
    python3 -m venv "$work/$1"
    "$work/$1/bin/pip" install -qq django==5.2.19 django-oauth-toolkit==3.4.1 "oauthlib==$1"
    "$work/$1/bin/python" "$work/trial.py" "$2" "$3"
}

try_with 4.0.1 TypeError AttributeError
try_with 3.3.1 200 200

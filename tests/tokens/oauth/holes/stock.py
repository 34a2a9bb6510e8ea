"""The toolkit in a project of its own, set up as its documentation says. As a process it prints what it did, in JSON.

Our Client is registered as its application and our pages replace its admin's: what is wrong with its own is shown here.
"""

import base64
import json
import logging
import re
from unittest.mock import patch

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="of a project that lives for seconds",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
        "oauth2_provider",
    ],
    STATIC_URL="static/",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
)
django.setup()

from django.contrib import admin  # noqa: E402 (a project is set up before its parts are there)
from django.contrib.admin.models import LogEntry  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider import oauth2_validators  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

urlpatterns = [path("admin/", admin.site.urls), path("o/", include("oauth2_provider.urls"))]

SECRET = "a-secret-that-somebody-generated-somewhere"
PAGES = "/admin/oauth2_provider/application/"


def token(header=None, **form):
    """The status of a request for a token, by a client in its own name."""
    extra = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(header.encode()).decode()} if header else {}
    return Browser().post("/o/token/", {"grant_type": "client_credentials", **form}, **extra).status_code


def service(client_id, **fields):
    kind = {"client_type": "confidential", "authorization_grant_type": "client-credentials"}
    return Application.objects.create(client_id=client_id, name=client_id, **(kind | fields))


def a_blank_secret():
    """What a client is answered that was saved without a secret and shows none."""
    service("blank", client_secret="")
    return token(client_id="blank")


def the_stored_secret():
    return service("stored", client_secret=SECRET).client_secret


def checks_of_one_request():
    """How many slow hashes one request costs that is wrong in its header and in its body."""
    service("checked", client_secret=SECRET)
    with patch.object(oauth2_validators, "check_password", return_value=False) as check:
        assert token("checked:wrong", client_id="checked", client_secret="wrong too") == 401
    return check.call_count


def the_stored_secret_as_a_secret():
    """What it is answered before and after its hasher is taken out of the settings."""
    stored = service("trap", client_secret=SECRET).client_secret
    before = token(client_id="trap", client_secret=stored)
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.ScryptPasswordHasher"]):
        return [before, token(client_id="trap", client_secret=stored)]


def the_admin():
    """A client that is made and changed in the admin: what its pages show, and who learns of it."""
    staff = Browser()
    staff.force_login(User.objects.create_superuser("root"))
    added = staff.get(f"{PAGES}add/").content.decode()
    form = {"name": "Nightly", "client_id": "reports", "client_secret": SECRET, "hash_client_secret": "on"}
    form |= {"client_type": "confidential", "authorization_grant_type": "client-credentials"}
    after = staff.post(f"{PAGES}add/", form, follow=True).content.decode()
    made = Application.objects.get(client_id="reports")
    change = staff.get(f"{PAGES}{made.pk}/change/").content.decode()
    found = staff.get(f"{PAGES}?q=reports").content.decode()
    lines = []
    logging.getLogger().setLevel(logging.INFO)
    with patch.object(logging.Logger, "handle", lambda _, record: lines.append(record.getMessage())):
        staff.post(f"{PAGES}{made.pk}/change/", form | {"client_secret": f"another-{SECRET}"})
    return {
        "field when added": field(added),
        "field when changed": field(change),
        "stored": made.client_secret,
        "shown after it was saved": SECRET in after or SECRET in change,
        "first secret after a second": token(client_id="reports", client_secret=SECRET),
        "second secret": token(client_id="reports", client_secret=f"another-{SECRET}"),
        "found by client_id": "Nightly" in found,
        "pages": sorted(model._meta.model_name for model in admin.site._registry),
        "log of the change": lines,
        "history of the change": json.loads(LogEntry.objects.latest("pk").change_message),
    }


def field(page):
    """The input of the page for a client's secret."""
    return next((one for one in re.findall(r"<input[^>]*>", page) if 'name="client_secret"' in one), "")


PROBES = (a_blank_secret, the_stored_secret, checks_of_one_request, the_stored_secret_as_a_secret, the_admin)

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    print(json.dumps({probe.__name__: probe() for probe in PROBES}))

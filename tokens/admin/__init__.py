"""The issuer's pages in Django's admin, one file per thing. django-oauth-toolkit's own pages are not shown.

They would show hashes in editable fields and tokens that nobody may edit. Importing its module here registers them
before ours, whichever app comes first in INSTALLED_APPS.
"""

import allauth.account.admin  # noqa: F401 (registers what is unregistered below)
import django.contrib.auth.admin  # noqa: F401 (the same)
import oauth2_provider.admin  # noqa: F401 (the same)
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model

from tokens.models import Client

admin.site.site_header = admin.site.site_title = "Keyturn issuer"
foreign: list[type[Model]] = [Client, Group, EmailAddress, *apps.get_app_config("oauth2_provider").get_models()]
admin.site.unregister(model for model in foreign if admin.site.is_registered(model))

from tokens.admin import apis, audit, clients, exchange, grants, keys, login, others, users  # noqa: E402, F401 (registers their pages)

"""The issuer's pages in Django's admin, one module per table. django-oauth-toolkit's own pages are not shown.

Owns: forms, lists and buttons; each change leaves an event of the audit trail.
Does not own: any rule: buttons call what the commands call.
Steps: none.
Neighbours: at the top; imports `views` for pages and limits.

The toolkit's pages would show hashes in editable fields, and tokens. They are registered when their module is imported,
so it is imported here first, independent of the order of INSTALLED_APPS.

Read in this order:
- `read_only`, `search`, `events`: what the pages share.
- `user`, `client`, `client_form`, `client_secret`, `api`, `exchange_policy`, `user_grant`: registered things.
- `revoke_all`: the page that revokes every token.
- `key`, `key_picture`: rings and signing keys.
- `audit`, `inspection`: the audit trail, and a token to examine.
- `login`, `third_party`: the login page, and other apps' tables.
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

from tokens.admin import api, audit, client, exchange_policy, key, login, third_party, user, user_grant  # noqa: E402, F401 (registers their pages)

"""The issuer's pages in Django's admin. Pages of django-oauth-toolkit are not shown.

Owns: forms, lists and buttons. Each change records an audit event.
Does not own: rules. A button calls the same function as the management command for that task.
Steps: this package is none of the seven steps in README.md.
Neighbours: in the top layer. It imports `views` for pages and limits.

The toolkit's pages would show tokens, and hashes in editable fields. The import of the toolkit's admin module registers
these pages. This package imports that module first and then unregisters the pages, so the order of INSTALLED_APPS does
not matter.

Read in this order:
- `read_only`, `search`, `long_list`, `events`, `token_link`, `scope_choice`: base classes and fields of several pages.
- `keyset_list`, `list_order`: the pages of long lists.
- `user`, `client`, `client_form`, `keys_field`, `client_claims`, `client_layout`, `client_secret`: users and clients.
- `client_kind`, `client_snippet`: register a client of a kind, such as a web application, and show code to paste.
- `client_activity`: the recent activity of a client.
- `client_program`: register a program as a client, by the program's recipe, and show the program's configuration.
- `client_rights`: the permissions that an administrator needs to give a client special rights.
- `api`, `scope_form`, `input_names`, `exchange_policy`: the rest of the registry.
- `open_client`: self-registered clients, and initial access tokens.
- `user_grant`, `revoke_all`: user grants, and the page that revokes everything.
- `logout_message`: the outbox of logout messages.
- `ring_page`, `key`, `key_picture`, `key_step`: key rings and signing keys.
- `audit`, `audit_filter`, `audit_export`, `inspection`: the audit trail, and the inspection of a token.
- `dashboard`, `refusal_reason`: the start page.
- `permission_choice`, `django_texts`: permissions, and texts of Django, in the language of the page.
- `login`, `third_party`: the login page, and other apps' tables.
"""

import allauth.account.admin
import allauth.mfa.admin  # noqa: F401 (registers pages that are unregistered below)
import django.contrib.auth.admin  # noqa: F401 (the same)
import oauth2_provider.admin  # noqa: F401 (the same)
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.utils.translation import gettext_lazy

from tokens.models import Client

admin.site.site_header = admin.site.site_title = gettext_lazy("Keyturn issuer")
foreign: list[type[Model]] = [
    Client,
    Group,
    EmailAddress,
    Authenticator,
    *apps.get_app_config("oauth2_provider").get_models(),
]
admin.site.unregister(model for model in foreign if admin.site.is_registered(model))

from tokens.admin import (  # noqa: E402 (registers the pages)
    api,  # noqa: F401
    audit,  # noqa: F401
    client,  # noqa: F401
    dashboard,  # noqa: F401
    django_texts,  # noqa: F401
    exchange_policy,  # noqa: F401
    key,  # noqa: F401
    login,  # noqa: F401
    logout_message,  # noqa: F401
    open_client,  # noqa: F401
    ring_page,  # noqa: F401
    third_party,  # noqa: F401
    user,  # noqa: F401
    user_grant,  # noqa: F401
)

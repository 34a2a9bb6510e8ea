"""The switches in the admin that put claims into tokens: those of a client, of an API and of its scopes."""

import pytest
from django.contrib.auth.models import Group

from tests.tokens.admin.test_api import LIST, NOTES, events, rows
from tokens.models import Api, AuditEvent, Client, Scope

pytestmark = pytest.mark.django_db
CLIENTS = "/admin/tokens/client/"
SECRETS = {"secrets-TOTAL_FORMS": "0", "secrets-INITIAL_FORMS": "0"}


def test_a_new_client_s_page_has_userinfo_on_and_the_id_token_off(admin):
    page = admin.get(f"{CLIENTS}add/?all=1")
    boxes = page.context["adminform"].form
    assert "checked" in str(boxes["userinfo_by_api_tokens"])
    assert "checked" not in str(boxes["claims_in_id_token"])
    assert "APIs must not read the claims" in page.content.decode()


def test_each_switch_of_a_client_is_saved_and_audited(admin, form):
    admin.post(f"{CLIENTS}add/", form | {"userinfo_by_api_tokens": "on"})
    Client.objects.update(userinfo_by_api_tokens=None)  # as in a row of an earlier version
    page = f"{CLIENTS}{Client.objects.get().pk}/change/"

    def save(**boxes):
        answer = admin.post(page, form | SECRETS | boxes)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        client, event = Client.objects.get(), AuditEvent.objects.filter(action="client.changed").order_by("pk").last()
        return client.opens_userinfo_by_api_tokens, bool(client.claims_in_id_token), event and event.details

    assert save(userinfo_by_api_tokens="on") == (True, False, None), "nothing changed"
    assert save()[:2] == (False, False)
    assert "userinfo_by_api_tokens" in save(userinfo_by_api_tokens="on")[2]
    on, in_id_token, details = save(userinfo_by_api_tokens="on", claims_in_id_token="on")
    assert (on, in_id_token, list(details)) == (True, True, ["claims_in_id_token"])


def test_a_scope_is_limited_to_groups_that_exist_and_the_change_is_audited(admin):
    Group.objects.create(name="editors")
    assert admin.post(f"{LIST}add/", NOTES | {"gets_groups": "on", "scopes-0-groups": ["editors"]}).status_code == 302
    api, scope = Api.objects.get(), Scope.objects.get()
    assert (api.gets_groups, scope.groups) == (True, ["editors"])
    read = {"name": "notes:read", "description": "Read your notes"}
    page = f"{LIST}{api.pk}/change/"
    wrong = admin.post(page, NOTES | rows(api, read | {"groups": ["nobody"]}))
    assert wrong.status_code == 200
    assert "nobody is not one of the available choices" in wrong.content.decode()
    before = len(events())
    assert admin.post(page, NOTES | rows(api, read)).status_code == 302
    assert (Api.objects.get().gets_groups, Scope.objects.get().groups) == (False, None)
    changed = {action: details for action, _, details in events()[before:]}
    assert changed["api.changed"] == {"gets_groups": ["True", "False"]}
    assert changed["scope.changed"]["groups"] == ["editors", "None"]


def test_saving_the_page_keeps_a_limit_to_a_deleted_group(admin):
    editors = Group.objects.create(name="editors")
    assert admin.post(f"{LIST}add/", NOTES | {"scopes-0-groups": ["editors"]}).status_code == 302
    editors.delete()
    api = Api.objects.get()
    assert "editors (no such group)" in admin.get(f"{LIST}{api.pk}/change/").content.decode()
    read = {"name": "notes:read", "description": "Read", "groups": ["editors"]}
    assert admin.post(f"{LIST}{api.pk}/change/", NOTES | rows(api, read)).status_code == 302
    assert Scope.objects.get().groups == ["editors"]

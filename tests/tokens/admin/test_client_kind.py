"""Adding a client by its kind in the admin.

The form has only the fields that the kind needs. The page after the form shows code blocks to paste.
"""

import json

import pytest
from django.test import override_settings
from django.utils import timezone

from tests.tokens.factories import make_api, make_client
from tokens.clients import client_secret
from tokens.models import AuditEvent, Client, Scope, User
from tokens.registration.kinds import KINDS

pytestmark = pytest.mark.django_db
NEW = "/admin/tokens/client/new/"
CALLBACK = "https://app.example/callback"


@pytest.fixture
def scope():
    make_api("https://orders.example/", "orders:read")
    make_api("https://notes.example/", "notes:read", "notes:write")
    return Scope.objects.get(name="notes:read")


def fields(page):
    return set(page.context["form"].fields)


def blocks(page):
    return [block.text for block in page.context_data["snippets"]]


def test_the_links_to_add_a_client_lead_to_the_kinds_and_those_to_each_form(admin):
    page = admin.get("/admin/tokens/client/add/", follow=True)
    assert page.redirect_chain == [(NEW, 302)]
    for kind in KINDS:
        assert f'href="{NEW}{kind.name}/"' in page.content.decode()
    assert "allows_undotted_schemes" in admin.get("/admin/tokens/client/add/?all=1").content.decode()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("web", {"name", "redirect_uris", "post_logout_redirect_uris", "scopes"}),
        ("spa", {"name", "redirect_uris", "post_logout_redirect_uris", "scopes"}),
        ("native", {"name", "redirect_uris", "scopes"}),
        ("service", {"name", "scopes"}),
        ("device", {"name", "scopes"}),
        ("api", {"name", "api"}),
    ],
)
def test_a_form_asks_only_what_the_kind_needs(admin, kind, expected):
    assert fields(admin.get(f"{NEW}{kind}/")) == expected


def test_an_unknown_kind_is_not_found(admin):
    assert admin.get(f"{NEW}mainframe/").status_code == 404


def test_scopes_are_checkboxes_in_a_group_for_each_api(admin, scope):
    page = admin.get(f"{NEW}service/").content.decode()
    assert page.index("notes.example") < page.index("notes:read") < page.index("orders.example")
    assert page.count('<div role="group"') == 2


def test_a_web_application_gets_a_secret_that_is_in_its_blocks_and_not_stored(admin, scope):
    page = admin.post(f"{NEW}web/", {"name": "Shop", "redirect_uris": CALLBACK, "scopes": [scope.pk]})
    made = Client.objects.get()
    secret = page.context_data["secret"]
    assert client_secret.use(client_secret.stored_of(made), secret, now=timezone.now())
    assert "no-store" in page.headers["Cache-Control"]
    authlib, node = blocks(page)
    for text in (made.client_id, secret, CALLBACK, "openid profile email offline_access notes:read"):
        assert json.dumps(text) in authlib
        assert json.dumps(text) in node
    assert (made.grants, made.client_type) == (["authorization_code", "refresh_token"], "confidential")
    assert [event.action for event in AuditEvent.objects.order_by("pk")] == ["client.created", "client_secret.created"]
    assert AuditEvent.objects.first().actor == "user:root"
    assert secret not in admin.get(f"/admin/tokens/client/{made.pk}/change/").content.decode()


def test_a_single_page_application_is_public_and_may_call_from_the_origin_of_its_redirect_uri(admin):
    page = admin.post(f"{NEW}spa/", {"name": "Shop", "redirect_uris": CALLBACK})
    made = Client.objects.get()
    assert (made.client_type, made.allowed_origins) == ("public", "https://app.example")
    assert page.context_data["secret"] is None
    assert 'id="client-secret"' not in page.content.decode()


def test_a_native_application_is_shown_a_listener_only_for_a_loopback_address(admin):
    assert admin.get(f"{NEW}native/").context["form"].initial["redirect_uris"] == "http://127.0.0.1/callback"
    (listens,) = blocks(admin.post(f"{NEW}native/", {"name": "A", "redirect_uris": "http://127.0.0.1/callback"}))
    (exports,) = blocks(admin.post(f"{NEW}native/", {"name": "B", "redirect_uris": "com.example.app:/callback"}))
    assert "createServer" in listens
    assert "createServer" not in exports
    assert "client.None()" in exports


def test_an_api_that_introspects_is_linked_to_its_client(admin, scope):
    page = admin.post(f"{NEW}api/", {"name": "Notes API", "api": scope.api.pk})
    made = Client.objects.get()
    scope.api.refresh_from_db()
    assert scope.api.client == made
    assert made.grants == []
    assert f"-u {made.client_id}:{page.context_data['secret']}" in blocks(page)[0]
    assert AuditEvent.objects.get(action="api.changed").actor == "user:root"


@pytest.mark.parametrize("uri", ["http://app.example/cb", "https://app.example/cb#x", "javascript:alert(1)", ""])
def test_a_redirect_uri_that_registration_refuses_is_reported_at_its_field(admin, uri):
    page = admin.post(f"{NEW}web/", {"name": "Shop", "redirect_uris": uri})
    assert page.context["form"].errors.keys() == {"redirect_uris"}
    assert not Client.objects.exists()


def test_the_blocks_allow_http_only_if_the_issuer_has_no_https(admin, settings):
    form = {"name": "Shop", "redirect_uris": CALLBACK}
    for url, expected in (("https://issuer.example", False), ("http://localhost:8000", True)):
        with override_settings(ISSUER=settings.ISSUER | {"URL": url}):
            for text in blocks(admin.post(f"{NEW}web/", form)):
                assert ("INSECURE" in text or "allowInsecure" in text) is expected


@pytest.mark.parametrize("path", [NEW, f"{NEW}web/"])
def test_an_administrator_who_may_not_add_clients_sees_no_kind(client, path):
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.get(path).status_code == 403
    assert client.post(path, {"name": "Shop", "redirect_uris": CALLBACK}).status_code == 403
    assert not Client.objects.exists()


def test_the_page_of_a_new_secret_has_a_button_to_copy_it_under_the_strict_policy(admin):
    page = admin.post(f"{NEW}service/", {"name": "Report"})
    text = page.content.decode()
    assert 'data-copy="Copy" data-copied="Copied" id="client-secret"' in text
    assert "<script src=" in text
    assert "<script>" not in text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_scopes_of_an_existing_client_are_checked_in_the_form(admin, scope):
    made = make_client("shop", "authorization_code", scopes=("notes:write",))
    page = admin.get(f"/admin/tokens/client/{made.pk}/change/").content.decode()
    chosen = Scope.objects.get(name="notes:write").pk
    assert f'value="{chosen}" id="id_scopes_' in page
    assert page.count(" checked") >= 1

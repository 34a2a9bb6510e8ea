"""Self-registered clients in the admin: they are listed and can be blocked.

Values that come from their metadata documents cannot be changed.
"""

import re

import pytest
from django.utils import timezone

from tokens.models import AuditEvent, Client, InitialAccessToken, OpenClient, Revocation
from tokens.open_clients import initial_token

pytestmark = pytest.mark.django_db
LIST = "/admin/tokens/client/"
ADDRESS = "https://app.example/client.json"


@pytest.fixture
def document_client():
    made = Client.objects.create(
        client_id=ADDRESS,
        name="Notes viewer",
        registered_by="document",
        client_type="public",
        token_endpoint_auth_method="none",
        grants=["authorization_code"],
        redirect_uris="https://app.example/callback",
    )
    OpenClient.objects.create(client=made, created_at=timezone.now(), ends_at=timezone.now())
    return made


def test_self_registered_clients_are_listed_apart(admin, document_client):
    Client.objects.create(client_id="webapp", name="Web application")
    assert ADDRESS in admin.get(LIST, {"registered_by__exact": "document"}).content.decode()
    assert "Web application" not in admin.get(LIST, {"registered_by__exact": "document"}).content.decode()
    assert ADDRESS not in admin.get(LIST, {"registered_by__exact": "dynamic"}).content.decode()


def test_a_blocked_client_loses_its_tokens_with_an_event(admin, document_client):
    form = {"action": "block", "_selected_action": [document_client.pk]}
    page = admin.post(LIST, form, follow=True)
    assert "Clients that were blocked: 1." in page.content.decode()
    document_client.refresh_from_db()
    assert document_client.is_active is False
    assert Revocation.objects.get(kind="client")
    event = AuditEvent.objects.get(action="client.disabled")
    assert (event.actor, event.subject) == ("user:root", f"client:{ADDRESS}")
    assert "Clients that were blocked: 0." in admin.post(LIST, form, follow=True).content.decode()


def test_an_administrator_changes_the_switches_and_not_what_the_document_decides(admin, document_client):
    page = f"{LIST}{document_client.pk}/change/"
    form = {
        "name": "Viewer",
        "is_active": "on",
        "redirect_uris": "https://evil.example/",
        "client_type": "confidential",
    }
    none = {f"secrets-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    answer = admin.post(page, form | none | {"remembers_consent": "", "access_token_lifetime": "00:05:00"})
    assert answer.status_code == 302, answer.context["errors"] if answer.context else answer.content
    document_client.refresh_from_db()
    assert (document_client.redirect_uris, document_client.client_type) == ("https://app.example/callback", "public")
    assert (document_client.remembers_consent, document_client.token_endpoint_auth_method) == (False, "none")
    assert str(document_client.access_token_lifetime) == "0:05:00"


TOKENS = "/admin/tokens/initialaccesstoken/"
FORM = {"note": "Ada", "registrations_left": "2", "expires_at_0": "2999-01-01", "expires_at_1": "12:00:00"}


def test_a_new_initial_token_is_shown_once(admin):
    page = admin.post(f"{TOKENS}add/", FORM)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    text = re.search(r'id="initial-token">([^<]+)<', page.content.decode())[1]
    assert initial_token.use(text, now=timezone.now()) is not None
    listed = admin.get(TOKENS).content.decode()
    assert text[-4:] in listed
    assert text not in listed
    event = AuditEvent.objects.get(action="initial_token.created")
    assert (event.actor, text in str(event.details)) == ("user:root", False)


@pytest.mark.parametrize(
    "changes",
    [{"registrations_left": "0"}, {"registrations_left": "100000"}, {"expires_at_0": "2001-01-01"}, {"note": ""}],
)
def test_a_malformed_initial_token_is_refused_in_the_form(admin, changes):
    page = admin.post(f"{TOKENS}add/", FORM | changes)
    assert page.status_code == 200
    assert page.context["errors"]
    assert not InitialAccessToken.objects.exists()


def test_initial_tokens_are_revoked_and_never_changed_or_deleted(admin):
    admin.post(f"{TOKENS}add/", FORM)
    made = InitialAccessToken.objects.get()
    admin.post(f"{TOKENS}{made.pk}/change/", FORM | {"registrations_left": "9"})
    assert admin.post(f"{TOKENS}{made.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "revoke", "_selected_action": [made.pk]}
    assert "Tokens that were revoked: 1." in admin.post(TOKENS, form, follow=True).content.decode()
    made.refresh_from_db()
    assert (made.registrations_left, made.revoked_at is None) == (2, False)


def test_the_state_of_self_registered_clients_is_read_only_and_shows_no_hash(admin, document_client):
    OpenClient.objects.update(token_digest="d" * 64, failure="it answered 404")
    page = "/admin/tokens/openclient/"
    listed = admin.get(page).content.decode()
    assert "it answered 404" in listed
    shown = admin.get(f"{page}{document_client.pk}/change/").content.decode()
    assert "d" * 64 not in listed + shown
    assert admin.post(f"{page}{document_client.pk}/change/", {"failure": "x"}).status_code == 403

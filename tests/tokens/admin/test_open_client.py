"""Self-registered clients in the admin: listed, and blocked; what their documents decide cannot be changed."""

import pytest
from django.utils import timezone

from tokens.models import AuditEvent, Client, OpenClient, Revocation

pytestmark = pytest.mark.django_db
LIST = "/admin/tokens/client/"
ADDRESS = "https://app.example/client.json"


@pytest.fixture
def stranger():
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


def test_self_registered_clients_are_listed_apart(admin, stranger):
    Client.objects.create(client_id="webapp", name="Web application")
    assert ADDRESS in admin.get(LIST, {"registered_by__exact": "document"}).content.decode()
    assert "Web application" not in admin.get(LIST, {"registered_by__exact": "document"}).content.decode()
    assert ADDRESS not in admin.get(LIST, {"registered_by__exact": "dynamic"}).content.decode()


def test_a_blocked_client_loses_its_tokens_with_an_event(admin, stranger):
    form = {"action": "block", "_selected_action": [stranger.pk]}
    page = admin.post(LIST, form, follow=True)
    assert "Clients that were blocked: 1." in page.content.decode()
    stranger.refresh_from_db()
    assert stranger.is_active is False
    assert Revocation.objects.get(kind="client")
    event = AuditEvent.objects.get(action="client.disabled")
    assert (event.actor, event.subject) == ("user:root", f"client:{ADDRESS}")
    assert "Clients that were blocked: 0." in admin.post(LIST, form, follow=True).content.decode()


def test_an_administrator_changes_the_switches_and_not_what_the_document_decides(admin, stranger):
    page = f"{LIST}{stranger.pk}/change/"
    form = {
        "name": "Viewer",
        "is_active": "on",
        "redirect_uris": "https://evil.example/",
        "client_type": "confidential",
    }
    none = {f"secrets-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    answer = admin.post(page, form | none | {"remembers_consent": "", "access_token_lifetime": "00:05:00"})
    assert answer.status_code == 302, answer.context["errors"] if answer.context else answer.content
    stranger.refresh_from_db()
    assert (stranger.redirect_uris, stranger.client_type) == ("https://app.example/callback", "public")
    assert (stranger.remembers_consent, stranger.token_endpoint_auth_method) == (False, "none")
    assert str(stranger.access_token_lifetime) == "0:05:00"

"""The admin shows a client secret once and never its hash, and records changes as audit events."""

import json
import re

import pytest

from tests.tokens.factories import make_client, post
from tests.tokens.hardening.forms import DEVICE
from tokens.models import AuditEvent, Client

pytestmark = pytest.mark.django_db

LIST = "/admin/tokens/client/"
ADDED = {
    "name": "Nightly",
    "client_id": "reports",
    "client_type": "confidential",
    "is_active": "on",
    "grants": ["client_credentials"],
    "redirect_uris": "",
}


@pytest.fixture
def added(admin_client, apis):
    """Add a client by the form of the admin, and return the answer."""
    return admin_client.post(f"{LIST}add/", ADDED)


def shown(page):
    secret = re.search(r'id="client-secret">([^<]+)<', page.content.decode())
    return secret and secret[1]


def change(browser, **fields):
    """Save the client's page in the admin with further `fields`, without a change of its secrets. Return the answer."""
    made = Client.objects.get(client_id="reports")
    rows = {f"secrets-{name}_FORMS": made.secrets.count() for name in ("TOTAL", "INITIAL")}
    for number, secret in enumerate(made.secrets.all()):
        rows |= {f"secrets-{number}-id": secret.pk, f"secrets-{number}-client": made.pk}
    return browser.post(f"{LIST}{made.pk}/change/", ADDED | rows | fields)


def proves(browser, secret):
    form = {"grant_type": "client_credentials", "client_id": "reports", "client_secret": secret}
    return post(browser, "/oauth/introspect", form | {"token": "t"}).status_code == 200


def test_the_admin_shows_no_hash_of_a_secret(admin_client, service):
    page = admin_client.get(f"{LIST}{service.pk}/change/").content.decode()
    stored = bytes(service.secrets.get().digest)
    assert [written for written in (stored.hex(), str(stored), 'name="client_secret"') if written in page] == []
    assert service.secrets.get().hint in page


def test_the_admin_shows_a_secret_once_after_it_is_saved(client, admin_client, added):
    assert 'name="client_secret"' not in admin_client.get(f"{LIST}add/?all=1").content.decode()
    secret, made = shown(added), Client.objects.get(client_id="reports")
    Client.objects.update(token_endpoint_auth_method="client_secret_post")
    assert proves(client, secret)
    for page in (LIST, f"{LIST}{made.pk}/change/", f"{LIST}{made.pk}/history/"):
        assert secret not in admin_client.get(page).content.decode()


def test_a_second_secret_is_valid_beside_the_first(client, admin_client, added):
    second = shown(change(admin_client, new_secret="on", token_endpoint_auth_method="client_secret_post"))
    assert [proves(client, secret) for secret in (shown(added), second, "wrong")] == [True, True, False]


def test_the_admin_finds_a_client_by_its_client_id(admin_client, added):
    counts = {words: admin_client.get(f"{LIST}?q={words}").context["cl"].result_count for words in ("reports", "other")}
    assert counts == {"reports": 1, "other": 0}


def test_the_admin_lists_devices_without_their_codes(client, admin_client, apis):
    make_client("tv", DEVICE, public=True)
    begun = post(client, "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()
    page = admin_client.get("/admin/tokens/devicecode/")
    assert [row.client.client_id for row in page.context["cl"].result_list] == ["tv"]
    assert begun["user_code"] not in page.content.decode()


def test_log_and_audit_trail_record_actor_and_old_and_new_value(admin_client, added, caplog):
    caplog.set_level("INFO", "tokens.audit")
    second = shown(change(admin_client, new_secret="on", name="Daily"))
    events = {
        audit_event.action: audit_event
        for audit_event in AuditEvent.objects.filter(subject="client:reports").order_by("pk")
    }
    assert events.keys() == {"client.created", "client_secret.created", "client.changed"}
    assert {event.actor for event in events.values()} == {"user:admin"}
    assert events["client.changed"].details["name"] == ["Nightly", "Daily"]
    assert events["client_secret.created"].details["secret"] == f"…{second[-4:]}"
    lines = [json.loads(record.message) for record in caplog.records if record.name == "tokens.audit"]
    logged = [line["action"] for line in lines if line["subject"] == "client:reports"]
    assert sorted(logged) == ["client.changed", "client_secret.created"]

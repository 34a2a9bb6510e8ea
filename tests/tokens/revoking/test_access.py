"""Logging users out everywhere: what is stored with their grants and in the audit trail, and in which transaction.

Disabling several clients: their events, and the order of the locks.
"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tokens.events import events
from tests.tokens.factories import API, make_client, make_user
from tests.tokens.revoking.lock_order import locks_in_order
from tokens.issued import user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.keys import store
from tokens.models import AuditEvent, Client, Consent, Revocation, User, UserGrant
from tokens.revoking import access, bulk, everywhere

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return store.database_now()


@pytest.fixture
def users(apis, now):
    """Return two users, in the order of their primary keys. Each has a grant and a consent for the same client."""
    users, app = [make_user(), make_user("eve")], make_client("app", "authorization_code")
    target, login = Target(API, ("notes:read",), apis[API]), Login(at=now, acr="", amr=("pwd",))
    for user in users:
        user_grant.create(user, app, target, login, now=now, lasts=timedelta(days=1))
        Consent.objects.create(user=user, client=app, audience=API, scope="notes:read", given_at=now)
    return users


WAYS = {
    "by a command": access.log_out_everywhere,
    "in the admin": lambda user, **event: access.log_out_users_everywhere([user], **event),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_reason_is_stored_in_the_audit_trail_and_not_with_the_grants(users, now, way):
    WAYS[way](users[0], reason="laptop lost", actor="test", now=now)
    assert events() == [("user.logged_out_everywhere", "test", "user:ada", {"why": "laptop lost"})]
    assert UserGrant.objects.exclude(revoked_at=None).get().revoke_reason == "logged out everywhere"


def test_a_batch_that_fails_logs_no_user_out_and_keeps_the_batches_before_it(users, now, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    real = everywhere.revoke_matching

    def revoke_first(condition, reason):
        if User.objects.filter(logged_out_at=None).exists():
            return real(condition, reason)
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(everywhere, "revoke_matching", revoke_first)
    with pytest.raises(RuntimeError):
        access.log_out_users_everywhere(users[::-1], reason="", actor="test", now=now)
    assert events() == [("user.logged_out_everywhere", "test", "user:ada", {})]
    assert Consent.objects.get().user == users[1]
    assert User.objects.get(logged_out_at=None) == users[1]


def test_a_selected_grant_is_revoked_with_its_consent_and_no_other(users, now):
    others = UserGrant.objects.get(user=users[1])
    selected = UserGrant.objects.filter(user=users[0])
    assert access.revoke_selected(selected, reason="phished", actor="user:root", now=now) == 1
    assert UserGrant.objects.get(revoked_at=None) == others
    assert UserGrant.objects.exclude(revoked_at=None).get().revoke_reason == "phished"
    assert Consent.objects.get().user == users[1], "else a new request would get a grant without a question"
    assert events() == [("grant.revoked", "user:root", f"grant:{selected.get()}", {})]
    assert access.revoke_selected(selected, reason="again", actor="user:root", now=now) == 0


@pytest.fixture
def clients(users):
    """Return three clients, in the order of their primary keys. The first has two grants, the second is disabled."""
    return [
        Client.objects.get(client_id="app"),
        make_client("disabled", "client_credentials", scopes=(), is_active=False),
        make_client("service", "client_credentials", scopes=()),
    ]


def test_an_administrator_disables_several_clients_with_one_event_each(clients, now):
    at, stored = now - timedelta(hours=1), Revocation.objects.filter(kind="client").count()
    assert access.disable_clients(clients[::-1], reason="hostile", actor="user:root", now=at) == 2
    assert not Client.objects.filter(is_active=True).exists()
    assert events() == [
        ("client.disabled", "user:root", "client:app", {"why": "hostile"}),
        ("client.disabled", "user:root", "client:service", {"why": "hostile"}),
    ]
    assert set(AuditEvent.objects.values_list("at", flat=True)) == {at}
    assert Revocation.objects.filter(kind="client").count() == stored + 2
    assert not UserGrant.objects.filter(revoked_at=None).exists()


def test_a_client_that_was_not_chosen_stays_enabled(clients, now):
    access.disable_clients(clients[:2], reason="", actor="test", now=now)
    assert [client.client_id for client in Client.objects.filter(is_active=True)] == ["service"]


def test_disabled_clients_are_not_disabled_again(clients, now):
    access.disable_clients(clients, reason="", actor="test", now=now)
    before = len(events())
    assert access.disable_clients(clients, reason="", actor="test", now=now) == 0
    assert len(events()) == before


def test_all_clients_then_the_registry_then_all_grants_are_locked_before_a_client_is_disabled(clients, now):
    with locks_in_order(
        'FROM "tokens_client"', "tokens_registryversion", 'FROM "tokens_usergrant"', 'UPDATE "tokens_client"'
    ):
        access.disable_clients(clients, reason="", actor="test", now=now)


def test_grants_that_were_revoked_before_are_not_locked_when_clients_are_disabled(clients, now):
    with CaptureQueriesContext(connection) as captured:
        access.disable_clients(clients, reason="", actor="test", now=now)
    locks = [query["sql"] for query in captured if query["sql"].startswith('SELECT "tokens_usergrant"."id"')]
    assert locks
    assert all('"revoked_at" IS NULL' in sql for sql in locks), "a client can have thousands of earlier grants"

"""Revoking many tokens, and a single one.

For several clients there is one event per client, and one instant. No other client's tokens are revoked.
"""

from datetime import timedelta

import pytest

from tests.tokens.events import events
from tests.tokens.factories import API, make_client, make_user
from tests.tokens.revoking.lock_order import locks_in_order
from tokens.issued import revocation_record, user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.keys import store
from tokens.models import AuditEvent, Client, Revocation, UserGrant, WaitingEntry
from tokens.revoking import bulk

pytestmark = pytest.mark.django_db


@pytest.fixture
def clients(apis):
    """Return three clients, in the order of their primary keys. The first has two grants, the others one each."""
    now = store.database_now()
    clients = [make_client(name, "authorization_code") for name in ("web", "app", "other")]
    target, login = Target(API, ("notes:read",), apis[API]), Login(at=now, acr="", amr=("pwd",))
    ada, eve = make_user(), make_user("eve")
    for user, client in [(ada, clients[0]), (eve, clients[0]), (ada, clients[1]), (ada, clients[2])]:
        user_grant.create(user, client, target, login, now=now, lasts=timedelta(days=1))
    return clients


def test_each_client_has_an_event_with_the_number_of_its_grants(clients):
    bulk.revoke_clients(clients[1::-1], reason="leak", actor="user:root")
    assert events() == [
        ("tokens.revoked", "user:root", "client:web", {"reason": "leak", "grants": 2, "users": 0}),
        ("tokens.revoked", "user:root", "client:app", {"reason": "leak", "grants": 1, "users": 0}),
    ]
    assert AuditEvent.objects.values("at").distinct().count() == 1


def test_the_event_is_that_of_a_client_whose_tokens_are_revoked_alone(clients):
    bulk.revoke(bulk.BulkTarget(client=clients[0]), reason="leak", actor="user:root")
    UserGrant.objects.update(revoked_at=None)
    bulk.revoke_clients(clients[:1], reason="leak", actor="user:root")
    alone, among_several = events()
    assert among_several == alone


def test_the_tokens_of_the_chosen_clients_are_revoked_and_published_and_no_others(clients):
    bulk.revoke_clients(clients[:2], reason="leak", actor="user:root")
    assert [grant.client for grant in UserGrant.objects.filter(revoked_at=None)] == [clients[2]]
    assert set(UserGrant.objects.exclude(revoked_at=None).values_list("revoke_reason", flat=True)) == {"leak"}
    assert Revocation.objects.filter(kind="client").count() == 2
    assert not WaitingEntry.objects.exists()
    assert Client.objects.filter(is_active=True).count() == 3


def test_the_registry_is_locked_before_the_grants_of_the_clients(clients):
    with locks_in_order("tokens_registryversion", 'UPDATE "tokens_usergrant"'):
        bulk.revoke_clients(clients, reason="leak", actor="user:root")


def test_a_single_token_is_revoked_for_as_long_as_an_api_can_accept_it():
    now = store.database_now()
    bulk.revoke(bulk.BulkTarget(token_id="stolen"), reason="leak", actor="user:root")
    until = Revocation.objects.get(kind="jti").until
    assert until >= (now + revocation_record.acceptance_after_issue()).timestamp()

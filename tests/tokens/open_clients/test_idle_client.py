"""Unused self-registered clients are deleted. Clients that are used, blocked or registered by an operator stay."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.tokens.factories import make_client
from tokens.models import Client, OpenClient, Registrar, UserGrant
from tokens.open_clients import idle_client

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def make(name="https://app.example/c.json", *, ends=-DAY, **fields):
    now = timezone.now()
    made = Client.objects.create(client_id=name, registered_by="document" if ":" in name else "dynamic", **fields)
    OpenClient.objects.create(client=made, created_at=now - 200 * DAY, ends_at=now + ends)
    return made


def purge():
    call_command("purge_tokens", "--json")
    return set(Client.objects.values_list("client_id", flat=True))


def test_an_unused_client_is_deleted_and_others_stay(apis, user):
    now = timezone.now()
    make(), make("gone"), make("idle", last_used_on=(now - idle_client.IDLE - 2 * DAY).date())
    make("fresh", ends=DAY)
    make("used", last_used_on=(now - idle_client.IDLE + DAY).date())
    make("blocked", is_active=False)
    granted = {"user": user, "client": make("granted"), "audience": "a:b", "scope": "openid", "auth_time": now}
    UserGrant.objects.create(**granted, created_at=now, ends_at=now + DAY)
    make_client("registered", "client_credentials")
    assert purge() == {"fresh", "used", "blocked", "granted", "registered"}


@pytest.mark.parametrize(("most", "too_many"), [(2, True), (3, False)])
def test_too_many_unused_clients_of_one_kind_stop_further_ones(monkeypatch, most, too_many):
    make("one", ends=DAY), make("two", ends=DAY), make(ends=DAY), make("used", ends=DAY, last_used_on="2026-11-01")
    monkeypatch.setattr(idle_client, "MOST_UNUSED", most)
    assert idle_client.are_too_many(Registrar.DYNAMIC) is too_many

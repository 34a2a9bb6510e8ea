"""Hole 14: what is never removed, and what it costs to remove the rest."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import (
    AccessToken,
    clear_expired,
    get_device_grant_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

from tests.tokens.oauth.holes import toolkit
from tokens import purge
from tokens.models import ClientSecret, RefreshToken, Revocation, UserGrant

pytestmark = pytest.mark.django_db

BATCHES = 5
LONG_AGO = timedelta(days=3650)


def counted(queries):
    """The statements that count rows."""
    return [one["sql"] for one in queries if "COUNT(" in one["sql"].upper()]


def is_searched(rows):
    """Whether the database goes by an index to the rows that have ended, and sorts nothing."""
    plan = rows.explain()
    return "INDEX" in plan and "SCAN" not in plan and "TEMP B-TREE" not in plan


def test_14_plain_revoked_and_expired_refresh_tokens_stay_for_ever(plain, plain_with, app, user):
    toolkit.refresh_token(app, user)
    old = timezone.now() - LONG_AGO
    AccessToken.objects.update(expires=old)
    revoked = {"user": user, "application": app, "token": "revoked", "revoked": old}
    get_refresh_token_model().objects.create(**revoked)
    with plain_with(REFRESH_TOKEN_REUSE_PROTECTION=True):
        clear_expired()
    assert get_refresh_token_model().objects.count() == 2
    assert AccessToken.objects.exists(), "and so does the access token that one is bound to"


def test_14_here_both_go(client, app, refresh_token):
    kept = RefreshToken.objects.values().get() | {"digest": "revoked", "used_at": timezone.now()}
    RefreshToken.objects.create(**kept)
    old = timezone.now() - LONG_AGO
    RefreshToken.objects.update(created_at=old, expires_at=old)
    UserGrant.objects.update(ends_at=old)
    call_command("purge_tokens", "--json")
    assert not RefreshToken.objects.exists()
    assert not UserGrant.objects.exists()


def test_14_here_every_table_with_an_end_is_purged():
    """Client secrets are few, and an administrator wants to see that one has ended."""
    ends = {"expires_at", "ends_at", "until"}
    models = apps.get_app_config("tokens").get_models()
    ending = {model for model in models if ends & {field.name for field in model._meta.get_fields()}}
    assert ending - {ended(timezone.now()).model for ended in purge.TABLES.values()} == {ClientSecret}


def test_14_plain_each_batch_counts_all_that_is_left(plain, plain_with, app, user):
    for number in range(BATCHES):
        toolkit.access_token(app, user, str(number))
    AccessToken.objects.update(expires=timezone.now() - LONG_AGO)
    with plain_with(CLEAR_EXPIRED_TOKENS_BATCH_SIZE=1), CaptureQueriesContext(connection) as queries:
        clear_expired()
    assert len(counted(queries)) >= 2 * BATCHES
    assert not AccessToken.objects.exists()


def test_14_here_none_does(app):
    old = timezone.now() - LONG_AGO
    for number in range(BATCHES):
        Revocation.objects.create(key=UUID(int=number), kind="jti", issued_before=0, until=int(old.timestamp()))
    with CaptureQueriesContext(connection) as queries:
        call_command("purge_tokens", "--json", "--batch", "1")
    assert counted(queries) == []
    assert not Revocation.objects.exists()


@pytest.mark.parametrize("model", [AccessToken, get_grant_model(), get_id_token_model(), get_device_grant_model()])
def test_14_plain_every_row_is_looked_at_for_those_that_have_ended(db, model):
    assert not is_searched(model.objects.filter(expires__lt=timezone.now()))


@pytest.mark.parametrize("table", purge.TABLES)
def test_14_here_those_that_have_ended_are_found_by_an_index(db, table):
    assert is_searched(purge.TABLES[table](timezone.now())[: purge.BATCH])

"""Refresh tokens in the database.

The tests are about what is stored, how long a token family lives, and tokens whose row is deleted or damaged.
"""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps as registered
from django.utils import timezone

from tests.tokens.factories import (
    allow,
    authorization,
    log_in,
    parameters,
    post,
    redeem,
)
from tests.tokens.refresh_tokens import DAMAGES, SCOPE, app, error, later, log_in_to, old, refresh, reuse_events, server
from tokens.issued import one_time, revocation_record
from tokens.models import RefreshToken, UserGrant
from tokens.revoking import purge

__all__ = ["app", "later", "log_in_to", "old", "server"]

pytestmark = pytest.mark.django_db


def test_offline_access_gives_a_refresh_token_of_which_only_the_hash_is_kept(app, log_in_to):
    body = log_in_to(app)
    assert len(body["refresh_token"]) >= 43
    assert "offline_access" in body["scope"]
    row = RefreshToken.objects.get()
    assert row.digest == one_time.digest(body["refresh_token"])
    assert body["refresh_token"] not in str(RefreshToken.objects.values().get())


@pytest.mark.parametrize("which", ["app", "server"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_token_is_invalid_grant_and_revokes_nothing(client, request, log_in_to, which, damage):
    of = request.getfixturevalue(which)
    text = log_in_to(of)["refresh_token"]
    refused = refresh(client, of, DAMAGES[damage](text))
    assert error(refused) == (400, "invalid_grant")
    assert refused.json()["error_description"] == "The refresh token is unknown, expired, or another client's."
    assert UserGrant.objects.get().revoked_at is None
    assert not reuse_events().exists()
    assert refresh(client, of, text).status_code == 200


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_token_revokes_nothing_at_the_revocation_endpoint(client, app, log_in_to, damage):
    text = log_in_to(app)["refresh_token"]
    answer = post(client, "/oauth/revoke", {"token": DAMAGES[damage](text), "client_id": "app"})
    assert (answer.status_code, answer.content) == (200, b""), "RFC 7009 section 2.2"
    assert UserGrant.objects.get().revoked_at is None
    assert refresh(client, app, text).status_code == 200
    assert post(client, "/oauth/revoke", {"token": text, "client_id": "app"}).status_code == 200
    assert UserGrant.objects.get().revoke_reason == "revoked by its client"


def purged(*texts):
    """Make the rows of these refresh tokens expire, and purge them."""
    over = timezone.now() - revocation_record.acceptance_after_issue() - timedelta(days=1)
    RefreshToken.objects.filter(digest__in=map(one_time.digest, texts)).update(expires_at=over)
    assert sum(purge.purge("refresh tokens", now=timezone.now())) == len(texts)


def test_one_of_which_no_row_is_left_ends_its_family_too(client, app, log_in_to):
    first = log_in_to(app)["refresh_token"]
    second = refresh(client, app, first).json()["refresh_token"]
    third = refresh(client, app, second).json()["refresh_token"]
    purged(first, second)
    assert error(refresh(client, app, first)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"
    assert error(refresh(client, app, third)) == (400, "invalid_grant")


def test_one_of_which_no_row_is_left_takes_its_family_back(client, app, log_in_to):
    """A client revokes a refresh token whose row was purged.

    All tokens of the grant are revoked (RFC 7009 section 2.1).
    """
    first = log_in_to(app)["refresh_token"]
    refresh(client, app, first)
    purged(first)
    assert post(client, "/oauth/revoke", {"token": first, "client_id": "app"}).status_code == 200
    assert UserGrant.objects.get().revoke_reason == "revoked by its client"


def test_one_of_which_no_row_is_left_says_nothing_to_another_client(client, app, server, log_in_to):
    first = log_in_to(app)["refresh_token"]
    second = refresh(client, app, first).json()["refresh_token"]
    purged(first)
    assert error(refresh(client, server, first)) == (400, "invalid_grant")
    assert refresh(client, app, second).status_code == 200


def test_a_guessed_or_expired_token_does_not_revoke_the_family(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    beginning, _, own = text.partition(".")
    for made_up in (own, f".{own}", f"{own}.{beginning}", f"{beginning[:-1]}.{own}", f" {text}", "."):
        assert error(refresh(client, app, made_up)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None
    purged(text)
    assert error(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None, "it was idle for too long"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_token_of_an_earlier_version_revokes_nothing(client, app, old, damage):
    if DAMAGES[damage](old) != old:
        assert error(refresh(client, app, DAMAGES[damage](old))) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None
    assert refresh(client, app, old).status_code == 200


def test_a_token_without_a_family_of_its_own_begins_one(client, app, log_in_to):
    log_in_to(app)
    old = "a" * 43
    RefreshToken.objects.update(digest=one_time.digest(old), family="", encryption_key_id="")
    import_module("tokens.migrations.0018_refresh_token_families").begin_families(registered, None)
    second = refresh(client, app, old).json()["refresh_token"]
    third = refresh(client, app, second).json()["refresh_token"]
    purged(old, second)
    assert error(refresh(client, app, old)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None, "without its row nothing shows that it was issued"
    assert error(refresh(client, app, second)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"
    assert error(refresh(client, app, third)) == (400, "invalid_grant")


def test_a_refresh_token_expires_when_it_is_idle_and_each_use_restarts_the_idle_time(client, server, log_in_to, later):
    server.refresh_token_idle_lifetime, server.refresh_token_lifetime = timedelta(hours=1), timedelta(hours=3)
    server.save()
    text = log_in_to(server)["refresh_token"]
    for minutes in (50, 100, 150):
        later(timedelta(minutes=minutes))
        assert refresh(client, server, text).status_code == 200
    later(timedelta(minutes=179))
    assert refresh(client, server, text).status_code == 200
    later(timedelta(minutes=181))
    assert error(refresh(client, server, text)) == (400, "invalid_grant"), "absolute: however often it was used"


def test_a_refresh_token_is_refused_once_it_was_idle_for_too_long(client, app, log_in_to, later):
    app.refresh_token_idle_lifetime = timedelta(hours=1)
    app.save()
    text = log_in_to(app)["refresh_token"]
    later(timedelta(minutes=61))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None, "nobody stole anything"


@pytest.mark.parametrize(
    ("entry", "end"),
    [("REFRESH_TOKEN_LIFETIME", timedelta(hours=2)), ("REFRESH_TOKEN_IDLE_LIFETIME", timedelta(hours=3))],
)
@pytest.mark.parametrize(("before", "status"), [(timedelta(seconds=1), 200), (timedelta(0), 400)])
def test_the_settings_say_when_a_token_that_was_used_after_an_hour_expires(
    client, server, log_in_to, later, settings, entry, end, before, status
):
    settings.ISSUER = settings.ISSUER | {entry: timedelta(hours=2)}
    later()
    text = log_in_to(server)["refresh_token"]
    later(timedelta(hours=1))
    assert refresh(client, server, text).status_code == 200
    later(end - before)
    assert refresh(client, server, text).status_code == status


def test_a_rotated_token_is_valid_no_longer_than_the_family(client, app, log_in_to, later):
    app.refresh_token_lifetime = timedelta(hours=2)
    app.save()
    text = log_in_to(app)["refresh_token"]
    later(timedelta(minutes=90))
    text = refresh(client, app, text).json()["refresh_token"]
    assert RefreshToken.objects.get(digest=one_time.digest(text)).expires_at == UserGrant.objects.get().ends_at


@pytest.mark.parametrize("which", ["app", "server"])
def test_a_lifetime_below_a_minute_is_kept(client, request, user, signer, later, which):
    """A refresh token lifetime of less than a minute is kept, although an authorization code is valid for a minute.

    A code that is redeemed after this lifetime gets no refresh token.
    """
    later()
    of = request.getfixturevalue(which)
    of.refresh_token_lifetime = timedelta(seconds=30)
    of.save()
    log_in(client, user)
    codes = [parameters(allow(client, authorization(of, scope=SCOPE)))["code"] for _ in range(2)]
    text = redeem(client, of, codes[0]).json()["refresh_token"]
    grant = UserGrant.objects.get(code__digest=one_time.digest(codes[0]))
    kept = RefreshToken.objects.get(grant=grant)
    assert kept.expires_at == grant.created_at + timedelta(seconds=30)
    later(timedelta(seconds=25))
    text = refresh(client, of, text).json().get("refresh_token", text)
    later(timedelta(seconds=31))
    assert error(refresh(client, of, text)) == (400, "invalid_grant")
    late = redeem(client, of, codes[1])
    assert late.status_code == 200, "the code itself is good for a minute"
    assert "refresh_token" not in late.json()
    assert not RefreshToken.objects.filter(grant__code__digest=one_time.digest(codes[1])).exists()
    assert UserGrant.objects.get(pk=grant.pk).revoked_at is None


def test_a_grant_of_an_earlier_version_ends_with_its_family(client, app, log_in_to, later):
    app.refresh_token_lifetime = timedelta(hours=1)
    app.save()
    text = log_in_to(app)["refresh_token"]
    UserGrant.objects.update(refresh_until=None)
    later(timedelta(minutes=59))
    text = refresh(client, app, text).json()["refresh_token"]
    later(timedelta(minutes=61))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")

"""Revocation records: the tokens that they cover, when they expire, and the events that write them."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError
from django.db.models.signals import post_save
from django.utils import timezone

from tests.tokens.factories import OTHER_API, redeem
from tokens.issued import one_time, revocation_key, revocation_record, token_reader
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import AuditEvent, AuthorizationCode, Revocation, Scope, SigningKey, UserGrant, WaitingEntry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

NOW = datetime(2027, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)
ACCEPTANCE_AFTER_EXPIRY = PRODUCTION.leeway + 2 * PRODUCTION.clock_error
ROOT = Path(__file__).resolve().parents[3]
ISSUER = "http://localhost:8000"
CLAIMS = {
    "iss": ISSUER,
    "jti": "t",
    "grant_id": "g",
    "sub": "ada",
    "client_id": "app",
    "iat": int(NOW.timestamp()),
}

REVOKE = {
    "jti": lambda: revocation_record.revoke_token("t", expires_at=NOW),
    "grant": lambda: revocation_record.revoke_grant("g", now=NOW),
    "kid": lambda: revocation_record.revoke_key("k", revoked_at=NOW),
    "sub": lambda: revocation_record.revoke_users(["ada"], now=NOW),
    "client": lambda: revocation_record.revoke_client("app", now=NOW),
    "client_sub": lambda: revocation_record.revoke_client_user("app", "ada", now=NOW),
    "iss": lambda: revocation_record.revoke_everything(now=NOW),
}
COARSE = ["sub", "client", "client_sub", "iss"]


def is_revoked(claims, kid="k"):
    return revocation_record.is_revoked(claims, kid=kid)


CASES = json.loads((ROOT / "tests" / "revocation_cases.json").read_text())


@pytest.mark.parametrize("case", CASES["coverage"], ids=lambda case: case["name"])
def test_a_revocation_covers_the_tokens_of_the_shared_table(case):
    """The resource server is tested with the same table (tests/revocation_cases.json)."""
    until = NOW + timedelta(days=3650)
    for entry in case["entries"]:
        before = datetime.fromtimestamp(entry["issued_before"], UTC) if entry["issued_before"] else None
        revocation_record.write(entry["kind"], [entry["identifier"]], until=until, issued_before=before)
    covering = revocation_record.of(case["claims"], kid=case["kid"])
    assert sorted(covering.values_list("kind", flat=True)) == sorted(case["covered_by"])


@pytest.mark.parametrize("kind", REVOKE)
def test_each_way_to_revoke_writes_one_record_of_its_kind(kind):
    assert not is_revoked(CLAIMS)
    REVOKE[kind]()
    assert is_revoked(CLAIMS)
    [record] = Revocation.objects.all()
    assert record.kind == kind
    entry = revocation_key.entry(record.key, until=record.until, issued_before=record.issued_before)
    assert [bytes(waiting.entry) for waiting in WaitingEntry.objects.all()] == [entry]
    others = dict.fromkeys(CLAIMS, "other") | {"iat": CLAIMS["iat"]}
    assert not is_revoked(others, kid="other")


@pytest.mark.parametrize("kind", COARSE)
def test_a_token_of_the_next_second_is_not_revoked(kind):
    REVOKE[kind]()
    assert not is_revoked(CLAIMS | {"iat": CLAIMS["iat"] + 1})


def test_a_record_ends_when_the_slowest_clock_has_seen_its_last_token_expire():
    for revoke in REVOKE.values():
        revoke()
    longest = NOW + PRODUCTION.token_lifetime + ACCEPTANCE_AFTER_EXPIRY
    second = timedelta(milliseconds=500)
    expected = dict.fromkeys(COARSE, longest + second) | {
        "jti": NOW + ACCEPTANCE_AFTER_EXPIRY,
        "grant": longest,
        "kid": NOW + PRODUCTION.keep + PRODUCTION.settles,
    }
    assert dict(Revocation.objects.values_list("kind", "until")) == {
        kind: math.ceil(until.timestamp()) for kind, until in expected.items()
    }


def test_an_acceptance_of_zero_is_not_taken_for_none():
    revocation_record.revoke_token("t", expires_at=NOW, acceptance=timedelta(0))
    assert Revocation.objects.get().until == math.ceil(NOW.timestamp())


def test_a_repeated_revocation_moves_the_record_to_the_later_instants():
    revocation_record.revoke_users(["ada"], now=NOW)
    [before] = Revocation.objects.values_list("issued_before", "until")
    revocation_record.revoke_users(["ada"], now=NOW + timedelta(hours=1))
    [after] = Revocation.objects.values_list("issued_before", "until")
    assert after == (before[0] + 3600, before[1] + 3600)
    revocation_record.revoke_users(["ada"], now=NOW)
    assert list(Revocation.objects.values_list("issued_before", "until")) == [after]


@pytest.mark.parametrize(("later", "waits"), [(-1, 0), (0, 0), (1, 1)])
def test_a_repeated_revocation_is_published_only_if_it_covers_more(later, waits):
    revocation_record.revoke_users(["ada"], now=NOW)
    WaitingEntry.objects.all().delete()
    revocation_record.revoke_users(["ada"], now=NOW + timedelta(seconds=later))
    assert WaitingEntry.objects.count() == waits


def test_a_revocation_of_many_users_writes_one_record_for_each_in_few_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        revocation_record.revoke_users([str(n) for n in [*range(2500), *range(10)]], now=NOW)
    assert Revocation.objects.count() == 2500


@pytest.mark.parametrize(("kind", "before"), [("jti", 1), ("grant", 1), ("kid", 1), *((kind, 0) for kind in COARSE)])
def test_the_database_refuses_a_fine_record_with_an_instant_and_a_coarse_one_without(kind, before):
    with pytest.raises(IntegrityError):
        Revocation.objects.create(key=revocation_key.key(kind, "x"), kind=kind, issued_before=before, until=1)


def test_saving_a_revoked_signing_key_writes_its_record():
    row = SigningKey(kid="k-2", revoked_at=NOW, max_lifetime=timedelta(hours=1))
    post_save.send(SigningKey, instance=row, created=False)
    assert [record.kind for record in Revocation.objects.all()] == ["kid"]
    assert is_revoked(CLAIMS, kid="k-2")
    post_save.send(SigningKey, instance=SigningKey(kid="k-3"), created=False)
    assert Revocation.objects.count() == 1


def presented(client, webapp, code):
    return token_reader.read(redeem(client, webapp, code(webapp)).json()["access_token"], now=timezone.now()).claims


def test_a_code_reused_after_its_retry_window_revokes_its_tokens(client, webapp, code):
    issued = code(webapp)
    claims = presented(client, webapp, lambda _: issued)
    AuthorizationCode.objects.update(redeemed_at=timezone.now())  # a slow test must not leave the retry window
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"
    assert not is_revoked(claims), "its client repeated the request at once"
    AuthorizationCode.objects.update(redeemed_at=timezone.now() - one_time.RETRY_WINDOW - timedelta(seconds=1))
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"
    assert is_revoked(claims)
    assert UserGrant.objects.get().revoke_reason == "code used twice"
    event = AuditEvent.objects.get(action="grant.reuse_detected")
    assert (event.actor, event.details) == ("client:webapp", {"why": "code used twice"})


def test_a_code_reused_long_after_it_expired_revokes_its_tokens(client, webapp, code, at):
    issued = code(webapp)
    claims = presented(client, webapp, lambda _: issued)
    at(timezone.now() + timedelta(minutes=5))
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"
    assert is_revoked(claims)


def test_a_code_gives_no_scope_that_the_client_has_lost_since_the_consent(client, webapp, code):
    issued = code(webapp, scope="openid notes:read notes:write")
    webapp.scopes.remove(Scope.objects.get(name="notes:write"))
    assert redeem(client, webapp, issued).json()["scope"] == "openid notes:read"
    issued = code(webapp, scope="openid notes:read")
    webapp.scopes.clear()
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"


def test_a_code_can_be_redeemed_for_the_issuer_if_the_user_allowed_openid(client, webapp, code, decode):
    issued = code(webapp, scope="openid email notes:read")
    assert redeem(client, webapp, issued, resource=OTHER_API).json()["error"] == "invalid_target"
    body = redeem(client, webapp, issued, resource="http://localhost:8000").json()
    assert decode(body["access_token"], "http://localhost:8000")[1]["scope"] == "openid email"


ENDINGS = {
    "the user is disabled": lambda user, _: (setattr(user, "is_active", False), user.save()),
    "the user is deleted": lambda user, _: user.delete(),
    "the client is disabled": lambda _, webapp: (setattr(webapp, "is_active", False), webapp.save()),
    "the client is deleted": lambda _, webapp: webapp.delete(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_tokens_are_revoked_when(ending, client, webapp, code, user):
    claims = presented(client, webapp, code)
    user.save()
    webapp.save()
    assert not is_revoked(claims)
    ENDINGS[ending](user, webapp)
    assert is_revoked(claims)

"""What is denied, until when, and that whoever is disabled loses what was issued in their name."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from tests.tokens.conftest import OTHER_API, redeem
from tokens.keys.policy import PRODUCTION
from tokens.models import AuditEvent, Denial, Scope, UserGrant
from tokens.oauth import denial, one_time, presented_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

NOW = datetime(2027, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)
AFTERLIFE = PRODUCTION.leeway + 2 * PRODUCTION.clock_error
CLAIMS = {"jti": "t", "grant_id": "g", "sub": "ada", "client_id": "app", "iat": int(NOW.timestamp())}

DENY = {
    "jti": lambda: denial.deny_token("t", expires_at=NOW),
    "grant": lambda: denial.deny_grant("g", now=NOW),
    "sub": lambda: denial.deny_subject("ada", now=NOW),
    "client": lambda: denial.deny_client("app", now=NOW),
}
NEIGHBOURS = {
    "jti": {"jti": "u"},
    "grant": {"grant_id": "h"},
    "sub": {"sub": "bob"},
    "client": {"client_id": "bpp"},
}


@pytest.mark.parametrize("kind", DENY)
def test_what_is_denied_is_denied_and_its_neighbour_is_not(kind):
    assert not denial.is_denied(CLAIMS)
    DENY[kind]()
    assert denial.is_denied(CLAIMS)
    assert not denial.is_denied(CLAIMS | NEIGHBOURS[kind])
    assert not denial.is_denied(dict.fromkeys(CLAIMS, "other") | {"iat": CLAIMS["iat"]})


@pytest.mark.parametrize("kind", ["sub", "client"])
def test_what_a_holder_gets_a_second_later_is_not_denied(kind):
    DENY[kind]()
    assert not denial.is_denied(CLAIMS | {"iat": CLAIMS["iat"] + 1})


def test_a_token_without_a_grant_is_not_denied_with_one():
    denial.deny_grant("g", now=NOW)
    assert not denial.is_denied({name: value for name, value in CLAIMS.items() if name != "grant_id"})


def test_a_denial_is_kept_until_the_last_clock_has_seen_the_last_token_die():
    for deny in DENY.values():
        deny()
    longest = NOW + PRODUCTION.token_lifetime + AFTERLIFE
    second = timedelta(milliseconds=500)
    assert dict(Denial.objects.values_list("kind", "until")) == {
        "jti": NOW + AFTERLIFE,
        "grant": longest,
        "sub": longest + second,
        "client": longest + second,
    }


def test_to_deny_again_is_one_row_of_the_later_instant():
    denial.deny_subject("ada", now=NOW)
    denial.deny_subject("ada", now=NOW + timedelta(hours=1))
    assert denial.is_denied(CLAIMS | {"iat": CLAIMS["iat"] + 3600})
    assert Denial.objects.count() == 1


@pytest.mark.parametrize(("kind", "before"), [("jti", NOW), ("grant", NOW), ("sub", None), ("client", None)])
def test_the_database_refuses_a_denial_that_says_too_much_or_too_little(kind, before):
    with pytest.raises(IntegrityError):
        Denial.objects.create(kind=kind, identifier="x", issued_before=before, until=NOW)


def presented(client, webapp, code):
    return presented_token.read(redeem(client, webapp, code(webapp)).json()["access_token"], now=timezone.now()).claims


def test_a_reused_code_denies_what_it_gave(client, webapp, code, monkeypatch):
    issued = code(webapp)
    claims = presented(client, webapp, lambda _: issued)
    assert not denial.is_denied(claims)
    later = one_time.RETRY_WINDOW + timedelta(seconds=2)
    monkeypatch.setattr("tokens.views.token.timezone.now", lambda now=timezone.now: now() + later)
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"
    assert denial.is_denied(claims)
    assert UserGrant.objects.get().revoke_reason == "code used twice"
    event = AuditEvent.objects.get(action="grant.reuse_detected")
    assert (event.actor, event.details) == ("client:webapp", {"why": "code used twice"})


def test_a_code_used_twice_is_found_out_long_after_it_expired(client, webapp, code, monkeypatch):
    issued = code(webapp)
    claims = presented(client, webapp, lambda _: issued)
    monkeypatch.setattr("tokens.views.token.timezone.now", lambda now=timezone.now: now() + timedelta(minutes=5))
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"
    assert denial.is_denied(claims)


def test_what_its_client_may_not_use_any_more_when_the_code_is_redeemed_is_not_in_the_token(client, webapp, code):
    issued = code(webapp, scope="openid notes:read notes:write")
    webapp.scopes.remove(Scope.objects.get(name="notes:write"))
    assert redeem(client, webapp, issued).json()["scope"] == "openid notes:read"
    issued = code(webapp, scope="openid notes:read")
    webapp.scopes.clear()
    assert redeem(client, webapp, issued).json()["error"] == "invalid_grant"


def test_a_code_is_redeemed_for_the_issuer_itself_where_the_user_s_identity_was_allowed(client, webapp, code, decode):
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
def test_what_was_issued_is_denied_when(ending, client, webapp, code, user):
    claims = presented(client, webapp, code)
    user.save()
    webapp.save()
    assert not denial.is_denied(claims)
    ENDINGS[ending](user, webapp)
    assert denial.is_denied(claims)

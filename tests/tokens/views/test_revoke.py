"""RFC 7009, RFC 7662, RFC 9701 and the revocation feed, over HTTP."""

import json
from datetime import timedelta

import jwt
import pytest
from django.db.models import F
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.conftest import API, allow, authorization, basic, log_in, make_client, parameters, post, redeem
from tokens.keys import signing
from tokens.keys.errors import NotReady
from tokens.keys.policy import PRODUCTION
from tokens.models import AuditEvent, Denial, User, UserGrant
from tokens.oauth import client_secret, denial, grant_record, revocation_feed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

CREDENTIALS = {"grant_type": "client_credentials", "scope": "notes:read"}


@pytest.fixture
def token(client, service):
    return post(client, "/oauth/token", CREDENTIALS, **basic("service", service.plain)).json()["access_token"]


@pytest.fixture
def api_client(apis):
    """The client that the API is when it asks something itself."""
    made = make_client("api", "client_credentials")
    made.plain = client_secret.create(made, now=timezone.now())
    apis[API].client = made
    apis[API].save()
    return made


@pytest.fixture
def stranger(apis):
    made = make_client("stranger", "client_credentials")
    made.plain = client_secret.create(made, now=timezone.now())
    return made


def revoke(browser, by, **form):
    return post(browser, "/oauth/revoke", form, **basic(by.client_id, by.plain))


def introspect(browser, by, token, **extra):
    return post(browser, "/oauth/introspect", {"token": token}, **basic(by.client_id, by.plain), **extra)


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_a_revoked_token_is_denied_and_the_trail_says_who_did_it(client, service, token, caplog):
    caplog.set_level("INFO", "tokens.audit")
    response = revoke(client, service, token=token, token_type_hint="access_token")
    assert (response.status_code, response.content, response["Cache-Control"]) == (200, b"", "no-store")
    assert denial.is_denied(claims_of(token))
    [event] = [json.loads(line) for line in caplog.messages if '"token.revoked"' in line]
    assert (event["actor"], event["subject"]) == ("client:service", f"token:{claims_of(token)['jti']}")
    assert token not in caplog.text
    assert not AuditEvent.objects.filter(action="token.revoked").exists(), "that is done too often for a row"


def test_a_public_client_revokes_by_its_name(client, spa, code):
    token = redeem(client, spa, code(spa)).json()["access_token"]
    assert post(client, "/oauth/revoke", {"token": token, "client_id": "spa"}).status_code == 200
    assert denial.is_denied(claims_of(token))


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30", "x" * 9000])
def test_what_is_no_token_needs_no_revocation(client, service, token):
    """RFC 7009 section 2.2."""
    assert revoke(client, service, token=token).status_code == 200
    assert not Denial.objects.exists()


@pytest.mark.parametrize(("ago", "is_kept"), [(300 + 60, True), (300 + 2 * 60 + 5, False)])
def test_a_token_that_some_api_may_still_take_is_taken_back_though_it_has_expired(
    client, service, token, monkeypatch, ago, is_kept
):
    """Its `exp`, the leeway of an obedient API (S), and clocks that are off (2δ)."""
    later = timezone.now() + timedelta(seconds=600 + ago)
    monkeypatch.setattr("tokens.views.revoke.timezone.now", lambda: later)
    assert revoke(client, service, token=token).status_code == 200
    assert Denial.objects.exists() == is_kept


def test_a_node_whose_clock_is_behind_gathers_no_less(client, service, token, monkeypatch):
    monkeypatch.setattr(denial, "MOST", 1)
    late = timezone.now() - timedelta(seconds=30)
    monkeypatch.setattr("tokens.views.revoke.timezone.now", lambda: late)
    assert revoke(client, service, token=token).status_code == 200
    assert Denial.objects.get().kind == "pair"
    assert denial.is_denied(claims_of(token))


def test_a_client_that_takes_back_very_much_makes_no_long_feed(client, service, monkeypatch):
    monkeypatch.setattr(denial, "MOST", 3)
    proof = basic("service", service.plain)
    tokens = [post(client, "/oauth/token", CREDENTIALS, **proof).json()["access_token"] for _ in range(4)]
    denial.deny_token(
        "another's", expires_at=timezone.now() + timedelta(hours=1), client_id="stranger", subject="stranger"
    )
    for token in tokens[:3]:
        assert revoke(client, service, token=token).status_code == 200
    assert sorted(Denial.objects.values_list("kind", "identifier")) == [
        ("jti", "another's"),
        ("pair", "service service"),
    ]
    assert all(denial.is_denied(claims_of(token)) for token in tokens), "all of them: rather more than less"
    event = AuditEvent.objects.get(action="pair.tokens_denied")
    assert (event.subject, event.details) == ("client:service", {"sub": "service"})


def test_rows_that_are_over_are_not_gathered(client, service, token, monkeypatch):
    monkeypatch.setattr(denial, "MOST", 2)
    denial.deny_token("old", expires_at=timezone.now() - timedelta(hours=1), client_id="service", subject="service")
    assert revoke(client, service, token=token).status_code == 200
    assert set(Denial.objects.values_list("kind", flat=True)) == {"jti"}


def test_a_client_that_takes_back_very_much_ends_nothing_of_another_client_s(client, spa, webapp, code, monkeypatch):
    """Nor what is issued to it for anybody else."""
    monkeypatch.setattr(denial, "MOST", 2)
    theirs = redeem(client, webapp, code(webapp)).json()["access_token"]
    for _ in range(2):
        own = redeem(client, spa, code(spa)).json()["access_token"]
        assert post(client, "/oauth/revoke", {"token": own, "client_id": "spa"}).status_code == 200
    assert Denial.objects.filter(kind="pair").exists()
    assert not denial.is_denied(claims_of(theirs))


def test_what_is_given_after_very_much_was_taken_back_is_good(client, service, token, monkeypatch):
    monkeypatch.setattr(denial, "MOST", 1)
    assert revoke(client, service, token=token).status_code == 200
    assert Denial.objects.get().kind == "pair"
    assert not denial.is_denied(claims_of(token) | {"jti": "another", "iat": claims_of(token)["iat"] + 2})


def test_a_grant_that_was_revoked_just_now_is_not_gathered(client, spa, code, monkeypatch):
    """Whoever trades a token of it at this moment has asked before, and is dated after."""
    monkeypatch.setattr(denial, "MOST", 1)
    own = claims_of(redeem(client, spa, code(spa)).json()["access_token"])
    now = timezone.now()
    grant_record.revoke(UserGrant.objects.get(), "test", now=now)
    assert Denial.objects.get().kind == "grant"
    traded = own | {"jti": "t", "iat": own["iat"] + 30, "client_id": "notes", "act": {"sub": "notes"}}
    assert denial.is_denied(traded)
    Denial.objects.update(until=F("until") - PRODUCTION.clock_error - timedelta(seconds=2))
    denial.deny_token("x", expires_at=now, client_id="spa", subject=own["sub"])
    assert Denial.objects.get().kind == "pair"
    assert denial.is_denied(own)


def test_a_user_who_takes_back_very_much_ends_nothing_of_another_s(client, spa, code, user, monkeypatch):
    monkeypatch.setattr(denial, "MOST", 2)
    hers = [redeem(client, spa, code(spa)).json()["access_token"] for _ in range(3)]
    eve = User.objects.create_user("eve", "eve@example.org", "correct horse")
    browser = Browser()
    log_in(browser, eve)
    for _ in range(2):
        form = parameters(allow(browser, authorization(spa)))
        own = redeem(client, spa, form["code"]).json()["access_token"]
        assert post(client, "/oauth/revoke", {"token": own, "client_id": "spa"}).status_code == 200
        assert denial.is_denied(claims_of(own))
    assert Denial.objects.get(kind="pair").identifier == f"spa {eve.sub}"
    assert not any(denial.is_denied(claims_of(token)) for token in hers)


REFUSED = {
    "7009 2.1: another client's token": (
        lambda token: {"token": token},
        400,
        {"error": "invalid_grant", "error_description": "The token was issued to another client."},
    ),
    "7009 2.1: no token": (
        lambda _: {"token_type_hint": "access_token"},
        400,
        {"error": "invalid_request", "error_description": "Missing token parameter."},
    ),
    "6749 3.2: a parameter twice": (
        lambda token: {"token": [token, token]},
        400,
        {"error": "invalid_request", "error_description": "The token parameter is there more than once."},
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_revocation_is_refused(client, stranger, token, row):
    form, status, body = REFUSED[row]
    response = revoke(client, stranger, **form(token))
    assert (response.status_code, response.json(), response["Cache-Control"]) == (status, body, "no-store")
    assert not denial.is_denied(claims_of(token))


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_who_does_not_prove_itself_is_refused(client, service, token, path):
    """RFC 6749 section 5.2."""
    for extra in ({}, basic("service", "wrong"), basic("nobody", service.plain)):
        response = post(client, path, {"token": token}, **extra)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        challenge = 'Basic realm="token endpoint", charset="UTF-8"' if extra else None
        assert response.get("WWW-Authenticate") == challenge, "a browser answers a challenge with a password box"
    assert client.get(path).status_code == 405
    assert client.post(path, {"token": token}, content_type="application/json").status_code == 415
    assert post(client, f"{path}?token=x", {"token": token}, **basic("service", service.plain)).status_code == 400


def test_the_client_and_the_api_of_a_token_learn_what_it_is_worth(client, service, api_client, token):
    expected = {"active": True, "token_type": "Bearer"} | claims_of(token)
    for asking in (service, api_client):
        response = introspect(client, asking, token)
        assert (response.status_code, response.json(), response["Cache-Control"]) == (200, expected, "no-store")


def test_to_everybody_else_it_is_not_active(client, stranger, spa, token):
    """RFC 7662 section 4; a public client proves nothing, so it may not try tokens."""
    assert introspect(client, stranger, token).json() == {"active": False}
    assert post(client, "/oauth/introspect", {"token": token, "client_id": "spa"}).status_code == 401
    device = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    assert post(client, "/oauth/introspect", {"token": token, "client_id": "spa"} | device).status_code == 401


def test_what_was_taken_back_is_not_active(client, service, token):
    revoke(client, service, token=token)
    assert introspect(client, service, token).json() == {"active": False}
    for text in ("x", "a.b.c", f"{token}x"):
        assert introspect(client, service, text).json() == {"active": False}


def test_a_disabled_user_s_token_is_not_active(client, webapp, code, user):
    token = redeem(client, webapp, code(webapp)).json()["access_token"]
    assert introspect(client, webapp, token).json()["active"] is True
    user.is_active = False
    user.save()
    assert introspect(client, webapp, token).json() == {"active": False}


@pytest.mark.parametrize(
    ("accept", "is_signed"),
    [
        ("application/token-introspection+jwt", True),
        ("APPLICATION/Token-Introspection+JWT", True),
        ("application/token-introspection+jwt, application/json;q=0.5", True),
        ("application/json, application/token-introspection+jwt;q=0.1", False),
        ("application/token-introspection+jwt;q=0", False),
        ("application/token-introspection+jwtx", False),
        ("*/*", False),
    ],
)
def test_the_answer_is_signed_for_whoever_prefers_that(client, service, token, accept, is_signed):
    """RFC 9701 section 4, RFC 9110 section 12.5.1."""
    response = introspect(client, service, token, HTTP_ACCEPT=accept)
    assert response.status_code == 200
    wanted = "application/token-introspection+jwt" if is_signed else "application/json"
    assert response["Content-Type"] == wanted


def test_the_answer_is_signed_for_whoever_asks_so(client, service, token, decode):
    """RFC 9701 section 5."""
    response = introspect(client, service, token, HTTP_ACCEPT="application/token-introspection+jwt")
    assert response["Content-Type"] == "application/token-introspection+jwt"
    header, claims = decode(response.content.decode(), "service")
    assert header == {"alg": "RS256", "kid": "test-key", "typ": "token-introspection+jwt"}
    assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert claims["iss"] == "http://localhost:8000"
    assert claims["token_introspection"] == {"active": True, "token_type": "Bearer"} | claims_of(token)


def feed(browser, **extra):
    return browser.get("/oauth/revocations", **extra)


def test_the_feed_lists_what_is_denied_and_nothing_about_people(client, service, token, user):
    revoke(client, service, token=token)
    denial.deny_grant("g-1", now=timezone.now())
    user.is_active = False
    user.save()
    response = feed(client)
    assert (response.status_code, response["Content-Type"]) == (200, "application/revocations+jwt")
    text = response.content.decode()
    assert jwt.get_unverified_header(text) == {"alg": "RS256", "kid": "test-key", "typ": "revocations+jwt"}
    claims = claims_of(text)
    assert claims.keys() == {"iss", "iat", "exp", "denied"}
    assert claims["exp"] - claims["iat"] == 600
    lists = claims["denied"]
    assert {name: list(entries) for name, entries in lists.items()} == {
        "jti": [claims_of(token)["jti"]],
        "grant": ["g-1"],
        "sub": [str(user.sub)],
    }
    before, until = lists["sub"][str(user.sub)]
    assert claims["iat"] < before < until
    assert lists["jti"][claims_of(token)["jti"]] > claims_of(token)["exp"]


def test_a_feed_that_has_not_changed_is_not_sent_again(client, service, token):
    tag = feed(client)["ETag"]
    assert feed(client, HTTP_IF_NONE_MATCH=tag).status_code == 304
    revoke(client, service, token=token)
    changed = feed(client, HTTP_IF_NONE_MATCH=tag)
    assert (changed.status_code, changed["ETag"] != tag) == (200, True)


def test_what_cannot_live_any_more_leaves_the_feed(client):
    Denial.objects.create(kind="jti", identifier="old", until=timezone.now())
    assert claims_of(feed(client).content.decode())["denied"] == {}


def test_no_feed_is_signed_where_nothing_may_sign(client, monkeypatch):
    def refuse(ring="default", *, now):
        raise NotReady("no key may sign right now")

    monkeypatch.setattr(signing, "signer", refuse)
    response = feed(client)
    assert (response.status_code, response["Cache-Control"]) == (503, "no-store")
    assert client.post("/oauth/revocations").status_code == 405


@pytest.mark.parametrize("asked", ["{tag}", "{strong}", '"other", {tag}', '"other",{strong} ', "*"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_the_feed_compares_tags_weakly(client, service, token, asked, method):
    """RFC 9110 section 13.1.2."""
    whole = feed(client)
    tag = whole["ETag"]
    asked = asked.format(tag=tag, strong=tag.removeprefix("W/"))
    answer = getattr(client, method)("/oauth/revocations", HTTP_IF_NONE_MATCH=asked)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert answer["Cache-Control"] == whole["Cache-Control"]


@pytest.mark.parametrize("asked", ['"other"', 'W/"other"', "", "nonsense", "{bare}"])
def test_a_feed_that_is_not_known_is_sent_whole(client, service, token, asked):
    asked = asked.format(bare=feed(client)["ETag"].removeprefix("W/").strip('"'))
    assert feed(client, HTTP_IF_NONE_MATCH=asked).status_code == 200


@pytest.mark.parametrize("header", ["if-modified-since", "if-unmodified-since"])
@pytest.mark.parametrize("path", ["/oauth/revocations", "/.well-known/jwks.json"])
def test_a_condition_on_a_date_is_ignored_where_there_is_none(client, signer, path, header, monkeypatch):
    """RFC 9110 sections 13.1.3 and 13.1.4."""
    monkeypatch.setattr(signing, "shared_cache", lambda ring="default", *, now: 300)
    monkeypatch.setattr(signing, "jwks", lambda ring="default", *, now: (signer.public,))
    assert client.get(path, headers={header: "Thu, 01 Jan 1970 00:00:00 GMT"}).status_code == 200


def test_a_feed_is_not_signed_for_whoever_knows_it(client, service, token, monkeypatch):
    tag = feed(client)["ETag"]
    monkeypatch.setattr(revocation_feed, "sign", None)
    assert feed(client, HTTP_IF_NONE_MATCH=tag).status_code == 304


def test_a_feed_that_has_not_changed_is_known_to_be_so_while_nothing_may_sign(client, service, token, monkeypatch):
    tag = feed(client)["ETag"]

    def refuse(ring="default", *, now):
        raise NotReady("no key may sign right now")

    monkeypatch.setattr(signing, "signer", refuse)
    assert feed(client, HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert feed(client, HTTP_IF_NONE_MATCH='"other"').status_code == 503

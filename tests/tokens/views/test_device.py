"""The device grant (RFC 8628): the device that requests tokens, and the user who answers on another screen."""

import json
import logging
import re
from datetime import timedelta
from unittest.mock import Mock, patch

import pytest
from django.db import IntegrityError
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import API, OTHER_API, log_in, make_client, post
from tokens.errors import OAuthError
from tokens.grants import device_answer, device_authorization
from tokens.issued.audience import Target
from tokens.models import AuditEvent, DeviceCode, RefreshToken, Scope, UserGrant

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid notes:read offline_access"
PAGE = "/oauth/device/verify"


@pytest.fixture
def tv(apis):
    return make_client("tv", GRANT, "refresh_token", public=True)


@pytest.fixture
def device():
    """Return a browser without any cookies, which acts as the device."""
    return Browser()


@pytest.fixture
def begun(device, tv, signer):
    answer = post(device, "/oauth/device", {"client_id": "tv", "scope": SCOPE})
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


@pytest.fixture
def later(at):
    start = timezone.now()

    def wait(seconds):
        at(start + timedelta(seconds=seconds))

    return wait


def poll(device, code, client_id="tv", **extra):
    form = {"grant_type": GRANT, "device_code": code, "client_id": client_id}
    return post(device, "/oauth/token", form | extra)


def error(answer):
    return answer.status_code, answer.json().get("error")


def answer(browser, user_code, allow="true"):
    page = browser.post(PAGE, {"user_code": user_code})
    if page.status_code != 200:
        return page
    shown = re.search(r'name="shown" value="([^"]+)"', page.content.decode()).group(1)
    return browser.post(PAGE, {"user_code": user_code, "shown": shown, "allow": allow})


def test_a_device_begins_with_two_codes_of_which_only_hashes_are_kept(begun):
    assert set(begun) == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", begun["user_code"])
    assert begun["verification_uri"] == f"http://localhost:8000{PAGE}"
    assert begun["verification_uri_complete"].endswith(f"?user_code={begun['user_code']}")
    stored = str(DeviceCode.objects.values().get())
    assert begun["device_code"] not in stored
    assert begun["user_code"] not in stored
    assert begun["user_code"].replace("-", "") not in stored


def test_the_user_answers_and_the_device_gets_its_tokens_once(device, browser, begun, user, decode, later):
    assert error(poll(device, begun["device_code"])) == (400, "authorization_pending")
    page = answer(browser, begun["user_code"].lower().replace("-", " "))
    assert "The device is connected" in page.content.decode()
    body = poll(device, begun["device_code"]).json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
    claims = decode(body["access_token"], API)[1]
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (str(user.sub), "tv", "notes:read")
    assert claims["amr"] == ["pwd"]
    assert error(poll(device, begun["device_code"])) == (400, "invalid_grant")
    later(120)
    assert error(poll(device, begun["device_code"])) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "device code used twice", "RFC 9700: what it gave ends"
    assert AuditEvent.objects.get(action="device.allowed").actor == "user:ada"


def test_a_user_code_that_is_in_use_is_not_issued_again(device, tv, begun, monkeypatch):
    drawn = iter([begun["user_code"], begun["user_code"], "BBBB-BBBB"])
    monkeypatch.setattr("tokens.grants.device_authorization.new_user_code", lambda: next(drawn))
    second = post(device, "/oauth/device", {"client_id": "tv", "scope": SCOPE})
    assert (second.status_code, second.json()["user_code"]) == (200, "BBBB-BBBB")
    monkeypatch.setattr("tokens.grants.device_authorization.new_user_code", lambda: begun["user_code"])
    third = post(device, "/oauth/device", {"client_id": "tv", "scope": SCOPE})
    assert error(third) == (503, "temporarily_unavailable")


def test_the_error_without_a_free_code_keeps_that_of_the_database(tv, monkeypatch):
    errors = [IntegrityError(f"try {number}") for number in (1, 2, 3)]
    monkeypatch.setattr(DeviceCode.objects, "create", Mock(side_effect=errors))
    with pytest.raises(OAuthError, match="No code is free") as refused:
        device_authorization._create(tv, Target(API, ("notes:read",), None), now=timezone.now())
    assert refused.value.__cause__ is errors[-1]


def test_a_device_that_keeps_its_interval_gets_no_slow_down(device, begun, later):
    """A device that polls every five seconds, sometimes a little earlier or later, never gets slow_down."""
    said = set()
    for second in (0, 5.02, 10.01, 15.02, 20.01, 24.5, 30.01, 34.1, 40.02, 44.1, 48.2, 53):
        later(second)
        said.add(poll(device, begun["device_code"]).json()["error"])
    assert said == {"authorization_pending"}


def test_a_question_too_soon_lengthens_the_interval_and_one_in_time_ends_that(device, begun, later):
    said, intervals = [], []
    for second in (0, 2, 3, 9, 20, 24.5, 27, 37):
        later(second)
        said.append(poll(device, begun["device_code"]).json()["error"])
        intervals.append(DeviceCode.objects.get().interval)
    pending, slow = "authorization_pending", "slow_down"
    assert said == [pending, slow, slow, slow, pending, pending, slow, pending]
    assert intervals == [5, 10, 15, 20, 5, 5, 10, 5]


def test_the_interval_grows_to_five_minutes_at_most(device, begun, later):
    later(0)
    poll(device, begun["device_code"])
    DeviceCode.objects.update(interval=300)
    later(1)
    assert poll(device, begun["device_code"]).json()["error"] == "slow_down"
    assert DeviceCode.objects.get().interval == 300


def test_a_lifetime_of_the_family_below_that_of_the_code_is_kept(device, browser, begun, tv, later):
    """The lifetime of a refresh token, here two minutes, begins at the user's consent, not at the device's request."""
    tv.refresh_token_lifetime = timedelta(minutes=2)
    tv.save()
    later(0)
    answer(browser, begun["user_code"])
    later(60)
    text = poll(device, begun["device_code"]).json()["refresh_token"]
    grant = UserGrant.objects.get()
    assert RefreshToken.objects.get().expires_at == grant.created_at + timedelta(minutes=2)
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": "tv"}
    later(119)
    text = post(device, "/oauth/token", form).json()["refresh_token"]
    later(121)
    assert error(post(device, "/oauth/token", form | {"refresh_token": text})) == (400, "invalid_grant")


def test_a_device_that_polls_after_its_family_expired_gets_no_refresh_token(device, browser, begun, tv, later):
    tv.refresh_token_lifetime = timedelta(minutes=2)
    tv.save()
    later(0)
    answer(browser, begun["user_code"])
    later(125)
    fetched = poll(device, begun["device_code"])
    assert fetched.status_code == 200
    assert "refresh_token" not in fetched.json()


def test_a_refusal_is_access_denied(device, browser, begun):
    assert "The device was refused" in answer(browser, begun["user_code"], allow="false").content.decode()
    assert error(poll(device, begun["device_code"])) == (400, "access_denied")
    assert not UserGrant.objects.exists()


def test_after_ten_minutes_both_codes_have_expired(device, browser, begun, later):
    later(601)
    assert error(poll(device, begun["device_code"])) == (400, "expired_token")
    assert answer(browser, begun["user_code"]).status_code == 400


def test_a_code_that_was_allowed_and_never_fetched_expires_as_well(device, browser, begun, later):
    answer(browser, begun["user_code"])
    later(601)
    assert error(poll(device, begun["device_code"])) == (400, "expired_token")


def test_a_code_is_answered_once(device, browser, begun, user):
    first = browser.post(PAGE, {"user_code": begun["user_code"]})
    shown = re.search(r'name="shown" value="([^"]+)"', first.content.decode()).group(1)
    answer(browser, begun["user_code"], allow="false")
    late = browser.post(PAGE, {"user_code": begun["user_code"], "shown": shown, "allow": "true"})
    assert late.status_code == 400
    assert error(poll(device, begun["device_code"])) == (400, "access_denied")
    row = DeviceCode.objects.select_related("client").get()
    assert not device_answer.refuse(row, now=timezone.now())


def test_the_log_has_the_reason_if_the_user_cannot_allow_the_request(device, browser, begun, user, caplog):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    page = browser.post(PAGE, {"user_code": begun["user_code"]})
    shown = re.search(r'name="shown" value="([^"]+)"', page.content.decode()).group(1)
    form = {"user_code": begun["user_code"], "shown": shown, "allow": "true"}
    inactive = OAuthError("access_denied", "The user is not active.")
    with patch("tokens.issued.user_grant.create", side_effect=inactive):  # disabled after the session was checked
        assert browser.post(PAGE, form).status_code == 400
    Scope.objects.filter(name="notes:read").delete()
    assert browser.post(PAGE, form).status_code == 400
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "tokens.audit"]
    refused = [line for line in lines if line["action"] == "device.request_refused"]
    assert [line["details"]["reason"] for line in refused] == [
        "The user is not active.",
        "No scope of the resource was requested.",
    ]
    assert {(line["actor"], line["subject"]) for line in refused} == {(f"user:{user.username}", "client:tv")}
    assert error(poll(device, begun["device_code"])) == (400, "authorization_pending")


def test_nothing_is_answered_without_having_been_shown(device, browser, begun, user):
    assert browser.get(f"{PAGE}?user_code={begun['user_code']}&allow=true").status_code == 200
    for shown in ("", "x", "forged:proof"):
        browser.post(PAGE, {"user_code": begun["user_code"], "shown": shown, "allow": "true"})
    assert error(poll(device, begun["device_code"])) == (400, "authorization_pending")
    forged = Browser(enforce_csrf_checks=True)
    log_in(forged, user)
    assert forged.post(PAGE, {"user_code": begun["user_code"], "allow": "true"}).status_code == 403


def test_the_page_says_whose_device_it_must_be_and_cannot_be_framed(browser, begun):
    page = browser.post(PAGE, {"user_code": begun["user_code"]})
    text = page.content.decode()
    assert "only if the device is yours" in text
    assert "May notes:read" in text
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_a_user_who_is_not_logged_in_logs_in_first_and_returns(client, begun):
    sent = client.get(f"{PAGE}?user_code={begun['user_code']}")
    assert sent.status_code == 302
    assert sent["Location"].startswith("/accounts/login/?next=%2Foauth%2Fdevice%2Fverify%3Fuser_code%3D")


def test_a_user_who_logged_in_on_the_admin_s_page_logs_in_again_without_a_redirect_loop(client, user, begun):
    """A login on the admin's page does not record how the user logged in. So the user has to log in once more."""
    client.force_login(user)
    login_page = client.get("/oauth/device/verify")["Location"]
    assert client.get(login_page).status_code == 200
    back = client.post(login_page, {"login": "ada", "password": "correct horse"})
    assert back["Location"].startswith("/oauth/device/verify")
    assert client.get(back["Location"]).status_code == 200


def test_codes_are_not_guessed_on_the_page(browser, begun, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"device": (3, 60)}}
    tried = [browser.post(PAGE, {"user_code": "BBBB-BBBB"}).status_code for _ in range(4)]
    assert tried == [400, 400, 400, 429]
    assert browser.post(PAGE, {"user_code": begun["user_code"]}).status_code == 429


def test_another_client_s_device_gets_nothing(device, browser, begun, apis):
    make_client("radio", GRANT, public=True)
    answer(browser, begun["user_code"])
    assert error(poll(device, begun["device_code"], client_id="radio")) == (400, "invalid_grant")
    assert poll(device, begun["device_code"]).status_code == 200


def test_a_user_or_client_that_was_disabled_before_the_poll_gets_no_token(device, browser, begun, user, tv):
    answer(browser, begun["user_code"])
    type(user).objects.update(is_active=False)
    assert error(poll(device, begun["device_code"])) == (400, "invalid_grant")
    type(tv).objects.update(is_active=False)
    assert error(poll(device, begun["device_code"])) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param({"scope": "openid"}, (401, "invalid_client"), id="RFC 8628 3.1: no client"),
        pytest.param({"client_id": "nobody", "scope": "openid"}, (401, "invalid_client"), id="RFC 6749 5.2"),
        pytest.param({"client_id": "spa", "scope": "openid"}, (400, "unauthorized_client"), id="not its grant"),
        pytest.param({"client_id": "tv", "scope": "other:read"}, (400, "invalid_scope"), id="not its scope"),
        pytest.param(
            {"client_id": "tv", "scope": "notes:read", "resource": OTHER_API}, (400, "invalid_target"), id="RFC 8707"
        ),
        pytest.param({"client_id": ["tv", "tv"], "scope": "openid"}, (400, "invalid_request"), id="RFC 6749 3.2"),
    ],
)
def test_a_device_that_asks_wrongly_gets_the_rfc_s_error(device, tv, spa, form, expected):
    said = post(device, "/oauth/device", form)
    assert error(said) == expected
    assert said["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param({}, (400, "invalid_request"), id="RFC 8628 3.4: missing"),
        pytest.param({"device_code": "unknown"}, (400, "invalid_grant"), id="unknown"),
        pytest.param({"device_code": "é" * 1000}, (400, "invalid_grant"), id="garbage"),
    ],
)
def test_a_missing_or_unknown_device_code_is_the_rfc_s_error(device, tv, form, expected):
    assert error(post(device, "/oauth/token", {"grant_type": GRANT, "client_id": "tv"} | form)) == expected


def test_get_is_not_how_a_device_begins(device):
    assert device.get("/oauth/device").status_code == 405


@pytest.mark.django_db
def test_the_metadata_names_the_endpoint_and_the_grant(client):
    body = client.get("/.well-known/oauth-authorization-server").json()
    assert body["device_authorization_endpoint"] == "http://localhost:8000/oauth/device"
    assert GRANT in body["grant_types_supported"]


def test_the_page_shows_the_code_as_the_device_does(browser, begun):
    typed = begun["user_code"].lower().replace("-", " ")
    page = browser.post("/oauth/device/verify", {"user_code": typed})
    assert f"shows the code {begun['user_code']}" in page.content.decode()


@pytest.mark.parametrize("query", ["", "?user_code=WDJB-MJHT"])
def test_a_browser_that_opens_the_endpoint_gets_the_page_for_its_user(client, query):
    answer = client.get(f"/oauth/device{query}", HTTP_ACCEPT="text/html,*/*;q=0.8")
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}{query}")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("accept", ["", "*/*", "application/json"])
def test_a_client_that_sends_get_gets_405_with_allow_post(client, accept):
    answer = client.get("/oauth/device", HTTP_ACCEPT=accept)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def fullwidth(code):
    return "".join(chr(ord(letter) + 0xFEE0) for letter in code)


@pytest.mark.parametrize(
    "spell",
    [str.lower, lambda code: code.replace("-", ""), lambda code: f" {' '.join(code)}  ", fullwidth],
    ids=["lower case", "no dash", "blanks", "full width"],
)
def test_a_code_is_accepted_as_users_type_it(browser, begun, spell):
    page = browser.post(PAGE, {"user_code": spell(begun["user_code"])})
    assert page.context["shown"]
    assert begun["user_code"] in page.content.decode()


@pytest.mark.parametrize("typed", ["", "WDJB", "WDJB-MJH", "WDJB-MJHTT", "0123-4567", "äöü"])
def test_a_code_of_another_length_is_named_as_such(browser, begun, typed):
    page = browser.post(PAGE, {"user_code": typed})
    assert (page.status_code, page.context["typed"]) == (400, typed)
    assert "A code has eight letters" in page.content.decode()

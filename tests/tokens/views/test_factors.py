"""Second factors in a browser: set up, log in, confirm, remove.

There is a test for each security advisory about allauth.mfa.
"""

import json
import logging
import time
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client as Browser
from django.utils import timezone
from fido2.cose import ES256, CoseKey
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from tests.tokens.factories import allow, authorization, make_user, parameters, redeem, refreshed
from tests.tokens.passkey import PRESENT, SHARED, VERIFIED, Passkey, encode
from tokens.authentication_class import MULTI_FACTOR, PASSWORD, PHISHING_RESISTANT
from tokens.factors import one_time_code
from tokens.keys.errors import NotReady
from tokens.limits import cache_circuit, rate_limit
from tokens.views.pages import HEADERS, PASSKEY_HEADERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

LOGIN, SECOND, INDEX = "/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/2fa/"
CONFIRM_BY_CODE = "/accounts/2fa/reauthenticate/"
PASSKEY_LOGIN, CONFIRM = "/accounts/2fa/webauthn/login/", "/accounts/reauthenticate/"
WORD = "correct horse"


@pytest.fixture
def ada():
    return make_user()


@pytest.fixture
def secret(ada):
    """Return the secret of the authenticator app of the user ada."""
    made = generate_totp_secret()
    TOTP.activate(ada, made)
    return made


@pytest.fixture
def unlimited(monkeypatch):
    """Turn off the rate limits, because a test sends more attempts than a user may."""
    monkeypatch.setattr(rate_limit, "count", lambda *_, **__: None)


def code(secret, steps=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def enter_password(browser, name="ada", word=WORD, **fields):
    return browser.post(LOGIN, {"login": name, "password": word, **fields})


def log_in(browser, secret):
    """Log in by password and by a code of the authenticator app, and return the last answer."""
    assert enter_password(browser)["Location"] == SECOND
    answer = browser.post(SECOND, {"code": code(secret)})
    assert answer.status_code == 302, answer.content.decode()
    return answer


def is_logged_in(browser):
    return "_auth_user_id" in browser.session


def confirm(browser):
    """Confirm a change of second factors by the password."""
    assert browser.post(CONFIRM, {"password": WORD}).status_code == 302


def add_passkey(browser, passkey, **fields):
    options = browser.get("/accounts/2fa/webauthn/add/").context["ceremony"]
    created = json.dumps(passkey.create(plain(options)))
    return browser.post("/accounts/2fa/webauthn/add/", {"credential": created, "name": "Laptop", **fields})


def plain(options):
    """Return the options for a passkey as plain JSON values, as the script of the page reads them."""
    return json.loads(json.dumps(options, cls=DjangoJSONEncoder))


def use_passkey(browser, passkey, address=PASSKEY_LOGIN, *, fields=None, **changes):
    page = browser.get(address)
    context = page.context
    options = context["ceremony"] if address == PASSKEY_LOGIN else context["js_data"]["request_options"]
    signed = json.dumps(passkey.get(plain(options), **changes))
    return browser.post(address, {"credential": signed, **(fields or {})})


@pytest.fixture
def passkey(ada):
    """Return a passkey of the user ada, which was added in another browser."""
    browser, made = Browser(), Passkey()
    enter_password(browser)
    confirm(browser)
    assert add_passkey(browser, made).status_code == 302
    return made


def tokens_of(browser, client, **changes):
    """Let the user of the browser allow an authorization request, and return the token response.

    `changes` replace parameters of the authorization request.
    """
    answer = allow(browser, authorization(client, **changes))
    return redeem(browser, client, parameters(answer)["code"]).json()


def test_a_user_without_a_second_factor_logs_in_by_password_alone(client, ada):
    assert enter_password(client)["Location"] == "/accounts/"
    assert is_logged_in(client)


def test_a_password_alone_logs_in_no_user_with_an_app(client, secret):
    assert enter_password(client)["Location"] == SECOND
    assert not is_logged_in(client)
    assert client.get(INDEX).status_code == 302
    log_in(client, secret)
    assert is_logged_in(client)


def test_a_login_by_password_and_app_is_multi_factor_in_each_token_and_after_a_refresh(client, secret, webapp, decode):
    webapp.grants = ["authorization_code", "refresh_token"]
    webapp.save()
    log_in(client, secret)
    body = tokens_of(client, webapp, scope="openid notes:read offline_access")
    again = refreshed(client, webapp, body["refresh_token"]).json()
    for name, audience in (("id_token", "webapp"), ("access_token", "https://api.example/")):
        for answer in (body, again):
            claims = decode(answer[name], audience)[1] if name in answer else None
            if claims is not None:
                assert (claims["acr"], claims["amr"]) == (MULTI_FACTOR, ["pwd", "otp", "mfa"])


def test_a_code_is_accepted_once_even_in_another_browser_and_another_spelling(client, secret):
    """An attacker who sees a code while the user types it cannot use the code again (security advisory of 2026)."""
    shown = code(secret)
    enter_password(client)
    client.post(SECOND, {"code": shown})
    assert is_logged_in(client)
    for again in (shown, f"{shown[:3]} {shown[3:]}"):
        other = Browser()
        enter_password(other)
        assert other.post(SECOND, {"code": again}).status_code == 200
        assert not is_logged_in(other)


def test_a_recovery_code_is_accepted_once(client, ada, secret):
    first = RecoveryCodes.activate(ada).get_unused_codes()[0]
    enter_password(client)
    client.post(SECOND, {"code": first})
    assert is_logged_in(client)
    other = Browser()
    enter_password(other)
    assert other.post(SECOND, {"code": first}).status_code == 200
    assert not is_logged_in(other)


@pytest.mark.parametrize("page", [SECOND, CONFIRM_BY_CODE])
@pytest.mark.parametrize("kind", ["app", "recovery code"])
def test_a_code_is_not_used_up_while_the_clock_is_unknown(client, ada, secret, page, kind):
    codes = RecoveryCodes.activate(ada).get_unused_codes()
    if page == SECOND:
        enter_password(client)
    else:
        log_in(client, secret)
    shown = code(secret, 1) if kind == "app" else codes[0]
    before = list(Authenticator.objects.order_by("pk").values("pk", "data"))
    with patch("tokens.keys.keyring.clock", side_effect=NotReady("this node's clock is off")):
        assert client.post(page, {"code": shown}).status_code == 503
    assert list(Authenticator.objects.order_by("pk").values("pk", "data")) == before
    assert client.post(page, {"code": shown}).status_code == 302, "the same code is accepted afterwards"


def test_recovery_codes_are_encrypted_in_the_database(ada):
    codes = RecoveryCodes.activate(ada)
    stored = json.dumps(Authenticator.objects.get(user=ada).data)
    assert not any(recovery_code in stored for recovery_code in codes.get_unused_codes())
    assert codes.instance.data["seed"].startswith("1.")


def test_codes_are_limited_for_a_user_from_all_addresses_together(client, secret, settings, caplog):
    caplog.set_level(logging.INFO, "tokens.audit")
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"factor": (2, 600), "login": (1000, 60)}}
    answers = []
    for number in range(3):
        browser = Browser(REMOTE_ADDR=f"192.0.2.{number}")
        enter_password(browser)
        answers.append(browser.post(SECOND, {"code": "000000"}))
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"]
    lines = [json.loads(record.message) for record in caplog.records if record.name == "tokens.audit"]
    (line,) = [entry for entry in lines if entry["action"] == "request.limited"]
    assert (line["subject"], line["details"]["what"]) == ("user:ada", "factor"), "the attacker has the password"
    last = Browser(REMOTE_ADDR="192.0.2.9")
    enter_password(last)
    assert last.post(SECOND, {"code": code(secret)}).status_code == 429, "also for the right code"


def test_codes_are_limited_to_ten_windows_a_day(client, secret, settings, at):
    """The limit for the day bounds an attacker who waits for each window to end."""
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"factor": (1, 60), "login": (1000, 60)}}
    enter_password(client)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    answers = []
    for minute in range(11):
        with at(midnight + timedelta(minutes=minute)):
            answers.append(client.post(SECOND, {"code": "000000"}))
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert int(answers[10].headers["Retry-After"]) == 86_400 - 600, "until the day ends"
    with at(midnight + timedelta(days=1)):
        assert client.post(SECOND, {"code": "000000"}).status_code == 200


def test_codes_are_refused_while_nothing_can_be_counted(client, secret, monkeypatch):
    enter_password(client)

    def fail(*_args, **_kwargs):
        raise cache_circuit.NotCounted

    monkeypatch.setattr(rate_limit, "count", fail)
    assert client.post(SECOND, {"code": code(secret)}).status_code == 503
    assert not is_logged_in(client)


@pytest.mark.parametrize("typed", ["", "0", "x" * 5000, "\0", "000 000", "\N{FULLWIDTH DIGIT ONE}" * 6])
def test_a_code_of_any_text_gets_the_page_again(client, secret, typed):
    enter_password(client)
    assert client.post(SECOND, {"code": typed}).status_code == 200


def test_a_user_begins_the_login_again_while_the_second_factor_is_missing(client, secret):
    enter_password(client)
    page = client.get(LOGIN)
    assert page.status_code == 200
    make_user("eve")
    assert enter_password(client, "eve")["Location"] == "/accounts/"
    assert is_logged_in(client)


def test_a_first_step_that_was_left_does_not_count_for_a_later_login(client, passkey):
    """The user enters the password, and then logs in by a passkey instead of finishing the first login.

    The session must not record the password as a method of the second login.
    """
    enter_password(client)
    use_passkey(client, passkey)
    methods = [record.get("type", record["method"]) for record in client.session["account_authentication_methods"]]
    assert methods == ["webauthn"]


def test_the_second_step_leads_back_to_the_request_that_waits(client, secret, webapp):
    waiting = client.get("/oauth/authorize", authorization(webapp, prompt="login"))
    target = parameters(waiting)["next"]
    assert enter_password(client, next=target)["Location"] == SECOND
    answer = client.post(SECOND, {"code": code(secret)})
    assert answer["Location"] == target
    assert client.get(target).status_code == 200, "the consent page: the new login counts for the request"


def test_a_passkey_alone_logs_in_and_is_phishing_resistant(client, passkey, webapp, decode):
    assert use_passkey(client, passkey)["Location"] == "/accounts/"
    claims = decode(tokens_of(client, webapp)["id_token"], "webapp")[1]
    assert (claims["acr"], claims["amr"]) == (PHISHING_RESISTANT, ["user", "hwk", "mfa"])


def test_a_passkey_of_unknown_kind_is_a_hardware_key(client, passkey, webapp, decode):
    """A session of an earlier version of Keyturn does not contain whether the user's devices share the passkey."""
    use_passkey(client, passkey)
    session = client.session
    for record in session["account_authentication_methods"]:
        del record["key"]
    session.save()
    assert decode(tokens_of(client, webapp)["id_token"], "webapp")[1]["amr"] == ["user", "hwk", "mfa"]


def test_a_passkey_that_devices_share_is_a_software_key(client, ada, webapp, decode):
    shared = Passkey(flags=PRESENT | VERIFIED | SHARED)
    enter_password(client)
    confirm(client)
    add_passkey(client, shared)
    other = Browser()
    use_passkey(other, shared)
    assert decode(tokens_of(other, webapp)["id_token"], "webapp")[1]["amr"] == ["user", "swk", "mfa"]


def test_a_passkey_login_leads_back_to_the_request_that_waits(client, passkey, webapp):
    waiting = client.get("/oauth/authorize", authorization(webapp, max_age="0"))
    target = parameters(waiting)["next"]
    page = client.get(f"{PASSKEY_LOGIN}?{urlencode({'next': target})}")
    assert target.replace("&", "&amp;") in page.content.decode()
    signed = json.dumps(passkey.get(plain(page.context["ceremony"])))
    answer = client.post(PASSKEY_LOGIN, {"credential": signed, "next": target})
    assert answer["Location"] == target
    assert client.get(target).status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "http://[", "javascript:alert(1)"])
def test_a_passkey_login_never_leads_to_another_site(client, passkey, target):
    assert use_passkey(client, passkey, fields={"next": target})["Location"] == "/accounts/"


def test_a_passkey_after_the_password_is_phishing_resistant_too(client, passkey, webapp, decode):
    assert enter_password(client)["Location"] == SECOND
    use_passkey(client, passkey, SECOND)
    claims = decode(tokens_of(client, webapp)["id_token"], "webapp")[1]
    assert (claims["acr"], claims["amr"]) == (PHISHING_RESISTANT, ["pwd", "user", "hwk", "mfa"])


@pytest.mark.parametrize("address", [PASSKEY_LOGIN, SECOND])
def test_a_passkey_that_did_not_verify_its_user_is_refused(client, passkey, address):
    """Possession of the device alone does not count as two factors (security advisory of 2026)."""
    passkey.flags = PRESENT
    enter_password(client)
    assert use_passkey(client, passkey, address).status_code == 200
    assert not is_logged_in(client)


def test_a_passkey_is_not_added_if_it_did_not_verify_its_user(client, ada):
    """A passkey that a user adds must be strong enough to replace the password (security advisory of 2026)."""
    enter_password(client)
    confirm(client)
    assert add_passkey(client, Passkey(flags=PRESENT)).status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("wrong", [{"origin": "http://sub.localhost:8000"}, {"origin": "http://localhost:8001"}])
def test_a_passkey_of_another_origin_is_refused(client, passkey, wrong):
    passkey.origin = wrong["origin"]
    assert use_passkey(client, passkey).status_code == 200
    assert not is_logged_in(client)
    passkey.origin = "http://localhost:8000"
    use_passkey(client, passkey)
    assert is_logged_in(client)


def test_the_host_of_a_request_does_not_choose_the_relying_party(client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.ISSUER = settings.ISSUER | {"URL": "https://issuer.example/base"}
    page = client.get(PASSKEY_LOGIN, headers={"host": "evil.example"})
    assert plain(page.context["ceremony"])["publicKey"]["rpId"] == "issuer.example"


def test_a_challenge_is_answered_once(client, passkey):
    page = client.get(PASSKEY_LOGIN)
    signed = json.dumps(passkey.get(plain(page.context["ceremony"])))
    client.post(PASSKEY_LOGIN, {"credential": signed})
    client.post("/accounts/logout/")
    assert client.post(PASSKEY_LOGIN, {"credential": signed}).status_code == 200
    assert not is_logged_in(client)


def test_the_challenge_of_another_browser_is_refused(client, passkey):
    page = client.get(PASSKEY_LOGIN)
    other = Browser()
    other.get(PASSKEY_LOGIN)
    signed = json.dumps(passkey.get(plain(page.context["ceremony"])))
    assert other.post(PASSKEY_LOGIN, {"credential": signed}).status_code == 200
    assert not is_logged_in(other)


def test_a_passkey_names_no_other_user(client, passkey):
    """The browser sends a user handle with the passkey (WebAuthn).

    The handle must not choose the user whose passkey is used.
    """
    eve = make_user("eve")
    handle = encode(user_pk_to_url_str(eve).encode())
    assert use_passkey(client, passkey, userHandle=handle).status_code == 200
    assert not is_logged_in(client)


@pytest.mark.parametrize("sent", ["", "{}", "[]", "null", "1", '"x"', "{", '{"type": "public-key"}', "[" * 5000])
@pytest.mark.parametrize("address", [PASSKEY_LOGIN, SECOND])
def test_a_malformed_credential_gets_the_page_again(client, passkey, address, sent):
    enter_password(client)
    client.get(address)
    answer = client.post(address, {"credential": sent})
    assert answer.status_code == 200
    assert "was not accepted" in answer.content.decode() or not sent or sent in {"{}", "[]", "null"}


def test_a_disabled_user_s_passkey_is_refused(client, ada, passkey):
    ada.is_active = False
    ada.save()
    assert use_passkey(client, passkey).status_code == 403
    assert not is_logged_in(client)


def test_setting_up_an_app_needs_a_confirmation_and_gives_recovery_codes(client, ada):
    enter_password(client)
    activate = "/accounts/2fa/totp/activate/"
    assert client.get(activate)["Location"].startswith(CONFIRM), "the login itself is no confirmation"
    confirm(client)
    page = client.get(activate)
    assert "<svg" in page.content.decode()
    shown = code(page.context["form"].secret)
    assert client.post(activate, {"code": "1"}).status_code == 200
    assert client.post(activate, {"code": shown})["Location"] == "/accounts/2fa/recovery-codes/"
    codes = RecoveryCodes(Authenticator.objects.get(user=ada, type="recovery_codes")).get_unused_codes()
    listed = client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert len(codes) == 10
    assert all(recovery_code in listed for recovery_code in codes)
    other = Browser()
    enter_password(other)
    assert other.post(SECOND, {"code": shown}).status_code == 200, "the first code is used"
    assert other.post(SECOND, {"code": codes[0]}).status_code == 302


def test_a_new_app_counts_for_the_session_that_set_it_up(client, ada, webapp, decode):
    enter_password(client)
    confirm(client)
    activate = "/accounts/2fa/totp/activate/"
    client.post(activate, {"code": code(client.get(activate).context["form"].secret)})
    assert decode(tokens_of(client, webapp)["id_token"], "webapp")[1]["acr"] == MULTI_FACTOR


CHANGES = [
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/recovery-codes/download/",
]


@pytest.mark.parametrize("address", CHANGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_session_with_an_app_changes_no_factor_without_a_confirmation(client, ada, secret, address, method):
    """An attacker who takes over a session cannot replace the user's factors (security advisory of 2026)."""
    RecoveryCodes.activate(ada)
    log_in(client, secret)
    before = list(Authenticator.objects.values_list("pk", "data"))
    answer = getattr(client, method)(address)
    if answer.status_code == 405:
        return
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"] or answer["Location"] == "/accounts/2fa/totp/deactivate/"
    assert list(Authenticator.objects.values_list("pk", "data")) == before


def test_a_password_does_not_confirm_a_change_of_a_user_with_a_second_factor(client, ada, secret):
    """An attacker who knows the password cannot use it to remove the second factor (security advisory of 2026)."""
    log_in(client, secret)
    assert client.get(CONFIRM)["Location"] == "/accounts/2fa/reauthenticate/"
    client.post(CONFIRM, {"password": WORD})
    assert client.get("/accounts/2fa/totp/deactivate/").status_code == 302
    confirmed = client.post("/accounts/2fa/reauthenticate/", {"code": code(secret, 1)})
    assert confirmed.status_code == 302
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.exists()


def test_a_user_confirms_by_passkey_first_and_can_choose_a_code(client, ada, passkey):
    use_passkey(client, passkey)
    session = client.session
    session["account_authentication_methods"][-1]["at"] -= 301
    session.save()
    assert client.get("/accounts/2fa/totp/activate/")["Location"].startswith("/accounts/2fa/webauthn/reauthenticate/")
    page = client.get("/accounts/2fa/webauthn/reauthenticate/").content.decode()
    assert '<a href="/accounts/2fa/reauthenticate/">Use a code</a>' in page


def test_a_confirmation_ends_after_five_minutes(client, ada):
    enter_password(client)
    confirm(client)
    session = client.session
    session["account_authentication_methods"][-1]["at"] -= 301
    session.save()
    assert client.get("/accounts/2fa/webauthn/add/").status_code == 302


def test_a_user_sees_renames_and_removes_own_passkeys_only(client, ada, passkey):
    key = Authenticator.objects.get(user=ada, type="webauthn")
    make_user("eve")
    other = Browser()
    enter_password(other, "eve")
    confirm(other)
    for action in ("edit", "remove"):
        assert other.post(f"/accounts/2fa/webauthn/keys/{key.pk}/{action}/", {"name": "x"}).status_code == 404
    use_passkey(client, passkey)
    use_passkey(client, passkey, "/accounts/2fa/webauthn/reauthenticate/")
    assert "Laptop" in client.get("/accounts/2fa/webauthn/").content.decode()
    client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/edit/", {"name": "Desk"})
    assert "Desk" in client.get("/accounts/2fa/webauthn/").content.decode()
    client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/")
    assert not Authenticator.objects.filter(user=ada).exists(), "the recovery codes are removed with the last factor"


def test_every_page_has_the_issuer_s_headers(client, ada, secret):
    RecoveryCodes.activate(ada)
    pages = {SECOND: PASSKEY_HEADERS, PASSKEY_LOGIN: PASSKEY_HEADERS}
    enter_password(client)
    for address, headers in pages.items():
        assert headers.items() <= client.get(address).headers.items()
    client.post(SECOND, {"code": code(secret)})
    client.post("/accounts/2fa/reauthenticate/", {"code": code(secret, 1)})
    for address in (INDEX, "/accounts/2fa/totp/deactivate/", "/accounts/2fa/recovery-codes/"):
        page = client.get(address)
        assert page.status_code == 200, address
        assert HEADERS.items() <= page.headers.items()
    new = client.get("/accounts/2fa/webauthn/add/")
    assert PASSKEY_HEADERS.items() <= new.headers.items()


def test_the_time_of_a_login_is_that_of_its_oldest_method(client, secret, webapp, decode):
    log_in(client, secret)
    session = client.session
    records = session["account_authentication_methods"]
    records[0]["at"] -= 1000
    session.save()
    client.post("/accounts/2fa/reauthenticate/", {"code": code(secret, 1)})
    claims = decode(tokens_of(client, webapp)["id_token"], "webapp")[1]
    assert 990 < time.time() - claims["auth_time"] < 1100


def test_an_unreadable_secret_refuses_its_codes_and_leaves_the_pages_open(client, ada, secret, caplog):
    row = Authenticator.objects.get(user=ada)
    row.data["secret"] = "1.00000000.AAAA"
    row.save()
    enter_password(client)
    assert client.post(SECOND, {"code": code(secret)}).status_code == 200
    assert "cannot be used" in caplog.text
    assert secret not in caplog.text


def test_a_step_that_was_used_is_stored_with_the_app(client, ada, secret):
    log_in(client, secret)
    assert Authenticator.objects.get(user=ada).data[one_time_code.LAST_STEP] > 0


def test_a_login_by_password_alone_says_so(client, ada, webapp, decode):
    enter_password(client)
    claims = decode(tokens_of(client, webapp)["id_token"], "webapp")[1]
    assert (claims["acr"], claims["amr"]) == (PASSWORD, ["pwd"])


DEEP = "[" * 3000
LONG_NUMBER = '{"id": ' + "1" * 5000 + "}"


def spoiled(made):
    """Yield malformed texts in place of a credential, most of them changed from the valid credential `made`.

    No authenticator makes such texts.
    """
    yield from ("", "null", "[]", "1", '"\\ud800"', "{", DEEP, LONG_NUMBER)
    for changed in (
        {"id": "AA"},
        {"id": "é"},
        {"rawId": "="},
        {"clientExtensionResults": "x"},
        {"clientExtensionResults": [1]},
        {"authenticatorAttachment": {}},
        {"response": {**made["response"], "clientDataJSON": encode(b'{"crossOrigin": []}')}},
    ):
        yield json.dumps(made | changed)
    for member in ("attestationObject", "authenticatorData", "signature"):
        for text in ("", "A", "é", "AA", encode(b"\x81" * 4000), encode(b"\xbb" + b"\xff" * 8)):
            if member in made["response"]:
                yield json.dumps(made | {"response": {**made["response"], member: text}})


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("address", [PASSKEY_LOGIN, SECOND])
def test_a_malformed_credential_is_refused_and_is_no_error_of_the_server(client, passkey, address):
    enter_password(client)
    page = client.get(address).context
    options = page["ceremony"] if address == PASSKEY_LOGIN else page["js_data"]["request_options"]
    for text in spoiled(passkey.get(plain(options))):
        assert client.post(address, {"credential": text}).status_code == 200, text[:200]
        assert not is_logged_in(client)
    assert use_passkey(client, passkey, address).status_code == 302, "the neighbour is accepted"


@pytest.mark.usefixtures("unlimited")
def test_a_malformed_new_passkey_is_not_stored_and_is_no_error_of_the_server(client, ada):
    made = Passkey()
    enter_password(client)
    confirm(client)
    options = client.get("/accounts/2fa/webauthn/add/").context["ceremony"]
    for text in spoiled(made.create(plain(options))):
        assert client.post("/accounts/2fa/webauthn/add/", {"credential": text}).status_code == 200, text[:200]
    assert not Authenticator.objects.exists()
    assert add_passkey(client, made).status_code == 302, "the neighbour is accepted"


def test_a_new_passkey_needs_a_public_key_of_a_known_algorithm(client, ada):
    made = Passkey()
    enter_password(client)
    confirm(client)
    for flags, algorithm in ((VERIFIED | PRESENT, -7), (VERIFIED | PRESENT | AuthenticatorData.FLAG.AT, -65000)):
        options = plain(client.get("/accounts/2fa/webauthn/add/").context["ceremony"])
        created = made.create(options)
        key = {**ES256.from_cryptography_key(made.key.public_key()), 3: algorithm}
        attested = AttestedCredentialData.create(b"\0" * 16, made.id, CoseKey(key))
        data = AuthenticatorData.create(made._rp(), flags, 0, attested if flags & AuthenticatorData.FLAG.AT else b"")
        created["response"]["attestationObject"] = encode(AttestationObject.create("none", data, {}))
        answer = client.post("/accounts/2fa/webauthn/add/", {"credential": json.dumps(created)})
        assert answer.status_code == 200
        assert not Authenticator.objects.exists()

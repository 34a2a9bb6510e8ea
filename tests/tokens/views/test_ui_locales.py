"""The issuer's pages in German.

The language comes from the browser's Accept-Language header, or from `ui_locales` of an authorization request.
"""

import html
import re
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core import mail
from django.test import Client as Browser
from django.utils import translation

from tests import catalogue
from tests.tokens.factories import allow, authorization, basic, log_in, make_user, post
from tests.tokens.views.test_page_contract import CONTRACT, Elements
from tokens.models import BrowserSession

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.8"
LOGIN, DEVICE = "/accounts/login/", "/oauth/device/verify"
PARTS = re.compile(r"%\\\(\w+\\\)[sd]")
VALUE = re.compile(r"%\(\w+\)[sd]")
NO_COLUMN = re.compile(r"^[^{]*[A-Z][^{]*$|^[^{]* [^{]*$")
FACTORS = (
    "", "totp/activate/", "recovery-codes/generate/", "webauthn/", "webauthn/add/", "webauthn/login/",
)  # fmt: skip


@pytest.fixture(autouse=True)
def language_of_the_project():
    """Activate the language LANGUAGE_CODE, because an earlier test can have activated another one."""
    with translation.override("en-us"):
        yield


def browser(languages):
    """Return a browser whose Accept-Language header has these languages."""
    return Browser(headers={"Accept": ACCEPT, "Accept-Language": languages})


@pytest.fixture
def german():
    return browser("de-DE,de;q=0.9,en;q=0.5")


@pytest.fixture
def english():
    return browser("en-GB,en;q=0.9,de;q=0.5")


def patterns(language):
    """Return a mapping from each text of the translation catalogue, in `language`, to a pattern that matches it.

    In place of a placeholder, the pattern matches up to 60 characters. Texts that are the same in English and German
    are left out.
    """
    # Not names of columns ("type"), which are words of code as well, nor sentences of the core, which the admin shows.
    read = [entry for entry in catalogue.read(catalogue.catalogue("de")) if NO_COLUMN.search(entry.msgid)]
    different = [entry for entry in read if entry.msgid not in entry.translations]
    texts = [entry.msgid for entry in different] if language == "en" else [entry.translations[0] for entry in different]
    return {text: PARTS.sub(".{0,60}?", re.escape(text)) for text in texts}


def shown_texts(page, language):
    """Return the texts of the translation catalogue, in `language`, that the page shows.

    Only texts at the beginning of an element or of an attribute's value count.
    """
    text = re.sub(r"<p[^>]* lang=\"en\".*?</p>", "", page.content.decode(), flags=re.DOTALL)
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"(?<=>)\s+|\s+(?=<)", "", text)))
    candidates = {
        message: pattern
        for message, pattern in patterns(language).items()
        if max(VALUE.split(message), key=len) in text
    }
    return [message for message, pattern in candidates.items() if re.search(rf"[>\"]{pattern}[ <\"]", text)]


def language_of(page):
    return re.search(r'<html lang="([^"]*)"', page.content.decode())[1], page.headers.get("Content-Language")


def assert_german(page):
    assert (language_of(page), shown_texts(page, "en")) == (("de", "de"), [])
    assert shown_texts(page, "de")
    assert "Accept-Language" in page["Vary"]


def assert_english(page):
    assert (language_of(page), shown_texts(page, "de")) == (("en", "en"), [])
    assert shown_texts(page, "en")


@pytest.mark.parametrize(
    "path",
    [
        LOGIN,
        "/accounts/",
        "/accounts/password/reset/",
        "/accounts/2fa/webauthn/login/",
        "/oauth/logout",
        "/oauth/authorize?client_id=nobody",
        "/nothing",
    ],
)
def test_a_visitor_s_page_is_in_the_language_of_the_browser(german, english, path):
    assert_german(german.get(path))
    assert_english(english.get(path))


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/",
        "/accounts/sessions/",
        "/accounts/applications/",
        "/accounts/everywhere/",
        "/accounts/password/change/",
        "/accounts/email/",
        "/accounts/step-up/?class=phr",
        DEVICE,
        "/oauth/logout",
        "/accounts/logout/",
        *(f"/accounts/2fa/{name}" for name in FACTORS),
    ],
)
def test_a_user_s_page_is_in_the_language_of_the_browser(german, english, user, path):
    for browser, check in ((german, assert_german), (english, assert_english)):
        log_in(browser, user)
        check(browser.get(path, follow=True))


def test_the_consent_page_names_scopes_and_claims_in_german(german, user, webapp):
    log_in(german, user)
    claims = '{"userinfo": {"family_name": null, "email_verified": null}}'
    page = german.get("/oauth/authorize", authorization(webapp, scope="openid profile email", claims=claims))
    assert_german(page)
    assert {"Wissen, wer Sie sind", "Ihren Namen lesen"} <= set(shown_texts(page, "de"))


def test_a_form_with_errors_is_german(german, user):
    page = german.post(LOGIN, {"login": "ada", "password": "wrong"})
    assert_german(page)
    assert re.search(r'role="alert".*Passwort', page.content.decode(), re.DOTALL)
    log_in(german, user)
    for code in ("BBBB", "BBBB-BBBB"):
        page = german.post(DEVICE, {"user_code": code})
        assert (page.status_code, shown_texts(page, "en")) == (400, [])


def test_a_form_that_is_refused_gets_a_german_page(user):
    strict = Browser(enforce_csrf_checks=True, headers={"Accept": ACCEPT, "Accept-Language": "de"})
    page = strict.post(LOGIN, {"login": "ada", "password": "correct horse"})
    assert page.status_code == 403
    assert_german(page)


def test_dates_are_german(german, user):
    log_in(german, user)
    german.get("/accounts/sessions/")
    BrowserSession.objects.update(began_at=datetime(2026, 3, 9, 14, 5, tzinfo=UTC))
    assert "Angemeldet: 9. März 2026 14:05 (UTC)" in german.get("/accounts/sessions/").content.decode()


def test_the_date_of_an_allowed_application_is_german(german, user, webapp):
    log_in(german, user)
    assert allow(german, authorization(webapp)).status_code in {302, 303}
    page = german.get("/accounts/applications/").content.decode()
    months = "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
    assert re.search(rf"Erlaubt seit \d{{1,2}}\. ({months}) \d{{4}}", page)


def test_a_mail_is_in_the_language_of_the_page_that_sends_it(german, english, user):
    subjects = []
    for browser in (german, english):
        browser.post(LOGIN, {"login": "ada", "password": "correct horse"})
        browser.post("/accounts/reauthenticate/", {"password": "correct horse"})
        browser.post("/accounts/email/", {"email": "new@example.org"})
        subjects.append(mail.outbox[-1].subject)
    assert subjects[0].startswith("Bestätigen Sie Ihre E-Mail-Adresse bei ")
    assert subjects[1].startswith("Verify your e-mail address at ")


def waiting(browser, client, **changes):
    """Send an authorization request with `browser`. Return the address of the login page.

    `changes` are parameters that are added to the request, such as `ui_locales`.
    """
    answer = browser.get("/oauth/authorize", authorization(client, **changes))
    assert answer.status_code == 302
    return answer["Location"]


def test_ui_locales_is_the_language_of_the_login_and_of_the_consent_page(english, user, webapp):
    address = waiting(english, webapp, ui_locales="fr-CA de-AT en")
    assert_german(english.get(address))
    form = {"login": "ada", "password": "wrong"}
    assert_german(english.post(address, form))
    back = english.post(address, form | {"password": "correct horse"})["Location"]
    assert_german(english.get(back))
    assert_english(english.get("/accounts/"))
    assert_english(browser("en").get(LOGIN))


def test_ui_locales_is_the_language_of_a_login_form_that_was_sent_to_the_plain_address(english, user, webapp):
    target = parse_qs(urlsplit(waiting(english, webapp, ui_locales="de")).query)["next"]
    assert_german(english.post(LOGIN, {"login": "ada", "password": "wrong", "next": target}))


def test_ui_locales_is_the_language_of_the_second_factor(english, user, webapp):
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    address = waiting(english, webapp, ui_locales="de")
    second = english.post(address, {"login": "ada", "password": "correct horse"})["Location"]
    assert_german(english.get(second))
    assert_german(english.post(second, {"code": "000000"}))
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert_german(english.get(english.post(second, {"code": code})["Location"]))


def test_ui_locales_is_the_language_of_the_step_up(english, user, webapp):
    log_in(english, user)
    address = waiting(
        english, webapp, ui_locales="de", claims='{"id_token": {"acr": {"essential": true, "value": "phr"}}}'
    )
    assert_german(english.get(address))


@pytest.mark.parametrize("tags", ["fr", "fr-FR es", "deu", "*", "de_", " "])
def test_without_an_offered_language_the_browser_s_stays(english, german, webapp, tags):
    assert_english(english.get(waiting(english, webapp, ui_locales=tags)))
    assert_german(german.get(waiting(german, webapp, ui_locales=tags)))


def test_ui_locales_of_an_invalid_request_is_the_language_of_its_error_page(english, webapp):
    assert_german(english.get("/oauth/authorize", authorization(webapp, ui_locales="de", code_challenge=None)))


def test_ui_locales_is_sent_as_a_form_too_and_not_twice(english, webapp):
    moved = english.post("/oauth/authorize", authorization(webapp, ui_locales="de"))["Location"]
    assert "ui_locales=de" in moved
    page = english.get("/oauth/authorize?ui_locales=en", authorization(webapp) | {"ui_locales": ["de", "en"]})
    assert page.status_code == 400


def test_a_pushed_request_has_a_language(english, webapp):
    form = authorization(webapp, ui_locales="de")
    pushed = post(Browser(), "/oauth/par", form, **basic(webapp.client_id, webapp.plain)).json()
    query = {"client_id": webapp.client_id, "request_uri": pushed["request_uri"]}
    answer = english.get("/oauth/authorize", query)
    while answer.status_code in {302, 303}:
        answer = english.get(answer["Location"])
    assert_german(answer)


def test_the_language_of_a_request_ends_with_its_answer(english, webapp):
    english.get(waiting(english, webapp, ui_locales="de"))
    assert translation.get_language() == "en-us"
    plain = Browser()
    plain.get("/oauth/authorize", authorization(webapp, ui_locales="de", code_challenge=None))
    assert translation.get_language() == "en-us"


def test_an_operator_pins_a_language(settings, english, webapp):
    settings.ISSUER = settings.ISSUER | {"LANGUAGES": ["de"]}
    assert_german(english.get(LOGIN))
    assert_german(english.get(waiting(english, webapp, ui_locales="en")))


def test_the_admin_has_the_language_of_the_browser(german):
    german.force_login(make_user("root", is_staff=True, is_superuser=True))
    assert language_of(german.get("/admin/tokens/client/")) == ("de", "de")


def test_errors_for_developers_are_english(german, webapp):
    page = german.get("/oauth/authorize", authorization(webapp, code_challenge=None)).content.decode()
    assert re.search(r'<p class="quiet" role="alert" lang="en">[^<]*PKCE', page)
    assert re.search(r'<p lang="en">invalid_request: [^<]*PKCE', page)
    page = german.get("/oauth/authorize?continue=0123456789abcdef").content.decode()
    assert re.search(r'<p role="alert">Die Anmeldung hat zu lange', page)
    assert re.search(r'<p lang="en">invalid_request: The login took too long', page)


def test_the_answer_of_an_endpoint_for_programs_has_no_language(german, service):
    for path in ("/.well-known/openid-configuration", "/.well-known/jwks.json"):
        answer = german.get(path)
        assert "Content-Language" not in answer.headers
        assert "Accept-Language" not in answer.headers.get("Vary", "")
    answer = post(german, "/oauth/token", {"grant_type": "x"})
    assert (answer.status_code, "Content-Language" in answer.headers) == (400, False)


def test_a_german_page_keeps_the_ids_and_names_of_the_contract(german, user, webapp):
    pages = {"login": german.get(LOGIN)}
    log_in(german, user)
    pages |= {"consent": german.get("/oauth/authorize", authorization(webapp)), "device": german.get(DEVICE)}
    pages |= {"logout": german.get("/oauth/logout"), "error": german.get("/oauth/authorize?client_id=nobody")}
    for page, tag, attributes in CONTRACT.values():
        assert Elements(pages[page].content.decode()).count(tag, **attributes) == 1


def test_a_logout_request_chooses_the_language_of_its_pages(english):
    log_in(english, make_user())
    question = english.get("/oauth/logout", {"ui_locales": "de-AT en"})
    assert language_of(question) == ("de", "de")
    assert language_of(english.post("/oauth/logout?ui_locales=de", {"log_out": "1"})) == ("de", "de")
    assert language_of(english.get("/oauth/logout", {"ui_locales": "fr"})) == ("en", "en")


def test_the_metadata_lists_the_languages_that_the_operator_offers(english, settings):
    address = "/.well-known/openid-configuration"
    assert english.get(address).json()["ui_locales_supported"] == ["en", "de"]
    settings.ISSUER = {**settings.ISSUER, "LANGUAGES": ["de"]}
    assert english.get(address).json()["ui_locales_supported"] == ["de"]

"""If no view handles an error, the issuer answers with its own error page.

A form that another site sends is refused.
"""

from unittest.mock import patch

import pytest
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.test import Client as Browser

from tests.tokens.factories import authorization, log_in, make_client, post
from tests.tokens.pages import assert_page
from tokens.models import DeviceCode, GrantType, User, UserGrant
from tokens.views import failures

pytestmark = pytest.mark.urls("project.urls.issuer")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, lambda: failures.bad_request(None, BadRequest())),
        (413, lambda: failures.bad_request(None, RequestDataTooBig())),
        (403, lambda: failures.forbidden(None, Exception())),
        (404, lambda: failures.not_found(None, Exception())),
        (500, lambda: failures.broken(None)),
    ],
)
def test_a_failure_page_needs_no_database(status, answer):
    assert_page(answer(), status)


def test_the_issuer_answers_failures_with_its_own_pages(client, user):
    assert_page(client.get("/nowhere"), 404)
    assert_page(client.get("/", HTTP_HOST="evil.example"), 400)
    User.objects.update(is_staff=True)
    client.force_login(user)
    assert_page(client.get("/admin/tokens/client/"), 403)
    client.raise_request_exception = False
    with patch("tokens.views.account.render", side_effect=RuntimeError):
        assert_page(client.get("/accounts/"), 500)


@pytest.fixture(params=[False, True], ids=["", "debug"])
def browser(request, settings, user):
    """Return a browser of Django's test client with the CSRF check turned on."""
    settings.DEBUG = request.param
    return Browser(enforce_csrf_checks=True)


def is_logged_in(browser):
    return "_auth_user_id" in browser.session


@pytest.mark.parametrize("page", ["/accounts/login/", "/admin/login/"])
def test_a_forged_form_logs_no_user_in(browser, page):
    User.objects.update(is_staff=True)
    credentials = dict.fromkeys(("login", "username"), "ada") | {"password": "correct horse"}
    assert_page(browser.post(page, credentials), 403)
    assert not is_logged_in(browser)
    token = browser.get(page).context["csrf_token"]
    assert browser.post(page, credentials | {"csrfmiddlewaretoken": str(token)}).status_code == 302
    assert is_logged_in(browser)


@pytest.mark.parametrize(("page", "form"), [("/accounts/logout/", {}), ("/oauth/logout", {"log_out": "true"})])
def test_a_forged_form_logs_no_user_out(browser, user, page, form):
    log_in(browser, user)
    assert_page(browser.post(page, form), 403)
    assert is_logged_in(browser)
    token = browser.get(page).context["csrf_token"]
    browser.post(page, form | {"csrfmiddlewaretoken": str(token)})
    assert not is_logged_in(browser)


def test_a_forged_form_gives_no_consent(browser, user, webapp):
    log_in(browser, user)
    page = browser.get("/oauth/authorize", authorization(webapp))
    form = {"shown": page.context["form"].initial["shown"], "allow": "true"}
    address = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    assert_page(browser.post(address, form), 403)
    assert not UserGrant.objects.exists()
    answer = browser.post(address, form | {"csrfmiddlewaretoken": str(page.context["csrf_token"])})
    assert "code=" in answer["Location"]


def test_a_forged_form_allows_no_device(browser, user, apis):
    make_client("tv", GrantType.DEVICE_CODE, public=True)
    log_in(browser, user)
    begun = post(Browser(), "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()
    form = {"user_code": begun["user_code"]}
    assert_page(browser.post("/oauth/device/verify", form), 403)
    token = {"csrfmiddlewaretoken": str(browser.get("/oauth/device/verify").context["csrf_token"])}
    shown = browser.post("/oauth/device/verify", form | token).context["shown"]
    assert_page(browser.post("/oauth/device/verify", form | {"shown": shown, "allow": "true"}), 403)
    assert not DeviceCode.objects.filter(grant__isnull=False).exists()
    answer = browser.post("/oauth/device/verify", form | token | {"shown": shown, "allow": "true"})
    assert answer.context["done"] == "allowed"


def test_a_failure_page_shows_the_request_s_id_that_is_in_the_log(client, caplog, user):
    answer = client.get("/nowhere", HTTP_X_REQUEST_ID="trace-0001")
    assert "<code>trace-0001</code>" in answer.content.decode()
    assert answer["X-Request-ID"] == "trace-0001"
    log_in(client, user)
    refused = client.get("/oauth/authorize", {"client_id": "nobody"}, HTTP_X_REQUEST_ID="trace-0002")
    assert "<code>trace-0002</code>" in refused.content.decode()
    logout = client.get("/oauth/logout", {"state": ["a", "b"]}, HTTP_X_REQUEST_ID="trace-0003")
    assert "<code>trace-0003</code>" in logout.content.decode()


def test_a_failure_page_says_what_the_user_can_do_and_shows_the_developer_the_reason(client, user):
    page = client.get("/oauth/authorize", {"client_id": "nobody", "response_type": "code"}).content.decode()
    assert "Return to the application and try again" in page
    assert "For the developer of the application" in page
    assert "invalid_request" in page or "invalid_client" in page or "unauthorized_client" in page


@pytest.mark.django_db
def test_no_failure_page_repeats_what_the_request_sent(client):
    sent = {"HTTP_X_REQUEST_ID": "<script>x</script>", "HTTP_USER_AGENT": "repeated-agent"}
    for address in ("/nowhere-repeated", "/oauth/authorize?client_id=repeated", "/oauth/logout?state=a&state=repeated"):
        page = client.get(address, **sent).content.decode()
        assert "repeated" not in page.replace("-repeated", "")
        assert "<script>" not in page

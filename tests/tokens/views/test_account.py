"""The issuer's own pages for login and logout."""

import pytest

from tokens.models import User
from tokens.views import account
from tokens.views.pages import HEADERS


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada", email="ada@example.org", password="correct horse")


@pytest.mark.parametrize("name", ["ada", "ada@example.org"])
def test_a_user_logs_in_by_name_or_e_mail_and_returns_to_the_requested_address(client, ada, name):
    response = client.post("/accounts/login/?next=/accounts/logout/", {"login": name, "password": "correct horse"})
    assert (response.status_code, response["Location"]) == (302, "/accounts/logout/")
    assert client.get("/accounts/").context["user"] == ada


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example", "http://[", "//["]
)
def test_a_login_never_leads_to_another_site(client, ada, target):
    response = client.post(f"/accounts/login/?next={target}", {"login": "ada", "password": "correct horse"})
    assert response["Location"] == "/accounts/"
    assert client.get(f"/accounts/login/?next={target}")["Location"] == "/accounts/", "who is logged in already, too"
    assert client.post(f"/accounts/logout/?next={target}")["Location"] == "/accounts/"


def test_a_wrong_password_an_unknown_user_and_a_disabled_user_get_the_same_answer(client, ada):
    User.objects.create_user("eve", password="correct horse", is_active=False)

    def answer_to(name):
        page = client.post("/accounts/login/", {"login": name, "password": "wrong"})
        return page.status_code, page.context["form"].non_field_errors()

    assert answer_to("ada") == answer_to("nobody") == answer_to("eve")


def test_there_is_no_registration_of_users(client):
    assert client.get("/accounts/signup/").status_code == 404


def test_the_login_page_cannot_be_framed_or_cached(client):
    response = client.get("/accounts/login/")
    assert {name: response[name] for name in HEADERS} == HEADERS
    assert "http://" not in response.content.decode().replace("http://testserver", "")


def test_the_logout_page_asks_the_user_first(client, ada):
    client.force_login(ada)
    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


@pytest.fixture
def home(client, ada):
    """Return a function that returns the text of the account page of the user ada."""
    client.force_login(ada)
    return lambda: str(client.get("/accounts/").content.decode())


def test_the_account_shows_the_profile_and_what_applications_can_read(home, ada):
    ada.first_name, ada.last_name = "Ada", "<Lovelace>"
    ada.save()
    page = home()
    assert "Ada &lt;Lovelace&gt;" in page
    assert "ada@example.org" in page
    assert "not verified" in page
    assert "Your first name" in page


def test_the_account_links_to_the_pages_that_this_deployment_has(home):
    page = home()
    assert 'href="/accounts/sessions/"' in page
    assert 'href="/accounts/applications/"' in page
    assert 'href="/accounts/everywhere/"' in page


def test_a_link_without_a_page_is_left_out_and_one_with_a_page_is_there(home, monkeypatch):
    monkeypatch.setattr(account, "LINKS", (("no_such_page", "Nowhere"), ("account_login", "Somewhere")))
    page = home()
    assert "Nowhere" not in page
    assert '<a href="/accounts/login/">Somewhere</a>' in page


def test_a_claims_source_that_fails_leaves_its_claim_out(home, settings):
    settings.ISSUER = settings.ISSUER | {"CLAIMS_SOURCE": {"nickname": "tests.tokens.views.test_account:fails"}}
    page = home()
    assert "Your nickname" not in page
    assert "Your username" in page


def fails(_user):
    raise RuntimeError


def test_the_start_page_leads_to_the_account(client, settings):
    settings.ROOT_URLCONF = "project.urls.issuer"
    assert client.get("/")["Location"] == "/accounts/"

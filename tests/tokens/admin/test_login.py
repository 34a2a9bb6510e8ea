"""The admin's login page has the headers of the issuer's own login page, and shows no messages of earlier users."""

import re
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.staticfiles import finders

from tokens.models import User
from tokens.views.pages import ADMIN_HEADERS

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]
PAGE = "/admin/login/"


@pytest.fixture
def answers(client, settings):
    """Return three answers of the admin's login page: to a GET, to a wrong password, and to one attempt too many."""
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"login": (1, 86_400)}}
    first_answer = client.get(PAGE)
    attempts = [client.post(PAGE, {"username": "ada", "password": "x"}) for _ in range(2)]
    assert [attempt.status_code for attempt in attempts] == [200, 429]
    return [first_answer, *attempts]


def test_the_login_page_cannot_be_framed_or_cached(answers):
    for answer in answers:
        assert {name: answer.headers.get(name) for name in ADMIN_HEADERS} == ADMIN_HEADERS
    policy = dict(rule.strip().split(" ", 1) for rule in ADMIN_HEADERS["Content-Security-Policy"].split(";"))
    assert (policy["frame-ancestors"], policy["script-src"], policy["default-src"]) == ("'none'", "'self'", "'none'")


def test_the_content_security_policy_allows_every_file_of_the_login_page(answers):
    page = answers[0].content.decode()
    loaded = re.findall(r'<(?:link|script|img)[^>]+?(?:href|src)="([^"]+)"', page)
    assert any(address.endswith(".js") for address in loaded)
    for address in loaded:
        assert finders.find(address.removeprefix("/static/")), address
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\bstyle=|\bon\w+=", page), "nothing stands inline"
    for style in (address for address in loaded if address.endswith(".css")):
        css = Path(finders.find(style.removeprefix("/static/"))).read_text()
        assert not re.search(r"""url\(["']?(data|https?):""", css)


def test_pages_after_the_login_have_the_admin_s_own_headers(client):
    client.force_login(User.objects.create_superuser("root"))
    for page in ("/admin/", "/admin/tokens/client/", "/admin/tokens/client/add/?all=1"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "Content-Security-Policy" not in answer, "its widgets bring scripts and styles of their own"


def messages_on(answer):
    return re.findall(r'<ul class="messagelist">(.*?)</ul>', answer.content.decode(), re.DOTALL)


def test_messages_of_an_earlier_user_are_not_shown_to_the_next_user(client):
    """The messages are from a login, a logout, and an admin action whose result page was not opened."""
    _, other = (User.objects.create_superuser(name, password="correct horse battery") for name in ("root", "other"))
    client.post("/accounts/login/", {"login": "root", "password": "correct horse battery"})
    form = {"action": "log_out_everywhere", "_selected_action": [other.pk]}
    assert client.post("/admin/tokens/user/", form).status_code == 302, (
        "and the page that shows the message is not read"
    )
    client.post("/accounts/logout/")
    assert messages_on(client.get(PAGE)) == []
    client.post(PAGE, {"username": "other", "password": "correct horse battery"})
    assert messages_on(client.get("/admin/")) == []


def test_the_login_page_drops_messages_of_a_session_that_continues(client):
    """The user has lost access to the admin, so the admin shows the login page although the user is logged in."""
    root = User.objects.create_superuser("root", password="correct horse battery")
    other = User.objects.create_user("other")
    client.force_login(root)
    client.post("/admin/tokens/user/", {"action": "log_out_everywhere", "_selected_action": [other.pk]})
    assert "logged out everywhere" in client.session["_messages"]
    User.objects.filter(pk=root.pk).update(is_staff=False, is_superuser=False)
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert "logged out everywhere" not in answer.content.decode()
    assert "_messages" not in client.session


def test_the_admin_shows_its_messages_to_their_user(client):
    client.force_login(User.objects.create_superuser("root"))
    other = User.objects.create_user("other")
    answer = client.post("/admin/tokens/user/", {"action": "log_out_everywhere", "_selected_action": [other.pk]})
    assert "Users logged out everywhere: 1." in client.get(answer["Location"]).content.decode()


def test_a_password_alone_opens_the_admin_for_no_user_with_a_second_factor(client):
    root = User.objects.create_superuser("root", password="correct horse battery")
    TOTP.activate(root, generate_totp_secret())
    form = {"username": "root", "password": "correct horse battery", "next": "/admin/tokens/client/"}
    answer = client.post(PAGE, form)
    assert answer["Location"] == "/accounts/login/?next=%2Fadmin%2Ftokens%2Fclient%2F"
    assert "_auth_user_id" not in client.session
    assert client.post(PAGE, form | {"password": "x"}).status_code == 200, "a wrong password reveals no factor"

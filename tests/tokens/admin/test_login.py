"""The admin's login page is as closed as our own, and the admin's own styles and scripts go on working."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from tokens.models import User
from tokens.views.pages import ADMIN_HEADERS

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]
PAGE = "/admin/login/"


@pytest.fixture
def answers(client, settings):
    """The page in all its answers."""
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"login": (1, 86_400)}}
    asked = client.get(PAGE)
    tried = [client.post(PAGE, {"username": "ada", "password": "x"}) for _ in range(2)]
    assert [one.status_code for one in tried] == [200, 429]
    return [asked, *tried]


def test_no_site_frames_it_and_no_cache_keeps_it(answers):
    for answer in answers:
        assert {name: answer.headers.get(name) for name in ADMIN_HEADERS} == ADMIN_HEADERS
    policy = dict(rule.strip().split(" ", 1) for rule in ADMIN_HEADERS["Content-Security-Policy"].split(";"))
    assert (policy["frame-ancestors"], policy["script-src"], policy["default-src"]) == ("'none'", "'self'", "'none'")


def test_all_that_it_loads_is_ours_and_allowed(answers):
    page = answers[0].content.decode()
    loaded = re.findall(r'<(?:link|script|img)[^>]+?(?:href|src)="([^"]+)"', page)
    assert any(address.endswith(".js") for address in loaded)
    for address in loaded:
        assert finders.find(address.removeprefix("/static/")), address
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\bstyle=|\bon\w+=", page), "nothing stands inline"
    for style in (address for address in loaded if address.endswith(".css")):
        css = Path(finders.find(style.removeprefix("/static/"))).read_text()
        assert not re.search(r"""url\(["']?(data|https?):""", css)


def test_the_pages_behind_it_are_the_admin_s_own(client):
    client.force_login(User.objects.create_superuser("root"))
    for page in ("/admin/", "/admin/tokens/client/", "/admin/tokens/client/add/"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "Content-Security-Policy" not in answer, "its widgets bring scripts and styles of their own"


def shown(answer):
    return re.findall(r'<ul class="messagelist">(.*?)</ul>', answer.content.decode(), re.DOTALL)


def test_no_message_of_an_earlier_user_is_on_the_page_nor_on_the_next_user_s(client):
    """Each way in which one is left: of a login and a logout, and of what the admin did that no page showed yet."""
    _, other = (User.objects.create_superuser(name, password="correct horse battery") for name in ("root", "other"))
    client.post("/accounts/login/", {"login": "root", "password": "correct horse battery"})
    form = {"action": "log_out_everywhere", "_selected_action": [other.pk]}
    assert client.post("/admin/tokens/user/", form).status_code == 302, (
        "and the page that shows the message is not read"
    )
    client.post("/accounts/logout/")
    assert shown(client.get(PAGE)) == []
    client.post(PAGE, {"username": "other", "password": "correct horse battery"})
    assert shown(client.get("/admin/")) == []


def test_nor_one_that_is_left_in_a_session_that_goes_on(client):
    """Of a user who may not use the admin any more, so that the login page is shown in their session."""
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


def test_the_admin_s_own_messages_are_shown_to_whom_they_are_for(client):
    client.force_login(User.objects.create_superuser("root"))
    other = User.objects.create_user("other")
    answer = client.post("/admin/tokens/user/", {"action": "log_out_everywhere", "_selected_action": [other.pk]})
    assert "Users logged out everywhere: 1." in client.get(answer["Location"]).content.decode()

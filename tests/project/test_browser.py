"""The small browser of the tests (project.launch.browser) reads forms as a real browser would."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from project.launch import browser
from project.launch.browser import PAUSES, Browser, NoForm, NotLoopback, Page, forms

PAGE = """
<form action="/search"><input name="q"></form>
<form method="POST" action="/in"><input type="hidden" name="token" value="a&amp;b"><input name="login" value="x">
<input type="checkbox" name="remember"><input type="radio" name="r" value="2" checked><textarea name="body"></textarea>
<button name="allow" value="true">Allow</button><button name="allow" value="false">Refuse</button></form>
<input name="outside">
"""


def test_each_form_is_read_with_the_values_it_has():
    search, login = forms(PAGE)
    assert (search.action, search.method, search.fields) == ("/search", "get", {"q": ""})
    assert (login.action, login.method) == ("/in", "post")
    assert login.fields == {"token": "a&b", "login": "x", "r": "2", "body": ""}


def test_of_two_buttons_with_one_name_the_first_is_pressed():
    assert forms(PAGE)[1].buttons == {"allow": "true"}


def test_a_form_that_is_not_there_is_not_submitted():
    page = Page("http://localhost:1/in?code=secret", 200, PAGE, ())
    with pytest.raises(NoForm, match=r"^no form with password at http://localhost:1/in \(200\)$"):
        Browser().submit(page, {"password": "x"})


@pytest.mark.parametrize("url", ["http://203.0.113.1/", "https://localhost.example/", "http://localhost@203.0.113.1/"])
def test_nothing_is_sent_away_from_this_machine(url):
    with pytest.raises(NotLoopback):
        Browser().get(url)


@pytest.fixture
def origin() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            away, cookie = self.path == "/away", self.headers.get("Cookie", "none")
            self.send_response(302 if self.path in {"/away", "/set"} else 200)
            self.send_header("Location", "http://203.0.113.1/" if away else "/shown")
            if self.path == "/set":
                self.send_header("Set-Cookie", "name=value; Path=/")
            self.send_header("Content-Length", str(len(cookie)))
            self.end_headers()
            self.wfile.write(cookie.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_redirect_is_followed_with_the_cookie_it_set(origin):
    page = Browser().get(f"{origin}/set")
    assert (page.url, page.status, page.text, page.history) == (
        f"{origin}/shown",
        200,
        "name=value",
        (f"{origin}/set",),
    )


def test_a_redirect_away_from_this_machine_is_not_followed(origin):
    with pytest.raises(NotLoopback):
        Browser().get(f"{origin}/away")


LOGIN = Page("http://localhost:1/login", 200, '<form><input name="login"><input name="password"></form>', ())
BUSY = Page("http://localhost:1/login", 503, "Please wait", (), 2)


class Answers(Browser):
    """A browser that does not submit forms. Each `submit` returns the next of the given pages."""

    def __init__(self, *pages: Page) -> None:
        super().__init__()
        self.pages = list(pages)

    def submit(self, page, values, *, button=None):
        assert (page, values) == (LOGIN, {"login": "demo", "password": "x"})
        return self.pages.pop(0)


@pytest.mark.parametrize(
    ("pages", "slept"),
    [
        ([LOGIN], []),
        ([BUSY, LOGIN], [2]),
        ([Page(BUSY.url, 503, "down", ())], []),  # not a page that says when to try again
        ([Page(BUSY.url, 429, "Please wait", (), 60)], []),
        ([Page(BUSY.url, 503, "Please wait", (), 3600), LOGIN], [5]),
        ([BUSY] * (PAUSES + 1), [2] * PAUSES),
    ],
)
def test_a_login_is_repeated_while_the_issuer_is_busy(pages, slept, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(browser.time, "sleep", waits.append)
    answers = Answers(*pages)
    assert answers.log_in(LOGIN, "demo", "x") == pages[-1]
    assert (waits, answers.pages) == (slept, [])

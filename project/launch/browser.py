"""A small browser for programs: it keeps cookies, follows redirects, and submits the forms of a page."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

TIMEOUT = 20  # seconds
LONGEST_PAUSE = 5  # seconds
PAUSES = 10
"""The most times that `log_in` waits while the issuer hashes other passwords."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Page:
    """A loaded page, after all redirects."""

    url: str
    status: int
    text: str
    history: tuple[str, ...]
    """The addresses that redirected to this page, first to last."""
    retry_after: int = 0
    """The seconds in the header Retry-After (RFC 9110 section 10.2.3), or 0 if the page has none."""


@dataclass(slots=True)
class Form:
    """A form of a page, with its current values."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


class NoForm(Exception):
    """The page has no form with the requested fields and button."""


class NotLoopback(Exception):
    """Raised if an address or a redirect leads to another machine. No request was sent to that machine."""


class LoopbackAdapter(HTTPAdapter):
    """An adapter for `requests` that sends requests to this machine only, even if they follow a redirect."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send the request. Raises NotLoopback if the host is not this machine."""
        host = urlsplit(request.url or "").hostname
        if host not in LOOPBACK:
            raise NotLoopback(f"{host} is not this machine")
        return super().send(request, *args, **kwargs)


class Browser:
    """One user's browser, on loopback.

    The ports of a host share their cookies, as in every browser (RFC 6265 section 8.5).
    """

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between two loopback addresses
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, LoopbackAdapter())

    def get(self, url: str) -> Page:
        """Load a page, and follow redirects."""
        return self._page(self._session.get(url, timeout=TIMEOUT))

    def submit(self, page: Page, values: Mapping[str, str], *, button: str | None = None) -> Page:
        """Submit the first form that has all fields of `values` (and `button`, if given), and return the next page.

        Raises NoForm if there is no such form.
        """
        form = next((form for form in forms(page.text) if _fits(form, values, button)), None)
        if form is None:
            names = ", ".join([*values, *([button] if button else [])])
            raise NoForm(f"no form with {names} at {page.url.partition('?')[0]} ({page.status})")
        data = {**form.fields, **values, **({button: form.buttons[button]} if button else {})}
        url = urljoin(page.url, form.action)
        if form.method == "get":
            return self._page(self._session.get(url, params=data, timeout=TIMEOUT))
        # Browsers send the page's address as Referer, and Django checks it on https connections.
        return self._page(self._session.post(url, data=data, headers={"Referer": page.url}, timeout=TIMEOUT))

    def log_in(self, page: Page, name: str, password: str) -> Page:
        """Submit the login form of the page, and return the next page.

        If the answer is 503 with Retry-After, wait and submit again, at most PAUSES times. Raises NoForm if the page
        has no login form.
        """
        landed = self.submit(page, {"login": name, "password": password})
        for _ in range(PAUSES):
            if landed.status != HTTPStatus.SERVICE_UNAVAILABLE or not landed.retry_after:
                break
            time.sleep(min(landed.retry_after, LONGEST_PAUSE))
            landed = self.submit(page, {"login": name, "password": password})
        return landed

    @staticmethod
    def _page(response: requests.Response) -> Page:
        retry_after = response.headers.get("Retry-After", "")
        return Page(
            response.url,
            response.status_code,
            response.text,
            tuple(redirect.url for redirect in response.history),
            int(retry_after) if retry_after.isdecimal() else 0,
        )


def forms(html: str) -> list[Form]:
    """Return every form of a page, with the current values of its fields."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def _fits(form: Form, values: Mapping[str, str], button: str | None) -> bool:
    return values.keys() <= form.fields.keys() and (button is None or button in form.buttons)


class _Forms(HTMLParser):
    """A parser that collects the forms of a page. It omits radio buttons and checkboxes that are not checked."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = True
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get").lower()))
        elif self._open and attributes.get("name"):
            self._field(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False

    def _field(self, tag: str, attributes: dict[str, str]) -> None:
        form, kind = self.forms[-1], attributes.get("type", "text" if tag == "input" else "submit")
        name, value = attributes["name"], attributes.get("value", "")
        if tag in {"input", "button"} and kind == "submit":
            form.buttons.setdefault(name, value)  # the Enter key presses the first button
        elif tag in {"textarea", "select"}:
            form.fields[name] = ""
        elif tag == "input" and (kind not in {"checkbox", "radio"} or "checked" in attributes):
            form.fields[name] = value

"""A small browser for programs: it keeps cookies, follows redirects, and submits the forms of a page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

TIMEOUT = 20  # seconds
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Page:
    """A loaded page, after all redirects."""

    url: str
    status: int
    text: str
    history: tuple[str, ...]
    """The addresses that redirected here, first to last."""


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
    """An address or a redirect does not lead to this machine; nothing was sent there."""


class LoopbackAdapter(HTTPAdapter):
    """Sends to this machine only. Redirects come through here as well."""

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
        """Submit the form that has all fields of `values`, and `button` if given. Raises NoForm if there is none."""
        form = next((form for form in forms(page.text) if _fits(form, values, button)), None)
        if form is None:
            names = ", ".join([*values, *([button] if button else [])])
            raise NoForm(f"no form with {names} at {page.url.partition('?')[0]} ({page.status})")
        data = {**form.fields, **values, **({button: form.buttons[button]} if button else {})}
        url = urljoin(page.url, form.action)
        if form.method == "get":
            return self._page(self._session.get(url, params=data, timeout=TIMEOUT))
        # Browsers send the page's address, and Django checks it on https connections.
        return self._page(self._session.post(url, data=data, headers={"Referer": page.url}, timeout=TIMEOUT))

    @staticmethod
    def _page(response: requests.Response) -> Page:
        return Page(
            response.url, response.status_code, response.text, tuple(redirect.url for redirect in response.history)
        )


def forms(html: str) -> list[Form]:
    """Return every form of a page, with the current values of its fields."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def _fits(form: Form, values: Mapping[str, str], button: str | None) -> bool:
    return values.keys() <= form.fields.keys() and (button is None or button in form.buttons)


class _Forms(HTMLParser):
    """Collects the forms of a page. Only checked radio buttons and checkboxes have a value."""

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
            form.buttons.setdefault(name, value)  # Enter presses the first one
        elif tag in {"textarea", "select"}:
            form.fields[name] = ""
        elif tag == "input" and (kind not in {"checkbox", "radio"} or "checked" in attributes):
            form.fields[name] = value

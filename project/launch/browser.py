"""A small browser for programs: it keeps cookies, follows redirects, and fills in the forms that a page shows."""

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
    """What was loaded in the end."""

    url: str
    status: int
    text: str
    history: tuple[str, ...]
    """The addresses that redirected here, first to last."""


@dataclass(slots=True)
class Form:
    """A form as the page shows it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


class NoForm(Exception):
    """The page shows no form with the fields or the button that were asked for."""


class NotLoopback(Exception):
    """An address led away from this machine; nothing was sent there."""


class LoopbackAdapter(HTTPAdapter):
    """Sends to this machine only. Redirects come through here as well."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, or raise NotLoopback."""
        host = urlsplit(request.url or "").hostname
        if host not in LOOPBACK:
            raise NotLoopback(f"{host} is not this machine")
        return super().send(request, *args, **kwargs)


class Browser:
    """One user's browser, on loopback.

    Cookies are shared between the ports of a host, as everywhere (RFC 6265 section 8.5).
    """

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between two loopback addresses
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, LoopbackAdapter())

    def get(self, url: str) -> Page:
        """Load a page, following redirects."""
        return self._page(self._session.get(url, timeout=TIMEOUT))

    def submit(self, page: Page, values: Mapping[str, str], *, button: str | None = None) -> Page:
        """Submit the page's form that has all of `values` (and `button`); raises NoForm when there is none."""
        form = next((form for form in forms(page.text) if _fits(form, values, button)), None)
        if form is None:
            wanted = ", ".join([*values, *([button] if button else [])])
            raise NoForm(f"no form with {wanted} at {page.url.partition('?')[0]} ({page.status})")
        data = {**form.fields, **values, **({button: form.buttons[button]} if button else {})}
        url = urljoin(page.url, form.action)
        if form.method == "get":
            return self._page(self._session.get(url, params=data, timeout=TIMEOUT))
        # A browser names the page's origin, and Django checks it where the connection is https.
        return self._page(self._session.post(url, data=data, headers={"Referer": page.url}, timeout=TIMEOUT))

    @staticmethod
    def _page(response: requests.Response) -> Page:
        return Page(response.url, response.status_code, response.text, tuple(one.url for one in response.history))


def forms(html: str) -> list[Form]:
    """Every form of a page, with the values that its fields have already."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def _fits(form: Form, values: Mapping[str, str], button: str | None) -> bool:
    return values.keys() <= form.fields.keys() and (button is None or button in form.buttons)


class _Forms(HTMLParser):
    """Collects forms; of radio buttons and boxes only those that are checked have a value."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = True
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self._open and given.get("name"):
            self._field(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, kind = self.forms[-1], given.get("type", "text" if tag == "input" else "submit")
        if tag in {"input", "button"} and kind == "submit":
            form.buttons.setdefault(given["name"], given.get("value", ""))  # the first is the one that Enter presses
        elif tag in {"textarea", "select"}:
            form.fields[given["name"]] = ""
        elif tag == "input" and (kind not in {"checkbox", "radio"} or "checked" in given):
            form.fields[given["name"]] = given.get("value", "")

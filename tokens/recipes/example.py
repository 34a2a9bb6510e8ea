"""The example values that recipes are written with, and how real ones replace them. Pure.

- A recipe names the issuer ISSUER, the application's site SITE, an API of the operator API with the scope SCOPE.
- CLIENT_ID, CLIENT_SECRET and SECRET stand for themselves.
- Without an API, SCOPE disappears from lists and from texts of scopes. Code that calls the API stays as an example.
- An API whose identifier is no URL has no known address: code that calls it stays as an example, too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

ISSUER, SITE, API, SCOPE = "https://issuer.example", "https://app.example", "https://api.example/", "notes:read"
ISSUER_WITH_PATH = f"{ISSUER}/sso"
"""For the programs that refuse an issuer without a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealValues:
    """The real values. An empty one leaves the example."""

    issuer: str = ""
    site: str = ""
    """Scheme and host of the application, without a slash at the end."""
    client_id: str = ""
    secret: str = ""
    scopes: Sequence[str] = ()
    """The scopes of the operator's API that the client requests. Empty: SCOPE is removed."""
    api: str = ""
    """The identifier of that API."""
    identifier: tuple[str, str] = ("", "")
    """The API's identifier in the recipe of a resource server, and the real one."""
    api_scopes: tuple[Sequence[str], Sequence[str]] = ((), ())
    """The API's scopes in that recipe, and the real ones."""


def fill(text: str, values: RealValues) -> str:
    """Return `text` with the real values."""
    for example, real in ((ISSUER_WITH_PATH, values.issuer), (ISSUER, values.issuer), (SITE, values.site)):
        text = text.replace(example, real) if real else text
    if urlsplit(values.api).scheme in {"http", "https"}:
        text = re.sub(rf"{API}(?=\w)", lambda _: f"{values.api.rstrip('/')}/", text).replace(API, values.api)
    text = _with_scopes(text, values.scopes)
    text = _with_api(text, values)
    for word, value in (("CLIENT_ID", values.client_id), ("CLIENT_SECRET", values.secret), ("SECRET", values.secret)):
        text = re.sub(rf"\b{word}\b", lambda _, value=value: value, text) if value else text  # type: ignore[misc]
    return text


def _with_scopes(text: str, scopes: Sequence[str]) -> str:
    """Put the scopes in place of SCOPE, or remove it."""
    if scopes:
        quoted = re.sub(rf"""(["']){SCOPE}\1""", lambda match: _list(scopes, match[1]), text)
        return quoted.replace(SCOPE, " ".join(scopes))
    for pattern in (rf""",\s*(["']){SCOPE}\1""", rf"""(["']){SCOPE}\1,?\s*""", rf"[ ,]{SCOPE}", SCOPE):
        text = re.sub(pattern, "", text)
    return text


def _list(scopes: Sequence[str], quote: str) -> str:
    return ", ".join(f"{quote}{scope}{quote}" for scope in scopes)


def _with_api(text: str, values: RealValues) -> str:
    """Put the API's real identifier, host and scopes in place of the recipe's."""
    example, real = values.identifier
    if example and real:
        text = text.replace(example, real)
        hosts = urlsplit(example).hostname, urlsplit(real).hostname
        text = text.replace(*hosts) if all(hosts) else text  # type: ignore[arg-type]
    examples, scopes = values.api_scopes
    if examples and scopes:
        text = text.replace(examples[0], scopes[0])
    return text

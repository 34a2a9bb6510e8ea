"""Replaces the example values in the text of a recipe by real values. Pure.

- The constants ISSUER, SITE, API and SCOPE are the example values of the issuer, the application's site, an API of the
  operator, and a scope of this API.
- The placeholders for the client's credentials are the words CLIENT_ID, CLIENT_SECRET and SECRET.
- If the client requests no scope of an API, SCOPE is removed from the text.
- The text gets the identifier of the client's API in place of the constant API. If the client has no API, or if the
  identifier is not a URL, the example value stays in the text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ISSUER, SITE, API, SCOPE = "https://issuer.example", "https://app.example", "https://api.example/", "notes:read"
ISSUER_WITH_PATH = f"{ISSUER}/sso"
"""The example issuer for programs that refuse an issuer without a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealValues:
    """The values of a real registration, which replace the example values in the text of a recipe.

    If a value other than `scopes` is empty, its example value is not replaced.
    """

    issuer: str = ""
    site: str = ""
    """Scheme and host of the application, without a slash at the end."""
    client_id: str = ""
    secret: str = field(default="", repr=False)
    scopes: Sequence[str] = ()
    """The scopes of the operator's API that the client requests. If there are none, SCOPE is removed."""
    api: str = ""
    """The identifier of the API whose scopes the client requests."""
    identifier: tuple[str, str] = ("", "")
    """For a resource server: the identifier in its recipe, and the real identifier."""
    api_scopes: tuple[Sequence[str], Sequence[str]] = ((), ())
    """For a resource server: the scopes in its recipe, and the real scopes."""


def fill(text: str, values: RealValues) -> str:
    """Return `text` with the real values in place of the example values."""
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
    """Return the text with `scopes` in place of SCOPE, or without SCOPE if there are no scopes."""
    if scopes:
        quoted = re.sub(rf"""(["']){SCOPE}\1""", lambda match: _list(scopes, match[1]), text)
        return quoted.replace(SCOPE, " ".join(scopes))
    for pattern in (rf""",\s*(["']){SCOPE}\1""", rf"""(["']){SCOPE}\1,?\s*""", rf"[ ,]{SCOPE}", SCOPE):
        text = re.sub(pattern, "", text)
    return text


def _list(scopes: Sequence[str], quote: str) -> str:
    return ", ".join(f"{quote}{scope}{quote}" for scope in scopes)


def _with_api(text: str, values: RealValues) -> str:
    """Return the text of a resource server's recipe with the real identifier, host and first scope of the API."""
    example, real = values.identifier
    if example and real:
        text = text.replace(example, real)
        hosts = urlsplit(example).hostname, urlsplit(real).hostname
        text = text.replace(*hosts) if all(hosts) else text  # type: ignore[arg-type]
    examples, scopes = values.api_scopes
    if examples and scopes:
        text = text.replace(examples[0], scopes[0])
    return text

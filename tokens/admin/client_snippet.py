"""Blocks of code to paste for a new client: the templates of the client's kind, filled in with the client's values.

- A value is written as a literal of the block's language, so that no redirect URI or name can end the literal and add
  code.
- For Python and JavaScript, the literal is a JSON string of ASCII characters, which is valid in both languages.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.template.loader import render_to_string

from tokens.metadata.document import addresses
from tokens.registration.kinds import ClientKind, Snippet

TEMPLATES = "tokens/snippets/"
OPENID = ("openid", "profile", "email", "offline_access")
SECRET = "CLIENT_SECRET"  # noqa: S105 (a placeholder, not a secret)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that a template prints as a literal: in Python or JavaScript (`code`), or in a shell (`shell`)."""

    text: str

    @property
    def code(self) -> str:
        """Return the text as a string literal that is valid in Python and in JavaScript."""
        return json.dumps(self.text)

    @property
    def shell(self) -> str:
        """Return the text quoted as one word of a POSIX shell."""
        return shlex.quote(self.text)

    def __bool__(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values of a new client that the code to paste contains, such as its ID and secret."""

    issuer: str
    client_id: str
    secret: str | None = field(repr=False)
    redirect_uris: Sequence[str]
    post_logout_redirect_uris: Sequence[str]
    scopes: Sequence[str]
    """The scopes of APIs, without those of OpenID Connect."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code to paste into the client's program, with the title of the block."""

    title: str
    text: str


def blocks(kind: ClientKind, values: Values) -> list[Block]:
    """Return the blocks of code to paste for a client of this `kind`, filled in with the client's `values`."""
    context = _context(kind, values)
    fitting = [snippet for snippet in kind.snippets if _fits(snippet, values.redirect_uris)]
    return [
        Block(snippet.title, render_to_string(TEMPLATES + snippet.template, context).strip() + "\n")
        for snippet in fitting
    ]


def _fits(snippet: Snippet, redirect_uris: Sequence[str]) -> bool:
    return snippet.loopback is None or snippet.loopback == _is_loopback(redirect_uris)


def _is_loopback(redirect_uris: Sequence[str]) -> bool:
    return bool(redirect_uris) and urlsplit(redirect_uris[0]).hostname in LOOPBACK


def _context(kind: ClientKind, values: Values) -> Mapping[str, object]:
    """Return the variables for the templates of the code blocks, such as `client_id`.

    Each value is a `Literal`. A template prints its attribute `code` in Python and JavaScript, and `shell` in a shell.
    """
    base, api_scope = values.issuer.rstrip("/"), " ".join(values.scopes)
    scope = " ".join((*OPENID, *values.scopes))
    sent = scope if kind.logs_in else api_scope
    texts = {
        "issuer": values.issuer,
        "client_id": values.client_id,
        "secret": values.secret or "",
        "credentials": f"{values.client_id}:{values.secret or SECRET}",
        "redirect_uri": values.redirect_uris[0] if values.redirect_uris else "",
        "post_logout_redirect_uri": values.post_logout_redirect_uris[0] if values.post_logout_redirect_uris else "",
        "scope": scope,
        "api_scope": api_scope,
        "scope_parameter": f"scope={sent}",
        "client_parameter": f"client_id={values.client_id}",
        "discovery": f"{base}/.well-known/openid-configuration",
        **addresses(base),
    }
    literals = {name: Literal(text) for name, text in texts.items()}
    return {**literals, "insecure": values.issuer.startswith("http://")}

"""Reads and checks the request parameters of the endpoints (RFC 6749 sections 3.1 and 3.2).

- Parameters without a value, and parameters that an endpoint does not declare, are ignored.
- A parameter must not contain a control character, and must not be repeated, except `resource` (RFC 8707) and
  `audience` (RFC 8693).
- Parameters of a form must be in its body, not in the URL, which logs and browser histories keep.
"""

import re

from django.http import HttpRequest, QueryDict

from tokens.errors import OAuthError
from tokens.models import GrantType

Pairs = list[tuple[str, str]]

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ONE_SCOPE = r"[\x21\x23-\x5b\x5d-\x7e]+"
SCOPE = re.compile(rf"{ONE_SCOPE}(?: {ONE_SCOPE})*")

FORM = "application/x-www-form-urlencoded"
REPEATABLE = "resource"  # RFC 8707 section 2
REPEATABLE_TOO = "audience"  # RFC 8693 section 2.1: only in a token exchange

AUTHORIZATION = frozenset(
    (
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "resource",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "nonce",
        "prompt",
        "max_age",
        "login_hint",
        "id_token_hint",
        "acr_values",
        "claims",
        "ui_locales",
        "dpop_jkt",
        "request",
        "request_uri",
    )
)
DECISIVE = frozenset({"client_id", "redirect_uri"})
"""If one of these is malformed or repeated, no error may be redirected to the client (RFC 6749 section 4.1.2.1)."""
CLIENT = frozenset({"client_id", "client_secret", "client_assertion", "client_assertion_type"})
EXCHANGE = frozenset(
    (
        "subject_token",
        "subject_token_type",
        "requested_token_type",
        "audience",
        "actor_token",
        "actor_token_type",
    )
)
TOKEN = (
    CLIENT
    | EXCHANGE
    | {
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "device_code",
        "scope",
        "resource",
        "assertion",
    }
)


def sent(request: HttpRequest) -> Pairs:
    """Return the (name, value) pairs of the form in a request, in order.

    Uses the pairs that `tokens/views/bodies.py` parsed, if there are any, else those that Django parsed.
    """
    parsed: Pairs | None = getattr(request, "form_pairs", None)
    if parsed is not None:
        return parsed
    return [(name, value) for name, values in request.POST.lists() for value in values]


def declared(form: QueryDict, names: frozenset[str]) -> Pairs:
    """Return the (name, value) pairs of the parameters in `names`, without empty values (RFC 6749 section 3.1).

    Raises OAuthError invalid_request if a value holds a control character.
    """
    pairs = present(form, names)
    require_printable(pairs)
    return pairs


def present(form: QueryDict, names: frozenset[str]) -> Pairs:
    """Return the (name, value) pairs of the parameters in `names`, without empty values. Checks nothing."""
    return [(name, value) for name, values in form.lists() if name in names for value in values if value]


def require_strict(pairs: Pairs, *, query: str) -> None:
    """Raise OAuthError invalid_request if a parameter has a control character or is repeated, or `query` is not empty.

    `pairs` are the parameters of the body, which `tokens/views/bodies.py` has parsed. `query` is the query string of
    the URL.
    """
    if query:
        raise OAuthError("invalid_request", "Send the parameters in the body, not in the URL.")
    require_printable(pairs)
    if name := repeated(pairs):
        raise OAuthError("invalid_request", f"The {name} parameter occurs more than once.")


def require_printable(pairs: Pairs) -> None:
    """Raise OAuthError invalid_request if a value holds a control character."""
    if name := garbled(pairs):
        raise OAuthError("invalid_request", f"The {name} parameter holds a control character.")


def scopes(value: str | None) -> list[str]:
    """Split the parameter `scope` into its scopes (RFC 6749 section 3.3). Returns [] if `value` is None.

    Raises OAuthError invalid_scope if the value is malformed.
    """
    if value is None:
        return []
    if not SCOPE.fullmatch(value):
        raise OAuthError(
            "invalid_scope", "The scope is malformed; separate scopes by one space each, without quotes or backslashes."
        )
    return value.split(" ")


def garbled(pairs: Pairs) -> str | None:
    """Return the name of the first parameter whose value has a control character, or None."""
    return next((name for name, value in pairs if CONTROL.search(value)), None)


def damaged(pairs: Pairs) -> str | None:
    """Return the name of the first parameter whose value is not UTF-8, or None.

    Django replaces bytes that are not UTF-8 by U+FFFD. So each value that contains U+FFFD counts as damaged.
    """
    return next((name for name, value in pairs if REPLACEMENT in value), None)


def repeated(pairs: Pairs) -> str | None:
    """Return the name of the first parameter that is repeated although it must not be, or None.

    `resource` may be repeated, and in token exchange also `audience`. See RFC 6749 sections 3.1 and 3.2.
    """
    may = {REPEATABLE, REPEATABLE_TOO} if ("grant_type", GrantType.TOKEN_EXCHANGE.value) in pairs else {REPEATABLE}
    names = [name for name, _ in pairs if name not in may]
    return next((name for name in names if names.count(name) > 1), None)

"""Remove secrets from addresses, headers and bodies. Pure.

- A form parameter is masked unless PARAMETERS names it. The headers that HEADERS names are shown, and Authorization and
  Location are shown with masked values. All other headers are omitted. So a new parameter or header is never shown by
  accident.
- In JSON, a value is masked if SECRETS has its name. The token endpoint's JSON is masked like a form.
- Only the first characters of a JWT are shown, without the signature. Any other token is masked as a whole.
- `decoded` returns the header and the claims of a JWT, which a developer needs.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MASK = "(masked)"
MAX_BODY = 8000  # characters of a body that are shown

HEADERS = frozenset(
    {
        "accept", "allow", "cache-control", "content-length", "content-type", "date", "etag", "host", "location",
        "retry-after", "www-authenticate",
    }
)  # fmt: skip
PARAMETERS = frozenset(
    {
        "acr_values", "client_id", "code_challenge", "code_challenge_method", "error", "error_description",
        "expires_in", "grant_type", "iss", "issued_token_type", "max_age", "prompt", "redirect_uri", "resource",
        "response_mode", "response_type", "scope", "token_type", "token_type_hint",
    }
)  # fmt: skip
TOKENS = frozenset({"access_token", "id_token", "token"})
SECRETS = frozenset(
    {
        "access_token", "client_assertion", "client_secret", "code", "code_verifier", "d", "device_code", "dp", "dq",
        "id_token", "k", "nonce", "oth", "p", "password", "q", "qi", "refresh_token", "state", "token",
    }
)  # fmt: skip
"""The names in JSON whose values are masked. Short names, such as "d", are private members of a JWK (RFC 7518)."""

_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")


def mask_token(token: str) -> str:
    """Return the beginning of a JWT, without its signature. Any other token is masked as a whole."""
    return f"{token[:12]}… (signature cut)" if _JWT.fullmatch(token) else MASK


def mask_text(text: str) -> str:
    """Return the text, in which each JWT is replaced by its beginning, without its signature."""
    return _JWT.sub(lambda match: mask_token(match[0]), text)


def mask_pairs(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a form or query. The value of a parameter is masked unless PARAMETERS names it."""
    return tuple((name, _masked(name, value)) for name, value in pairs)


def mask_url(url: str) -> str:
    """Return the address for display. Omits user and fragment. The values of the query are decoded and masked."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""
    query = "&".join(f"{name}={value}" for name, value in mask_pairs(parse_qsl(parts.query, keep_blank_values=True)))
    return f"{origin}{parts.path}?{query}" if query else f"{origin}{parts.path}"


def mask_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the headers that HEADERS names, and Authorization and Location with masked values.

    Omits all other headers, such as cookies.
    """
    shown = []
    for name, value in headers.items():
        if name.lower() == "authorization":
            shown.append((name, _credentials(value)))
        elif name.lower() == "location":
            shown.append((name, mask_url(value)))
        elif name.lower() in HEADERS:
            shown.append((name, mask_text(value)))
    return tuple(shown)


def mask_body(body: str, content_type: str, *, named: bool) -> str:
    """Return a body for display: a form or JSON with masked values, or the length of any other body.

    In a form, a value is masked unless PARAMETERS has its name. In JSON, if `named` is True, a value is masked by the
    same rule. In JSON, if `named` is False, a value is masked only if SECRETS has its name.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return ""
    if kind == "application/x-www-form-urlencoded":
        pairs = mask_pairs(parse_qsl(body, keep_blank_values=True))
        return "\n".join(f"{name}={value}" for name, value in pairs)[:MAX_BODY]
    if kind == "application/json" or kind.endswith("+json"):
        try:
            text = json.dumps(_json(json.loads(body), named=named), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return "(not JSON)"
        return text if len(text) <= MAX_BODY else f"{text[:MAX_BODY]} …"
    return f"({len(body)} characters)"


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return header and claims of a JWT, unverified. Returns None if the token is not a JWT."""
    try:
        header, claims, _ = token.split(".")
        parts = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, claims)]
    except (binascii.Error, ValueError, RecursionError):
        return None
    return (parts[0], parts[1]) if all(isinstance(part, dict) for part in parts) else None


def _masked(name: str, value: str) -> str:
    if name in TOKENS:
        return mask_token(value)
    return mask_text(value) if name in PARAMETERS else MASK


def _credentials(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "bearer":
        return f"{scheme} {mask_token(rest)}"
    return f"{scheme} {MASK}" if rest and scheme.isalpha() else MASK


def _json(value: Any, *, named: bool) -> Any:
    if isinstance(value, dict):
        return {name: _member(name, each, named=named) for name, each in value.items()}
    if isinstance(value, list):
        return [_json(each, named=named) for each in value]
    return mask_text(value) if isinstance(value, str) else value


def _member(name: str, value: Any, *, named: bool) -> Any:
    if name in TOKENS:
        return mask_token(value) if isinstance(value, str) else MASK
    if name in SECRETS or (named and name not in PARAMETERS):
        return MASK
    return _json(value, named=named)

"""Reads, verifies and checks a signed request object (RFC 9101 sections 4 and 6). Pure.

A request object is valid for a client if
1. it is a compact JWT with a permitted `alg`, an expected `typ`, and no critical extension (`read`);
2. client_id, iss, aud and exp are present and well-formed; request and request_uri are absent (`read`);
3. a key of the client verifies its signature (`Assertion.verified`);
4. client_id and iss name the client, aud is this issuer alone, and the object is valid now (`check`).

Then `parameters` returns the authorization request. Parameters outside of the request object are not part of
the authorization request (section 6.3).

`typ` can be missing, because request objects of OpenID Connect have none, and RFC 9101 section 10.8 permits that. `sub`
must not be the client_id. Otherwise, an assertion that authenticates a client could pass as a request object.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from tokens.clients import assertion
from tokens.clients.assertion import Assertion, InvalidAssertion

TYPES = frozenset({None, "jwt", "oauth-authz-req+jwt"})
FORBIDDEN = ("request", "request_uri")
"""Claims that must be absent, because a request object must not contain another one (section 4)."""
NUMBERS = frozenset({"max_age"})
OBJECTS = frozenset({"claims"})
LISTS = frozenset({"resource"})


def read(text: str) -> Assertion:
    """Parse the request object in `text`, without verifying its signature.

    Raises InvalidAssertion if the text is not a permitted JWT, or if a claim is missing, malformed or forbidden
    (conditions 1 and 2 of the module's docstring).
    """
    parsed = assertion.parse(text, types=TYPES)
    claims = parsed.claims
    for name in ("client_id", "iss"):
        if not isinstance(claims.get(name), str):
            raise InvalidAssertion(f"its {name} is missing or malformed")
    assertion.check_form(claims)
    if forbidden := [name for name in FORBIDDEN if name in claims]:
        raise InvalidAssertion(f"it contains {forbidden[0]}")
    if claims.get("sub") == claims["client_id"]:
        raise InvalidAssertion("its sub is its client, as in an assertion that authenticates the client")
    return parsed


def check(parsed: Assertion, client_id: str, *, issuer: str, now: datetime) -> None:
    """Raise InvalidAssertion unless the object names this client and issuer, and is valid now.

    This is condition 4 of the module's docstring. The caller must have verified the signature.
    """
    if parsed.claims["client_id"] != client_id:
        raise InvalidAssertion("its client_id is not that of the request")
    if parsed.claims["iss"] != client_id:
        raise InvalidAssertion("its iss is not its client_id")
    assertion.check(parsed, audiences=(issuer,), now=now)


def parameters(claims: Mapping[str, Any], names: Collection[str]) -> list[tuple[str, str]]:
    """Return the claims with these `names` as (name, value) pairs of request parameters, without empty values.

    Raises InvalidAssertion if a value has a wrong type.
    """
    pairs = [(name, value) for name in sorted(names & claims.keys()) for value in _texts(name, claims[name])]
    return [(name, value) for name, value in pairs if value]


def _texts(name: str, value: object) -> list[str]:
    """Return the value of a claim as the texts of a request parameter: one text, or several for a list.

    Raises InvalidAssertion if the value has a wrong type.
    """
    if isinstance(value, str):
        return [value]
    if name in NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    if name in OBJECTS and isinstance(value, dict):
        return [json.dumps(value, separators=(",", ":"), ensure_ascii=False)]
    if name in LISTS and isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return value
    raise InvalidAssertion(f"its {name} has a wrong type")

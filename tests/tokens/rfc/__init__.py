"""Tests with a table for each RFC.

Each row of a table cites a section, and gives all parts of the answer that clients use.
"""

from typing import Any, NamedTuple
from unittest.mock import ANY
from urllib.parse import parse_qsl

import jwt
from django.utils import timezone
from django.utils.html import escape

from tests.tokens.factories import CALLBACK, make_client
from tokens.clients import client_secret
from tokens.issued import jws

ISSUER = "http://localhost:8000"

COMPARED = ("Content-Type", "Cache-Control", "Pragma", "WWW-Authenticate", "Allow", "Access-Control-Allow-Origin")
JSON = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
PAGE = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
BASIC = {"WWW-Authenticate": 'Basic realm="token endpoint", charset="UTF-8"'}


class Answer(NamedTuple):
    """A response in the form that tables compare. A header that a table does not list must be absent."""

    status: int
    headers: dict[str, Any]
    body: Any


def answer(response):
    """Return the status, the headers in COMPARED, cookies and the body of a response.

    For an error page, the body is only the message that the page shows.
    """
    headers = {name: response[name] for name in COMPARED if name in response}
    if "Location" in response:
        address, _, query = response["Location"].partition("?")
        headers["Location"] = (address, parse_qsl(query, keep_blank_values=True))
    if response.cookies:
        headers["Set-Cookie"] = sorted(response.cookies)
    if headers.get("Content-Type") == "application/json":
        return Answer(response.status_code, headers, response.json())
    text = response.content.decode()
    if response.context is None:
        return Answer(response.status_code, headers, text)
    message = response.context.get("error")
    message = None if message is None else str(message)  # it can be a text that is translated when it is read
    assert message is None or escape(message) in text
    return Answer(response.status_code, headers, message)


def refusal(error, description, *, status=400, headers=None):
    """Return the expected error as JSON that is not cached (RFC 6749 section 5.2)."""
    return Answer(status, JSON | (headers or {}), {"error": error, "error_description": description})


def granted(scope="notes:read", **more):
    """Return the expected token response with any access token (RFC 6749 section 5.1)."""
    body = {"access_token": ANY, "token_type": "Bearer", "expires_in": 600, "scope": scope}
    return Answer(200, JSON, body | more)


def redirected(*query, to=CALLBACK, status=302):
    """Return the expected redirect to the client, with exactly this query, in this order."""
    return Answer(status, PAGE | {"Location": (to, list(query))}, "")


def redirected_invalid_request(description):
    """Return the expected redirect with the error invalid_request (RFC 6749 section 4.1.2.1)."""
    error_parameters = [
        ("error", "invalid_request"),
        ("error_description", description),
        ("state", "s-1"),
        ("iss", ISSUER),
    ]
    return redirected(*error_parameters)


def page(error, *, status=400, headers=None):
    """Return the expected error page without a redirect (RFC 6749 section 4.1.2.1)."""
    return Answer(status, PAGE | (headers or {}), error)


INVALID_CLIENT = refusal("invalid_client", "Client authentication failed.", status=401)
INVALID_BASIC = refusal("invalid_client", "Client authentication failed.", status=401, headers=BASIC)
UNKNOWN_RESOURCE = refusal("invalid_target", "The resource is unknown, or this client may not use it.")
NOT_ITS_GRANT = refusal("unauthorized_client", "This client may not use the grant type.")


def unknown_scope(name):
    """Return the expected refusal of a scope that the client may not request (RFC 6749 section 5.2)."""
    return refusal("invalid_scope", f"The scope {name} is unknown, or this client may not request it.")


def repeated(name):
    """Return the expected refusal of a repeated parameter (RFC 6749 sections 3.1 and 3.2)."""
    return refusal("invalid_request", f"The {name} parameter occurs more than once.")


def missing(name):
    """Return the expected refusal of a request without a required parameter."""
    return refusal("invalid_request", f"Missing {name} parameter.")


def confidential(client_id, *grants, **fields):
    """Return a confidential client with its secret as `.plain`."""
    made = make_client(client_id, *grants, **fields)
    made.plain = client_secret.create(made, now=timezone.now())
    return made


def without_blanks(form):
    """Return the form without the parameters whose value is None."""
    return {name: value for name, value in form.items() if value is not None}


def claims_of(token):
    """Return the claims of a token without verifying its signature."""
    return jwt.decode(token, options={"verify_signature": False})


def signed_again(token, signer, *, typ="at+jwt", **changes):
    """Return the token with changed claims, signed again by the issuer. A claim that is None is removed."""
    return jws.sign(without_blanks(claims_of(token) | changes), typ=typ, signer=signer)

"""A table for each RFC: every row cites its section, and whole answers are compared, with all that a client acts on."""

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
    """A response as tables compare it; what stands in none of the headers is not there."""

    status: int
    headers: dict[str, Any]
    body: Any


def answer(response):
    """The whole answer: a redirect's query as pairs, cookies if any are set, of an error page what it says is wrong."""
    headers = {name: response[name] for name in COMPARED if name in response}
    if "Location" in response:
        address, _, query = response["Location"].partition("?")
        headers["Location"] = (address, parse_qsl(query, keep_blank_values=True))
    if response.cookies:
        headers["Set-Cookie"] = sorted(response.cookies)
    if headers["Content-Type"] == "application/json":
        return Answer(response.status_code, headers, response.json())
    text = response.content.decode()
    if response.context is None:
        return Answer(response.status_code, headers, text)
    told = response.context.get("error")
    assert told is None or escape(told) in text
    return Answer(response.status_code, headers, told)


def refusal(error, description, *, status=400, headers=None):
    """RFC 6749 section 5.2: an error as JSON that no cache keeps."""
    return Answer(status, JSON | (headers or {}), {"error": error, "error_description": description})


def granted(scope="notes:read", **more):
    """RFC 6749 section 5.1: a token response, whatever the token."""
    body = {"access_token": ANY, "token_type": "Bearer", "expires_in": 600, "scope": scope}
    return Answer(200, JSON, body | more)


def redirected(*query, to=CALLBACK, status=302):
    """A redirect to the client with exactly this query, in this order."""
    return Answer(status, PAGE | {"Location": (to, list(query))}, "")


def page(error, *, status=400, headers=None):
    """RFC 6749 section 4.1.2.1: an error that stays with the issuer, on a page that leads nowhere."""
    return Answer(status, PAGE | (headers or {}), error)


INVALID_CLIENT = refusal("invalid_client", "Client authentication failed.", status=401)
INVALID_BASIC = refusal("invalid_client", "Client authentication failed.", status=401, headers=BASIC)
UNKNOWN_SCOPE = refusal("invalid_scope", "A scope is unknown, or this client may not ask for it.")
UNKNOWN_RESOURCE = refusal("invalid_target", "The resource is unknown, or this client may not use it.")
NOT_ITS_GRANT = refusal("unauthorized_client", "This client may not use the grant type.")


def repeated(name):
    """RFC 6749 sections 3.1 and 3.2: each parameter once."""
    return refusal("invalid_request", f"The {name} parameter is there more than once.")


def missing(name):
    """A parameter that is required."""
    return refusal("invalid_request", f"Missing {name} parameter.")


def confidential(client_id, *grants, **fields):
    """A client that proves itself, with its secret as `.plain`."""
    made = make_client(client_id, *grants, **fields)
    made.plain = client_secret.create(made, now=timezone.now())
    return made


def without_blanks(form):
    """The form without the parameters that a row takes away."""
    return {name: value for name, value in form.items() if value is not None}


def claims_of(token):
    """What a token says, without a look at who signed it."""
    return jwt.decode(token, options={"verify_signature": False})


def signed_again(token, signer, *, typ="at+jwt", **changes):
    """The token with other claims, as the issuer itself would sign it; None takes a claim away."""
    return jws.sign(without_blanks(claims_of(token) | changes), typ=typ, signer=signer)

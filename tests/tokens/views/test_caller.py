"""The client that a request names.

This name is used for counters and the log only, because it is not verified.
"""

import base64
import json
from urllib.parse import urlencode

import pytest
from django.test import RequestFactory

from tests.tokens.assertions import sign
from tests.tokens.factories import basic
from tokens.clients.assertion import LONGEST
from tokens.views.caller import claimed_client, subject


def jwt(claims):
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"e30.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.AA"


def jwt_of(length):
    """Return a JWT of the issuer "long", whose payload has `length` characters."""
    claims = json.dumps({"iss": "long"})
    return jwt(claims.encode().ljust(length * 3 // 4))


def claimed(form, **extra):
    content_type = "application/x-www-form-urlencoded"
    return claimed_client(RequestFactory().post("/", urlencode(form), content_type=content_type, **extra))


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (basic("web app", "x"), "web app"),
        ({"HTTP_AUTHORIZATION": "Basic !!!"}, ""),
        ({"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"perhaps-a-secret").decode()}, ""),
        ({"HTTP_AUTHORIZATION": "Basic /w=="}, ""),
        ({"HTTP_AUTHORIZATION": basic("web", "x")["HTTP_AUTHORIZATION"].replace(" ", "  ")}, "web"),
        (basic("%ff", "x"), ""),
        (basic("a%00b", "x"), ""),
        ({"HTTP_AUTHORIZATION": "Bearer x"}, "form"),
        ({}, "form"),
    ],
)
def test_the_header_comes_before_the_form(extra, expected):
    assert claimed({"client_id": "form"}, **extra) == expected


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_assertion": sign("keyed")}, "keyed"),
        ({"assertion": sign("acting", sub="ada")}, "acting"),
        ({"client_assertion": sign("keyed"), "assertion": sign("acting")}, "keyed"),
        ({"client_id": "named", "client_assertion": sign("keyed")}, "named"),
        ({"client_id": "", "client_assertion": sign("keyed")}, "keyed"),
        ({"client_assertion": jwt_of(LONGEST)}, "long"),
        ({"client_assertion": jwt_of(LONGEST + 2)}, ""),
        ({"client_assertion": jwt({"iss": "x" * 1000})}, "x" * 256),
        ({"client_assertion": jwt({"iss": "\ud800"})}, ""),
        ({}, ""),
    ],
)
def test_an_assertion_names_its_maker(form, expected):
    assert claimed(form) == expected


@pytest.mark.parametrize(
    "assertion",
    [
        "x",
        "a.b",
        "e30.e30.e30.e30",
        "e30.é.AA",
        "e30.!.AA",
        jwt([]),
        jwt("text"),
        jwt({}),
        jwt({"iss": ["a"]}),
        jwt({"iss": None}),
        jwt(b"{"),
        jwt(b"\xff\xfe"),
        jwt(b"[" * 5000),
        jwt(b"9" * 5000),
        jwt({"iss": "long", "more": "x" * 10_000}),
    ],
)
def test_a_malformed_assertion_names_no_client(assertion):
    assert claimed({"client_assertion": assertion}) == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web", "client:web"),
        ("s" * 42, f"client:{'s' * 42}"),
        ("s" * 43, "client:ssss…"),
        ("https://client.example/a-document-of-43-chars", "client:https://client.example/a-document-of-43-chars"),
        ("http://client.example/an-address-of-43-characters", "client:http…"),
    ],
)
def test_a_name_as_long_as_a_secret_is_cut_in_the_log_unless_it_is_an_address(name, expected):
    assert subject(name) == expected

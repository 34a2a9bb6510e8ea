"""Parsing of the `claims` parameter (OpenID Connect Core section 5.5).

The tests are about the claims that it requests, and about refused texts.
"""

import json

import pytest

from tokens.claims import claims_request
from tokens.claims.claims_request import LONGEST, NOTHING, ClaimsRequest, RequestedClaim
from tokens.errors import OAuthError

SUPPORTED = ("name", "email", "locale")


def parse(document):
    text = document if isinstance(document, str) else json.dumps(document)
    return claims_request.parse(text, supported=SUPPORTED)


def test_a_claim_is_requested_by_null_or_by_options():
    request = parse(
        {
            "userinfo": {"name": None, "email": {"essential": True}},
            "id_token": {"locale": {"value": "de"}, "email": {"values": ["a@x.example", "b@x.example"]}},
        }
    )
    assert request == ClaimsRequest(
        {"name": RequestedClaim(), "email": RequestedClaim(essential=True)},
        {"locale": RequestedClaim(values=("de",)), "email": RequestedClaim(values=("a@x.example", "b@x.example"))},
    )
    assert request.names == ("name", "email", "locale")
    assert request.beyond(["openid", "email"]) == ("name", "locale")


def test_what_is_stored_is_read_back_without_requirements_of_the_login():
    request = parse(
        {"id_token": {"acr": {"essential": True}, "sub": {"value": "x"}, "email": {"value": "a@x.example"}}}
    )
    stored = json.loads(json.dumps(request.stored()))
    assert claims_request.read(stored, supported=SUPPORTED) == ClaimsRequest(
        {}, {"email": RequestedClaim(values=("a@x.example",))}
    )
    assert parse({"id_token": {"acr": None}}).stored() is None


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"userinfo": None},
        {"userinfo": {}},
        {"userinfo": {"shoe_size": {"essential": 5}}},
        {"userinfo": {"name#de": None, "name#de-CH": {"essential": True}}},
        {"verified_claims": {"name": None}, "userinfo": {"iss": None}},
    ],
)
def test_what_is_unknown_is_ignored(document):
    assert parse(document) == NOTHING


def test_an_unknown_option_is_ignored():
    assert parse({"userinfo": {"name": {"essential": False, "purpose": "x"}}}).userinfo == {"name": RequestedClaim()}


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        '{"userinfo": {"name": null, "name": null}}',
        '{"userinfo": {"name": {"value": "\\ud800"}}}',
        '{"userinfo": {"name": {"value": "\\u0000"}}}',
        '{"userinfo": ' + '{"a":' * 40 + "1" + "}" * 41,
        {"userinfo": []},
        {"userinfo": "name"},
        {"userinfo": {"name": True}},
        {"userinfo": {"name": []}},
        {"userinfo": {"name": {"essential": "true"}}},
        {"userinfo": {"name": {"essential": None}}},
        {"userinfo": {"name": {"values": "Ada"}}},
        {"userinfo": {"name": {"values": []}}},
        {"userinfo": {"name": {"value": "Ada", "values": ["Ada"]}}},
        {"id_token": {"sub": 5}},
    ],
)
def test_a_malformed_request_is_refused(document):
    with pytest.raises(OAuthError) as refused:
        parse(document)
    assert refused.value.error == "invalid_request"


def test_the_parameter_has_a_longest_length():
    text = json.dumps({"userinfo": {"name": None}, "padding": ""})
    longest = text.replace('""', '"' + "x" * (LONGEST - len(text)) + '"')
    assert parse(longest).userinfo == {"name": RequestedClaim()}
    with pytest.raises(OAuthError, match="longer than"):
        parse(longest.replace("xx", "xxx", 1))


@pytest.mark.parametrize(
    ("wanted", "value", "accepted"),
    [
        (RequestedClaim(), "anything", True),
        (RequestedClaim(values=("de", "en")), "en", True),
        (RequestedClaim(values=("de", "en")), "fr", False),
        (RequestedClaim(values=(1,)), True, False),
        (RequestedClaim(values=(True,)), True, True),
        (RequestedClaim(values=({"a": 1},)), "de", False),
    ],
)
def test_a_value_is_accepted_if_it_is_one_of_the_requested(wanted, value, accepted):
    assert wanted.accepts(value) is accepted


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        ({}, True),
        ({"id_token": {"sub": None}}, True),
        ({"id_token": {"sub": {"value": "me"}}}, True),
        ({"id_token": {"sub": {"values": ["other", "me"]}}}, True),
        ({"id_token": {"sub": {"value": "other"}}}, False),
        ({"userinfo": {"sub": {"value": "other"}}}, False),
        ({"id_token": {"sub": {"value": 5}}}, False),
    ],
)
def test_the_claim_sub_names_the_user(document, allowed):
    assert parse(document).allows_subject("me") is allowed


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        ({}, True),
        ({"id_token": {"acr": None}}, True),
        ({"id_token": {"acr": {"value": "other"}}}, True),
        ({"id_token": {"acr": {"essential": True}}}, True),
        ({"id_token": {"acr": {"essential": True, "values": ["other", "pwd"]}}}, True),
        ({"id_token": {"acr": {"essential": True, "value": "other"}}}, False),
        ({"userinfo": {"acr": {"essential": True, "value": "other"}}}, True),
    ],
)
def test_only_an_essential_acr_is_a_requirement(document, allowed):
    assert parse(document).allows_class("pwd") is allowed


def test_an_essential_acr_needs_a_class():
    assert not parse({"id_token": {"acr": {"essential": True}}}).allows_class("")

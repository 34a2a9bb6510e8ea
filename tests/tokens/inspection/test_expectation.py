"""The values that an administrator can expect of a token, and whether an inspected token has them."""

import pytest

from tokens.inspection.expectation import LONGEST, Expectation, of_subject, of_value, read


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"kid": "k"}, Expectation("kid", "k")),
        ({"next": "/", "sub": "u"}, Expectation("sub", "u")),
        ({"kid": "k", "jti": "1"}, Expectation("jti", "1")),
        ({"kid": "x" * LONGEST}, Expectation("kid", "x" * LONGEST)),
        ({"kid": "x" * (LONGEST + 1)}, None),
        ({"kid": "a\nb"}, None),
        ({"kid": ""}, None),
        ({"token": "a.b.c"}, None),
        ({}, None),
    ],
)
def test_an_address_names_an_expectation_by_a_name_that_is_no_secret(parameters, expected):
    assert read(parameters) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("kid", "k", Expectation("kid", "k")),
        ("kid", "", None),
        ("kid", None, None),
        ("", {"alg": "RS256", "kid": "k"}, Expectation("kid", "k")),
        ("", {"token": "a.b.c", "jti": "1"}, Expectation("jti", "1")),
        ("", {"jti": 5}, None),
        ("", ["kid"], None),
        ("token", "a.b.c", None),
    ],
)
def test_a_field_names_an_expectation(name, value, expected):
    assert of_value(name, value) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("key:k", Expectation("kid", "k")),
        ("client:app:1", Expectation("client_id", "app:1")),
        ("grant:g", Expectation("grant_id", "g")),
        ("user:ada", None),
        ("key:", None),
        ("kid", None),
    ],
)
def test_a_subject_of_the_audit_trail_names_an_expectation(subject, expected):
    assert of_subject(subject) == expected


@pytest.mark.parametrize(
    ("expectation", "holds"),
    [
        (Expectation("kid", "k"), True),
        (Expectation("kid", "claim"), False),
        (Expectation("sub", "u"), True),
        (Expectation("sub", "U"), False),
        (Expectation("aud", "b"), True),
        (Expectation("aud", "c"), False),
        (Expectation("sid", "s"), False),
        (Expectation("jti", "5"), False),
    ],
)
def test_a_token_has_the_expected_value_or_not(expectation, holds):
    claims = {"kid": "claim", "sub": "u", "aud": ["a", "b"], "jti": 5}
    assert expectation.holds({"kid": "k"}, claims) is holds

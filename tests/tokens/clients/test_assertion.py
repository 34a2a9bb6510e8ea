"""A client's assertion at the limits of its dates and sizes."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from tests.tokens.assertions import ISSUER, private
from tokens.clients import assertion
from tokens.clients.assertion import InvalidAssertion

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def made(**changes):
    claims = {"iss": "keyed", "sub": "keyed", "aud": ISSUER, "exp": NOW + MINUTE, "jti": "one"} | changes
    return jwt.encode(claims, private("EC", "own"), algorithm="ES256")


def check(text):
    assertion.check(assertion.read(text, types={"jwt"}), audiences={ISSUER}, now=NOW)


@pytest.mark.parametrize(
    ("changes", "further", "reason"),
    [
        ({"exp": NOW - MINUTE + SECOND}, {"exp": NOW - MINUTE}, "it has expired"),
        ({"exp": NOW + HOUR + MINUTE}, {"exp": NOW + HOUR + MINUTE + SECOND}, "its exp is more than 1:00:00 ahead"),
        ({"nbf": NOW + MINUTE}, {"nbf": NOW + MINUTE + SECOND}, "it is not valid yet"),
        ({"iat": NOW + MINUTE}, {"iat": NOW + MINUTE + SECOND}, "it is not valid yet"),
        ({"jti": "j" * 255}, {"jti": "j" * 256}, "its jti is missing or malformed"),
        ({"jti": "j"}, {"jti": ""}, "its jti is missing or malformed"),
    ],
)
def test_a_date_or_size_at_its_limit_is_accepted_and_the_next_one_refused(changes, further, reason):
    check(made(**changes))
    with pytest.raises(InvalidAssertion, match=reason):
        check(made(**further))


def test_an_assertion_has_three_parts_and_at_most_8192_characters():
    length = next(number for number in range(5000, 7000) if len(made(x="x" * number)) == 8192)
    check(made(x="x" * length))
    for text in (made(x="x" * (length + 1)), made() + ".AQ", made().rpartition(".")[0]):
        with pytest.raises(InvalidAssertion, match="it is not a JWT, or is longer than 8192 characters"):
            check(text)

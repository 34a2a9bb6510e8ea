"""Reading a compact JWS: each of its parts has only one accepted spelling, and must be strict JSON."""

import base64

import pytest

from tokens.jose import compact

LONGEST = 1000


def part(text):
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


HEADER, CLAIMS = part('{"alg": "RS256"}'), part('{"sub": "ada"}')
LIST, REPEATED = part("[]"), part('{"sub": "ada", "sub": "eve"}')
GOOD = f"{HEADER}.{CLAIMS}.AQ"


def test_the_parts_and_the_signing_input_are_returned():
    jws = compact.read(GOOD, longest=len(GOOD))
    assert (jws.header, jws.claims, jws.signature) == ({"alg": "RS256"}, {"sub": "ada"}, b"\x01")
    assert jws.message == f"{HEADER}.{CLAIMS}".encode()


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}.{CLAIMS}",
        f"{GOOD}.AQ",
        f"{HEADER}.{CLAIMS}.AR",  # the same octet, spelled with other unused bits
        f"{HEADER}.{CLAIMS}.AQ==",
        f"{HEADER}.{CLAIMS}.A+",
        f"{HEADER}.{CLAIMS}.Aä",
        f"{HEADER}.{LIST}.AQ",
        f"{HEADER}.{REPEATED}.AQ",
        f"{HEADER}._w.AQ",  # no UTF-8
    ],
)
def test_a_neighbour_is_unreadable_and_the_error_repeats_nothing_of_it(text):
    with pytest.raises(compact.Unreadable) as refused:
        compact.read(text, longest=LONGEST)
    assert "ada" not in str(refused.value)


def test_a_text_of_one_character_too_many_is_unreadable():
    with pytest.raises(compact.Unreadable):
        compact.read(GOOD, longest=len(GOOD) - 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, True) for value in (0, 1.5, compact.END_OF_TIME)),
        *((value, False) for value in (compact.END_OF_TIME + 1, -1, True, "1", None)),
    ],
)
def test_an_instant_is_a_number_that_a_datetime_can_hold(value, expected):
    assert compact.is_instant(value) is expected

"""Identifiers of grants are UUIDs version 7 (RFC 9562 section 5.7)."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from tokens.issued.uuid7 import uuid7

# The example of RFC 9562, appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F
EXAMPLE = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_the_identifier_has_the_time_the_version_and_the_variant():
    made = uuid7(EXAMPLE)
    assert str(made).startswith("017f22e2-79b0-7")
    assert (made.version, made.variant) == (7, RFC_4122)


def test_later_identifiers_are_greater():
    made = [uuid7(EXAMPLE + timedelta(milliseconds=number)) for number in range(100)]
    assert made == sorted(made)


def test_each_random_bit_is_0_and_1_in_some_identifiers():
    made = [uuid7(EXAMPLE).int for _ in range(200)]
    both = 0
    for value in made:
        both |= value ^ made[0]
    fixed = (1 << 128) - 1 - both
    assert fixed == ((1 << 48) - 1) << 80 | 0xF << 76 | 0b11 << 62

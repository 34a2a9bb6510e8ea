"""The types of values in a manifest. A value that only resembles the type of its field is refused."""

import pytest

from tokens.manifest.field_types import (
    BOUND,
    TYPES,
    is_flag,
    is_keys,
    is_seconds,
    is_text,
    is_texts,
    is_words,
)


@pytest.mark.parametrize(
    ("check", "accepted", "refused"),
    [
        (is_text, ["", "a b", "\u00e9", "\U0001f511"], [None, 1, True, ["a"], "\0", "\ud800", "\udfff"]),
        (is_flag, [True, False], [None, 0, 1, "", "true", "no"]),
        (is_seconds, [1, 0.5, BOUND - 1], [0, -1, True, False, BOUND, "1", None, float("nan"), float("inf")]),
        (is_texts, [[], ["a", "b c"]], ["a", None, {}, [1], ["a", "a"], ["\0"]]),
        (is_words, [[], ["a", "b"]], ["a", ["a b"], [""], [" a"], ["a", "a"]]),
        (is_keys, [{}, {"keys": []}, "-----BEGIN PUBLIC KEY-----"], [[], None, 1, "\0"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_value_has_the_type_or_is_refused(check, accepted, refused):
    assert [value for value in accepted if not check(value)] == []
    assert [value for value in refused if check(value)] == []
    assert TYPES[check], "a message can name the type"

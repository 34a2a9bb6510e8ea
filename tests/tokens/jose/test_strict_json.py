"""The texts that are strict JSON, and the texts that are refused.

For example, deep nesting is refused, because recursive code could fail on the parsed value. The error names the reason.
"""

import pytest

from tokens.jose import strict_json

DEEPEST = "[" * strict_json.MAX_DEPTH + "]" * strict_json.MAX_DEPTH


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, true, "é\\u00e9\\ud83d\\ude00"]}', {"a": [1, 2.5, None, True, "éé😀"]}),
        ("1" * strict_json.MAX_DIGITS, int("1" * strict_json.MAX_DIGITS)),
        ('{"a": {"a": 1}}', {"a": {"a": 1}}),
        ('"\\\\u0000"', "\\u0000"),
    ],
)
def test_json_is_read(text, value):
    assert strict_json.parse(text) == value


def test_what_is_nested_is_read_to_the_deepest_level():
    assert strict_json.parse(DEEPEST)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is no JSON"),
        ("{", "it is no JSON"),
        ("\ufeff{}", "it is no JSON"),
        ("NaN", "NaN is no JSON"),
        ("[-Infinity]", "-Infinity is no JSON"),
        ("1e400", "a number in it is too large"),
        ('{"exp": -1e400}', "a number in it is too large"),
        ("1" * 21, "a number in it is too large"),
        ("-" + "1" * 5000, "a number in it is too large"),
        ('{"a": 1, "a": 1}', "a member in it is repeated"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "a member in it is repeated"),
        ('"\\ud800"', "a text in it has a lone surrogate or NUL"),
        ('{"\\udfff": 1}', "a text in it has a lone surrogate or NUL"),
        ('{"a": [{"b": "\\u0000"}]}', "a text in it has a lone surrogate or NUL"),
        ('{"\\u0000": 1}', "a text in it has a lone surrogate or NUL"),
        ('"\ud800"', "a text in it has a lone surrogate or NUL"),
        (f"[{DEEPEST}]", "it is nested too deep"),
        ('{"a":' * 33 + "1" + "}" * 33, "it is nested too deep"),
        ("[" * 20_000 + "]" * 20_000, "it is nested too deep"),
        ("[" * 20_000, "it is n"),
    ],
)
def test_what_something_could_choke_on_is_refused_with_its_reason(text, reason):
    with pytest.raises(ValueError, match=reason) as refused:
        strict_json.parse(text)
    carried = None if refused.value.__suppress_context__ else refused.value.__context__
    assert carried is None, "the error of the library carries the whole document"

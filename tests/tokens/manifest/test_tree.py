"""The text of a manifest is parsed to a tree with line numbers.

Some texts are refused before they are interpreted.
"""

import json

import pytest

from tokens.manifest.schema import plain
from tokens.manifest.tree import InvalidManifest, parse


def test_yaml_and_json_are_the_same_tree() -> None:
    data = {"clients": {"a": {"name": "A", "active": True, "lifetime": 1.5, "grants": ["x", "y"]}}}
    text = "clients:\n  a:\n    name: A\n    active: true\n    lifetime: 1.5\n    grants: [x, y]\n"
    assert plain(parse(text)) == plain(parse(json.dumps(data))) == data
    assert plain(parse(json.dumps(data, indent="\t"))) == data


def test_a_value_has_the_line_of_its_key() -> None:
    root = parse("clients:\n  a:\n    name: A\n\n    grants:\n      - x\n")
    client = root.value["clients"].value["a"]
    assert [client.line, client.value["name"].line, client.value["grants"].line] == [2, 3, 5]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "repeats line 1"),
        ('{"a": 1,\n"a": 2}', 2, "repeats line 1"),
        ("a: &x [1]\nb: *x", 1, "anchors and aliases"),
        ("b: *x", 1, "anchors and aliases"),
        ("a: !!python/object/apply:os.system [ls]", 1, "not supported"),
        ("a: !secret x", 1, "not supported"),
        ("<<: {a: 1}", 1, "merge keys"),
        ("? [a]\n: 1", 1, "a name is a text"),
        ("a: [1, 2", 1, "expected"),
        ("a: 1\n--- \nb: 2", 2, "expected a single document"),
        ("", 1, "empty"),
        ("a: \x07", 1, "special characters"),
        ("[" * 50 + "]" * 50, 1, "more than 20 levels"),
    ],
)
def test_what_is_no_plain_data_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(InvalidManifest) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert said in problem.text
    assert problem.line == line
    assert problem.shown("keyturn.yaml").startswith(f"keyturn.yaml:{line}: ")


def test_a_date_is_a_text() -> None:
    assert plain(parse("a: 2027-01-31")) == {"a": "2027-01-31"}

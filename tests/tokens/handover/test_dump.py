"""Reading a file that `dumpdata` wrote, row by row.

The size of the parts in which the file is read makes no difference.
"""

import json

import pytest

from tokens.handover.dump import MalformedDump, rows

ROWS = [
    {"model": "auth.user", "pk": number, "fields": {"username": f"ü{number}]", "email": "{[,"}} for number in range(3)
]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    "text", [json.dumps(ROWS), json.dumps(ROWS, indent=2), "\n".join(map(json.dumps, ROWS)) + "\n", " [ ] "]
)
def test_rows_are_read_from_parts_of_any_size(text: str, size: int) -> None:
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    assert list(rows(parts)) == ([] if text == " [ ] " else ROWS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(ROWS)[:-20], "row 3 is not JSON, or the file ends within it"),
        ("not json", "row 1 is not JSON"),
        ('[{"pk": 1}]', "row 1 has no model and fields"),
        ("[1]", "row 1 has no model and fields"),
        ('[{"model": "auth.user", "fields": []}]', "row 1 has no model and fields"),
        ("[" * 100_000 + "{", "not JSON"),
    ],
)
def test_another_file_is_refused(text: str, said: str) -> None:
    with pytest.raises(MalformedDump, match=said):
        list(rows([text]))


def test_a_row_without_end_is_refused_before_all_of_it_is_read() -> None:
    def endless():
        yield '[{"model": "'
        for _ in range(10_000):
            yield "x" * 65_536

    with pytest.raises(MalformedDump, match="more than"):
        list(rows(endless()))

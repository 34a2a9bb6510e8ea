"""The export of audit events as CSV.

A spreadsheet program shows each value as text and runs no formula.
"""

import csv
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tokens.admin.audit_export import COLUMNS, cell, lines


def event(**fields):
    defaults = {"at": datetime(2030, 1, 1, 12, 0, 1, tzinfo=UTC), "actor": "user:ada", "action": "client.changed"}
    return SimpleNamespace(**defaults | {"subject": "client:shop", "details": {}} | fields)


def test_an_event_is_a_line_below_the_header():
    header, line = csv.reader(lines([event(details={"name": ["a", 'b"c']})]))
    assert tuple(header) == COLUMNS
    assert line[:4] == ["2030-01-01T12:00:01+00:00", "user:ada", "client.changed", "client:shop"]
    assert line[4] == '{"name": ["a", "b\\"c"]}'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("https://x")'])
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    assert cell(text) == f"'{text}"
    (_, line) = csv.reader(lines([event(actor=text)]))
    assert line[1].startswith("'")


@pytest.mark.parametrize("text", ["", "user:ada", "a=1", "1", "'", "ü"])
def test_any_other_cell_stays_as_it_is(text):
    assert cell(text) == text


def test_a_line_break_in_a_name_adds_no_line():
    assert len(list(csv.reader(lines([event(subject='user:a\nb,c"d')])))) == 2

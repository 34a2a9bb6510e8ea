"""The report about what a revocation of keys will cause, as text and as JSON."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tokens.keys.trust import KeyRevocation, utc

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DONE = KeyRevocation(
    ring="default",
    kids=("leaked",),
    successor="next",
    accepted_until=NOW,
    flush_kid="flush",
    flush_at=NOW + timedelta(hours=1),
    copies_from=None,
    outage_until=None,
)


def test_the_json_keeps_the_names_of_the_first_release():
    members = replace(DONE, dry_run=True).members()
    assert (members["heir"], members["pretended"], members["kids"]) == ("next", True, ("leaked",))
    assert members.keys().isdisjoint({"successor", "dry_run"})


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, "revoked: leaked"),
        ({"dry_run": True}, "would revoke: leaked"),
        ({}, "takes over: next"),
        ({"outage_until": NOW}, f"APIs may refuse its tokens until {utc(NOW)}"),
        ({"left": ("broken",)}, "not changed, because the row does not verify: broken"),
    ],
)
def test_a_line_of_the_text_says_what_happens(change, line):
    assert line in str(replace(DONE, **change)).splitlines()


@pytest.mark.parametrize("change", [{"successor": None}, {}])
def test_lines_without_an_effect_are_left_out(change):
    text = str(replace(DONE, **change))
    assert ("takes over" in text) is not ("successor" in change)
    assert "refuse its tokens" not in text
    assert "not changed" not in text


def test_without_a_flush_the_report_advises_to_rotate():
    text = str(replace(DONE, flush_kid=None, flush_at=None))
    assert "rotate_keys --now" in text
    assert "rotate_keys --now" not in str(DONE)

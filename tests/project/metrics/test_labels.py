"""The values of each metric label: a fixed list in the code, and "other" for every other value."""

import re
from pathlib import Path

import pytest

from project.metrics import labels

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FILES = [path for path in sorted((ROOT / "tokens").rglob("*.py")) if path.name != "refusal_reason.py"]  # it translates
SOURCE = "".join(path.read_text(encoding="utf-8") for path in FILES)


@pytest.mark.parametrize("reason", sorted(labels.REASONS))
def test_a_reason_that_is_counted_apart_is_one_of_the_issuer_s(reason):
    refusal, _, cause = reason.partition(": ")
    assert f'"{reason}"' in SOURCE or (f'"{refusal}: {{' in SOURCE and f'"{cause}"' in SOURCE)


@pytest.mark.parametrize("event", sorted(labels.EVENTS))
def test_an_event_that_is_counted_apart_is_one_of_the_issuer_s(event):
    assert f'"{event}"' in SOURCE


def test_every_error_of_the_issuer_is_counted_apart():
    raised = set(re.findall(r'OAuthError\(\s*"([a-z_]+)"', SOURCE))
    assert len(raised) > 10
    assert raised <= labels.ERRORS


@pytest.mark.parametrize(("status", "label"), [(200, "2xx"), (404, "4xx"), (599, "5xx"), (600, "none"), (99, "none")])
def test_the_class_of_a_status(status, label):
    assert labels.status_class(status) == label


def test_names_beyond_the_most_are_counted_together():
    names = labels.Names(2)
    assert [names.label(name) for name in ("a", "b", "c", "a", "d")] == ["a", "b", "other", "a", "other"]

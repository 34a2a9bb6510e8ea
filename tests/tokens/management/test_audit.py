"""The command `audit`, which prints events of the audit trail."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tokens.audit import trail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def events():
    now = timezone.now()
    trail.record("client.created", actor="user:root", subject="client:shop", now=now - timedelta(hours=3))
    trail.record(
        "key.revoked", actor="user:eve", subject="key:k", details={"reason": "leaked"}, now=now - timedelta(minutes=5)
    )
    trail.record("grant.revoked", actor="client:shop", subject="grant:g", now=now - timedelta(seconds=5))


def run(*arguments):
    out = StringIO()
    call_command("audit", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_events_are_printed_oldest_first_with_seconds():
    first, second, third = run()
    assert first.split()[2:] == ["user:root", "client.created", "client:shop"]
    assert second.endswith('key:k {"reason": "leaked"}')
    assert third.split()[3] == "grant.revoked"
    assert len(first.split()[1]) == len("12:00:00")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--since", "1h"], ["key.revoked", "grant.revoked"]),
        (["--since", "1h", "--until", "1m"], ["key.revoked"]),
        (["--since", "2999-01-01T00:00Z"], []),
        (["--client", "shop"], ["client.created", "grant.revoked"]),
        (["--actor", "user:eve"], ["key.revoked"]),
        (["--action", "client.created"], ["client.created"]),
        (["--limit", "1"], ["grant.revoked"]),
    ],
)
def test_options_choose_events(options, expected):
    assert [json.loads(line)["action"] for line in run("--json", *options)] == expected


def test_json_has_the_form_of_the_audit_log():
    (event,) = map(json.loads, run("--json", "--actor", "user:eve"))
    assert event.keys() == {"at", "action", "actor", "subject", "details"}
    assert event["details"] == {"reason": "leaked"}


@pytest.mark.parametrize("wrong", [["--since", "yesterday"], ["--limit", "0"], ["--limit", "x"]])
def test_a_wrong_option_is_refused(wrong):
    with pytest.raises(CommandError):
        run(*wrong)


def test_a_name_cannot_write_to_the_terminal():
    trail.record("thing.done", actor="user:\x1b[2Jada\nroot", subject="client:shop", now=timezone.now())
    (line,) = run("--action", "thing.done")
    assert "\x1b" not in line

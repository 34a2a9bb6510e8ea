"""The numbers and options in docs/key-rotation.md and docs/revoked-keys.md match the code."""

import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import load_command_class

from tokens.keys.rules.policy import DEVELOPMENT, PRODUCTION, Policy
from tokens.keys.trust import LAZY, RENEWING

DOCS = Path(__file__).resolve().parent.parent.parent.parent / "docs"
TEXT = (DOCS / "key-rotation.md").read_text(encoding="utf-8")
TEXT_OF_REVOKED_KEYS = (DOCS / "revoked-keys.md").read_text(encoding="utf-8")


def test_the_table_has_every_number_of_both_policies() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| .* \| ([\d.]+) \| ([\d.]+) \|", TEXT, re.MULTILINE)
    documented = {name: (float(production), float(development)) for name, production, development in rows}
    assert documented == {
        field.name: tuple(getattr(policy, field.name).total_seconds() for policy in (PRODUCTION, DEVELOPMENT))
        for field in fields(Policy)
    }


@pytest.mark.parametrize("name", ["rotate_keys", "revoke_key", "keys"])
def test_every_documented_option_exists(name: str) -> None:
    options = {
        option for line in re.findall(rf"(?<![_\w]){name}[^|`\n#]*", TEXT) for option in re.findall(r"--[a-z-]+", line)
    }
    help_text = load_command_class("tokens", name).create_parser("manage.py", name).format_help()
    assert options
    assert [option for option in options if option not in help_text] == []


def test_the_page_about_revoked_keys_has_the_instants_of_the_production_policy_and_every_verifier_that_is_printed() -> (
    None
):
    text = TEXT_OF_REVOKED_KEYS
    revoked_at = datetime(2027, 3, 1, 12, tzinfo=UTC)
    flush = f"{revoked_at + PRODUCTION.flush:%Y-%m-%d %H:%M:%S} UTC + token"
    renewed = f"{revoked_at + PRODUCTION.rejection:%Y-%m-%d %H:%M:%S} UTC"
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| (2026-1[12]-\d\d)( †)? \|$", text, re.MULTILINE)
    lazy = [row for row in rows if "flush" in row[1]]
    assert {row[2] for row in lazy} == {flush}
    assert next(row for row in rows if row[1] == "N + C + T + 2δ")[2] == renewed
    names = " ".join(row[0] for row in rows)
    for verifier in (*RENEWING, *LAZY, "Dovecot", "HAProxy", "Open Liberty"):
        assert verifier in names


def test_the_transcript_is_of_a_whole_life_within_two_minutes_in_which_nothing_was_refused() -> None:
    transcript = TEXT.rpartition("## A whole life")[2]
    instants = [int(second) for second in re.findall(r"^ +(\d+) s ", transcript, re.MULTILINE)]
    assert instants == sorted(instants)
    assert instants[-1] < 120
    assert ", 0 refused, " in transcript
    for phase in ("announced", "signing", "retired", "withdrawn"):
        assert phase in transcript

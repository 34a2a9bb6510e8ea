"""A command waits for a key ring (a set of signing keys) that another process has locked.

If the lock is not released in time, the command exits with 4.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from tests.services.conftest import ROOT, WAITING, Issuer
from tokens.keys import deadline

pytestmark = pytest.mark.services

IMPATIENT = """
import sys
from datetime import timedelta
import django
from django.core.management import execute_from_command_line
django.setup()
from tokens.keys import deadline
deadline.WAIT = timedelta(seconds=1)
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""
"""manage.py, but it waits for a second where it would wait for thirty."""


@contextmanager
def locked(issuer: Issuer) -> Iterator[None]:
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as connection:
        connection.execute("SELECT 1 FROM tokens_ring FOR UPDATE")
        yield
        connection.rollback()


@pytest.mark.parametrize(
    "arguments",
    [
        ["rotate_keys"],
        ["rotate_keys", "--dry-run"],
        ["rotate_keys", "--rewrap"],
        ["revoke_key", "--all", "--reason", "leaked", "--yes", "--accept-outage"],
    ],
    ids=" ".join,
)
def test_a_command_that_does_not_get_the_lock_exits_with_4_within_its_wait_and_does_nothing(
    module_issuer: Issuer, arguments: list[str]
) -> None:
    module_issuer.run("rotate_keys")
    before = module_issuer.rows("SELECT * FROM tokens_signingkey ORDER BY kid")
    with locked(module_issuer):
        ran = subprocess.run(
            [sys.executable, "-c", IMPATIENT, *arguments],
            cwd=ROOT,
            env=module_issuer.variables,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert ran.returncode == 4, ran.stderr
    assert "nothing was done, run the command again" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert module_issuer.rows("SELECT * FROM tokens_signingkey ORDER BY kid") == before


def test_a_command_waits_for_the_lock_and_takes_it_once_it_is_free(module_issuer: Issuer) -> None:
    module_issuer.run("rotate_keys")
    with locked(module_issuer):
        waiting = module_issuer.start("rotate_keys", "--json")
        module_issuer.wait_for_number(WAITING, 1)
    out, err = waiting.communicate(timeout=600)
    assert waiting.returncode == 0, err
    assert json.loads(out)["step"] == "nothing"


def test_the_wait_is_what_the_help_says() -> None:
    assert timedelta(seconds=30) == deadline.WAIT

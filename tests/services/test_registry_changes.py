"""While a transaction that changes a client is open, other changes of the registry (clients, secrets, APIs) wait.

After two seconds, they report an error.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.services.conftest import ROOT, WAITING, Issuer, migrated

pytestmark = pytest.mark.services

LONG = 120.0
"""Seconds: far more than the bound and the start of a process on a busy machine. Only a hang takes longer."""
IN_ADMIN = """
import django
django.setup()
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
from django.test import Client
from tokens.models import User
browser = Client()
browser.force_login(User.objects.get_or_create(username="root", is_staff=True, is_superuser=True)[0])
form = {"name": "In the admin", "client_id": "admin-made", "client_type": "confidential"}
answer = browser.post("/admin/tokens/client/add/", form)
print(answer.status_code, answer.get("Retry-After"), answer.content.decode())
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with migrated() as issuer:
        issuer.run("create_client", "--name", "One", "--client-id", "one")
        yield issuer


@contextmanager
def left_open(issuer: Issuer) -> Iterator[int]:
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as connection:
        connection.execute("UPDATE tokens_client SET name = 'Changed by hand' WHERE client_id = 'one'")
        yield connection.info.backend_pid
        connection.rollback()


def names(issuer: Issuer) -> list[tuple]:
    return issuer.rows("SELECT client_id, name FROM tokens_client ORDER BY 1")


def attempt(issuer: Issuer, *arguments: str) -> tuple[int, str]:
    process = issuer.start(*arguments)
    _, err = process.communicate(timeout=LONG)
    return process.returncode, err


@pytest.mark.parametrize(
    "arguments",
    [
        ["create_client", "--name", "Two"],
        ["create_api", "--identifier", "https://two.example/", "--name", "Two"],
        ["client_secret", "add", "one"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_exits_with_4_and_names_the_process_that_holds_the_lock(issuer: Issuer, arguments: list[str]) -> None:
    before = names(issuer)
    with left_open(issuer) as pid:
        code, err = attempt(issuer, *arguments)
    assert code == 4, err
    assert "another transaction has held a lock on the registry for 2 s; nothing was changed" in err
    assert f"PostgreSQL process {pid} (idle in transaction, in its transaction since 20" in err
    assert f"pg_terminate_backend({pid})" in err
    assert "Traceback" not in err
    assert names(issuer) == before


def test_a_lock_that_is_released_in_time_is_waited_for(issuer: Issuer) -> None:
    with left_open(issuer):
        process = issuer.start("create_client", "--name", "Patient")
        issuer.wait_for_number(WAITING, 1)
    _, err = process.communicate(timeout=LONG)
    assert process.returncode == 0, err
    assert "Patient" in {name for _, name in names(issuer)}


def test_the_admin_answers_503_with_the_reason(issuer: Issuer) -> None:
    with left_open(issuer) as pid:
        done = subprocess.run(
            [sys.executable, "-c", IN_ADMIN],
            cwd=ROOT,
            env=issuer.variables,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    status, retry_after, page = done.stdout.split(" ", 2)
    assert (status, retry_after) == ("503", "5")
    assert re.search(rf"Another transaction has held a lock.*PostgreSQL process {pid}", page, re.DOTALL)
    assert "admin-made" not in {client_id for client_id, _ in names(issuer)}

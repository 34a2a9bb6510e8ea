"""Measures the lists of the Django admin on a full PostgreSQL database (`make bench-admin`).

Needs PostgreSQL (TEST_DATABASE_URL, or 127.0.0.1:5432). Fills the database of an issuer by COPY with `--events` audit
events, `--clients` clients, `--users` users, and an e-mail address for each user. Then an administrator opens each URL
of PAGES over HTTP. For each URL, prints the median and the longest time of ROUNDS requests, in milliseconds, and
whether the median exceeds LIMIT.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.types.json import Jsonb

from bench.figures import load
from bench.issuers import SHELL, Served, end_session, served
from bench.priority import ahead

ROUNDS = 5
LIMIT = 500  # milliseconds
PASSWORD = uuid.uuid4().hex
ADMINISTRATOR = (
    f"from tokens.models import User; User.objects.create_superuser('root', 'root@example.com', '{PASSWORD}')"
)
ADDRESSES = (
    'INSERT INTO account_emailaddress (user_id, email, verified, "primary") '
    "SELECT id, email, id % 1000 > 0, true FROM tokens_user WHERE username LIKE 'u%'"
)
START = datetime(2026, 1, 1, tzinfo=UTC)
ACTIONS = ("client.changed", "grant.revoked", "user.password_changed", "consent.allowed", "client_secret.created")
EVENT = "/admin/tokens/auditevent/"
USER = "/admin/tokens/user/"
CLIENT = "/admin/tokens/client/"
ADDRESS = "/admin/account/emailaddress/"
MIDDLES = {
    "event": ("tokens_auditevent", "at DESC, id DESC", 500_000),
    "user": ("tokens_user", "username", 500_000),
    "client": ("tokens_client", "id DESC", 50_000),
    "address": ("account_emailaddress", "id DESC", 500_000),
}
"""For each placeholder in PAGES: table, order of the list, and number of the row whose id replaces the placeholder."""
PAGES = {
    "dashboard": "/admin/",
    "events, newest": EVENT,
    "events, page 10": f"{EVENT}?p=10",
    "events of an actor": f"{EVENT}?actor=user:u500000",
    "events of a client": f"{EVENT}?client=c50000",
    "events of a busy client": f"{EVENT}?client=busy",
    "events of a name": f"{EVENT}?event=key.revoked",
    "events of a day": f"{EVENT}?since=2026-01-02T00:00:00&until=2026-01-03T00:00:00",
    "events, after row 500,000": f"{EVENT}?follows={{event}}",
    "events, search without a hit": f"{EVENT}?q=nothing",
    "events, search for a user": f"{EVENT}?q=u777777",
    "events, search for every user": f"{EVENT}?q=user:",
    "users": USER,
    "users, page 10": f"{USER}?p=10",
    "users, after row 500,000": f"{USER}?follows={{user}}",
    "users, before row 500,000": f"{USER}?precedes={{user}}",
    "users, search for a name": f"{USER}?q=u777777",
    "users, search for two words": f"{USER}?q=first77777+last77777",
    "users, search without a hit": f"{USER}?q=nothing",
    "users, search for many": f"{USER}?q=u",
    "users, with access to the admin": f"{USER}?is_staff__exact=1",
    "users, disabled": f"{USER}?is_active__exact=0",
    "clients": CLIENT,
    "clients, page 10": f"{CLIENT}?p=10",
    "clients, after row 50,000": f"{CLIENT}?follows={{client}}",
    "clients by name, after row 50,000": f"{CLIENT}?o=1&follows={{client}}",
    "clients, search for a name": f"{CLIENT}?q=Client+77777",
    "clients, search without a hit": f"{CLIENT}?q=nothing",
    "clients, inactive": f"{CLIENT}?is_active__exact=0",
    "a client": f"{CLIENT}{{client}}/change/",
    "addresses": ADDRESS,
    "addresses, after row 500,000": f"{ADDRESS}?follows={{address}}",
    "addresses, search for one": f"{ADDRESS}?q=u777777@example.com",
    "addresses, search for a username": f"{ADDRESS}?q=u777777",
    "addresses, search without a hit": f"{ADDRESS}?q=nothing",
    "addresses, search for many": f"{ADDRESS}?q=u",
    "addresses, not verified": f"{ADDRESS}?verified__exact=0",
}


def main() -> None:
    """Fill the database, measure the lists, and print the times. Exits with 1 if a list is slower than LIMIT."""
    options = parse()
    slow = False
    try:
        with tempfile.TemporaryDirectory() as name, served(Path(name)) as issuer:
            issuer.issuer.run(*SHELL, ADMINISTRATOR)
            start = time.monotonic()
            fill(issuer, options)
            print(f"filled in {time.monotonic() - start:.0f} s; {load()}", flush=True)
            for line, is_slow in measure(issuer):
                print(line, flush=True)
                slow = slow or is_slow
    finally:
        end_session()
    sys.exit(slow)


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.admin_lists", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="audit events (%(default)s)")
    parser.add_argument("--clients", type=int, default=100_000, help="clients (%(default)s)")
    parser.add_argument("--users", type=int, default=1_000_000, help="users (%(default)s)")
    return parser.parse_args()


def fill(issuer: Served, options: argparse.Namespace) -> None:
    """Fill the issuer's database with as many rows as the options demand, and let PostgreSQL collect statistics."""
    with psycopg.connect(issuer.database) as connection:
        copy(connection, "tokens_user", users(options.users))
        connection.execute(ADDRESSES)
        copy(connection, "tokens_client", clients(connection, options.clients))
        copy(connection, "tokens_auditevent", events(options.events, options))
    issuer.execute("VACUUM ANALYZE")


def copy(connection: "psycopg.Connection[Any]", table: str, rows: Iterator[dict[str, Any]]) -> None:
    """Copy the rows into the table. All rows must have the same columns."""
    first = next(rows)
    columns = ", ".join(f'"{name}"' for name in first)
    statement = f"COPY {table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write_row(list(first.values()))
        for row in rows:
            stream.write_row(list(row.values()))


def users(number: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of `number` users.

    One user in ten thousand has access to the admin, and one in a thousand is disabled.
    """
    for n in range(number):
        yield {
            "username": f"u{n}",
            "email": f"u{n}@example.com",
            "first_name": f"First{n % 100_000}",
            "last_name": f"Last{n % 100_000}",
            "password": "!",
            "is_superuser": False,
            "is_staff": n % 10_000 == 0,
            "is_active": n % 1000 != 0,
            "date_joined": START,
            "sub": uuid.uuid4(),
        }


def clients(connection: "psycopg.Connection[Any]", number: int) -> Iterator[dict[str, Any]]:
    """Yield `number` rows for the table of clients.

    Each row copies a client that the database already has, but gets a new id, `client_id` and name. One client in a
    thousand is inactive.
    """
    cursor = connection.execute("SELECT * FROM tokens_client LIMIT 1")
    row = cursor.fetchone()
    names = [column.name for column in cursor.description or ()]
    first = {
        name: Jsonb(value) if isinstance(value, list | dict) else value for name, value in zip(names, row, strict=True)
    }
    for n in range(number):
        own = {"id": 1000 + n, "client_id": f"c{n}", "name": f"Client {n}", "is_active": n % 1000 != 0}
        yield first | own


def events(number: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the rows of `number` audit events, with ten seconds between two events.

    A tenth of the events are about one busy client. One event in 100,000 has a rare action.
    """
    for n in range(number):
        yield {
            "at": START + timedelta(seconds=10 * n),
            "actor": f"user:u{n * 7919 % options.users}",
            "action": "key.revoked" if n % 100_000 == 7 else ACTIONS[n % len(ACTIONS)],
            "subject": "client:busy" if n % 10 == 0 else f"client:c{n * 104_729 % options.clients}",
            "details": Jsonb({"name": [f"Client {n}", f"Client {n + 1}"]}),
        }


def measure(issuer: Served) -> Iterator[tuple[str, bool]]:
    """Measure each list of PAGES. For each, yield the line to print, and True if the median exceeds LIMIT."""
    keys = {name: key(issuer, *order) for name, order in MIDDLES.items()}
    with requests.Session() as session:
        log_in(issuer, session)
        for name, path in PAGES.items():
            address = issuer.url + path.format(**keys)
            times = measured(issuer, session, address)
            median, slowest = statistics.median(times), max(times)
            verdict = "slow" if median > LIMIT else "ok"
            yield f"{name:34} {median:7.0f} ms   slowest {slowest:7.0f} ms   {verdict}", median > LIMIT


def key(issuer: Served, table: str, order: str, row: int) -> int:
    """Return the primary key of the row that has the number `row` in a list of the admin.

    `order` is the order of the list, as an SQL clause. The first row has the number 1.
    """
    ((identifier,),) = issuer.issuer.rows(f"SELECT id FROM {table} ORDER BY {order} OFFSET {row - 1} LIMIT 1")  # noqa: S608
    return int(identifier)


def measured(issuer: Served, session: requests.Session, address: str) -> list[float]:
    """Request one list of the admin ROUNDS times, and return the time of each request in milliseconds.

    One more request is sent first, as a warm-up. The issuer, its connections to the database and this process have
    real-time priority if that is allowed, so that other work on the machine hardly affects the times.
    """
    seconds(session, address)
    with ExitStack() as stack:
        for process in (os.getpid(), *issuer.processes(), *issuer.connections()):
            stack.enter_context(ahead(process))
        return [seconds(session, address) * 1000 for _ in range(ROUNDS)]


def log_in(issuer: Served, session: requests.Session) -> None:
    """Log the administrator in at the issuer, in the HTTP session `session`."""
    address = f"{issuer.url}/admin/login/"
    page = session.get(address, timeout=60)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token
    form = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token[1], "next": "/admin/"}
    answer = session.post(address, form, headers={"Referer": address}, timeout=60)
    assert answer.ok, answer.text
    assert "/login/" not in answer.url


def seconds(session: requests.Session, address: str) -> float:
    """Return the seconds that one request of the address takes."""
    start = time.perf_counter()
    answer = session.get(address, timeout=120)
    assert answer.status_code == 200, (address, answer.status_code)
    assert "/login/" not in answer.url
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

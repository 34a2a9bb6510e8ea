"""Concurrent uses of one refresh token or one code, on four nodes with 32 connections to PostgreSQL.

All refreshes with one token get the same successor. Reuse detection writes one audit event. No user is logged out by
mistake. The operator is replacing the encryption key in KEY_ENCRYPTION_KEYS: on two nodes the new key comes first in
this list, on the other two nodes the old key.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import requests

from project.launch import processes
from tests.ports import free
from tests.services.conftest import WAITING, Issuer, mistakes, ready, serve
from tests.services.test_token_races import CODE, REFRESH, REGISTER, REVOKED, claims_of, said
from tests.tokens.factories import CALLBACK, CHALLENGE, VERIFIER

pytestmark = pytest.mark.services
NODES = 4
THREADS = 8
AT_ONCE = NODES * THREADS
BARRIER = 10.0
"""Seconds that requests wait for each other at most: less than the 20 s that they may wait for a lock."""

UNKNOWN = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "app"}
USED_LONG_AGO = "UPDATE tokens_refreshtoken SET used_at = used_at - interval '31 s' WHERE used_at IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Nodes:
    issuer: Issuer
    urls: Sequence[str]

    def shell(self, script: str) -> str:
        return self.issuer.run("shell", "-v", "0", "--no-imports", "-c", script).strip()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.issuer.variables["DATABASE_URL"]) as connection:
            connection.execute(statement)

    def at_once(self, forms: Sequence[dict[str, str]], *, waiting: int = AT_ONCE) -> list[requests.Response]:
        """Send the forms to the nodes at the same time, and return the responses.

        First locks all grants. When `waiting` requests wait for these locks, releases the locks, and the requests race.
        """

        def ask(number: int, form: dict[str, str]) -> requests.Response:
            url = self.urls[(number + number // NODES) % NODES]
            return requests.post(f"{url}/oauth/token", data=form | {"client_id": "app"}, timeout=60)

        with ThreadPoolExecutor(len(forms)) as pool, self._grants_locked(waiting):
            running = [pool.submit(ask, number, form) for number, form in enumerate(forms)]
        return [future.result() for future in running]

    @contextmanager
    def _grants_locked(self, number: int) -> Iterator[None]:
        """Lock every grant. After the block, wait until `number` connections wait for a lock, then release the locks.

        Waits at most BARRIER seconds. Fails unless at least three quarters of `number` connections waited.
        """
        url, most = self.issuer.variables["DATABASE_URL"], 0
        with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watcher:
            holder.execute("SELECT id FROM tokens_usergrant FOR UPDATE")
            yield
            deadline = time.monotonic() + BARRIER
            while most < number and time.monotonic() < deadline:
                most = max(most, watcher.execute(WAITING).fetchone()[0])
                threading.Event().wait(0.02)
        assert most >= number * 3 / 4, f"only {most} of {number} requests were there at once"

    def refreshes(self, *texts: str, waiting: int = AT_ONCE) -> list[requests.Response]:
        """Send 32 refreshes at the same time, and return the responses.

        The refresh tokens `texts` are used equally often. `waiting` is the number of requests that must wait for a lock
        before the race begins.
        """
        forms = [{"grant_type": "refresh_token", "refresh_token": text} for text in texts]
        return self.at_once(forms * (AT_ONCE // len(forms)), waiting=waiting)

    def family(self) -> tuple[str, str]:
        """Create a grant with a refresh token. Return the token and the id of the grant."""
        text = self.shell(REFRESH)
        [(grant,)] = self.issuer.rows("SELECT id FROM tokens_usergrant ORDER BY created_at DESC LIMIT 1")
        return text, str(grant)

    def revocation(self, grant: str) -> tuple[str, int]:
        """Return the reason why the grant was revoked ("" if it was not), and its number of reuse audit events."""
        [(reason, events)] = self.issuer.rows(
            "SELECT revoke_reason, (SELECT count(*) FROM tokens_auditevent"
            f" WHERE action = 'grant.reuse_detected' AND subject = 'grant:{grant}')"
            f" FROM tokens_usergrant WHERE id = '{grant}'"
        )
        return reason, events


@pytest.fixture(scope="module")
def nodes(module_issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    former, first = module_issuer.variables["KEY_ENCRYPTION_KEYS"], secrets.token_urlsafe(32)
    urls = [f"http://localhost:{free()}" for _ in range(NODES)]
    issuer = Issuer(module_issuer.variables | {"ISSUER_URL": urls[0]})
    issuer.run("rotate_keys")
    registry = REGISTER.format(given=json.dumps({"callback": CALLBACK, "jwks": None}))
    issuer.run("shell", "-v", "0", "--no-imports", "-c", registry)
    logs = tmp_path_factory.mktemp("nodes")
    children: list[Any] = []
    with ExitStack() as stack:
        stack.callback(lambda: processes.stop(children))
        for number, url in enumerate(urls):
            entries = (former, first) if number % 2 else (first, former)
            node = Issuer(issuer.variables | {"KEY_ENCRYPTION_KEYS": ",".join(entries)})
            children.append(serve(node, url, logs / f"{number}.log", workers=1))
        for child in children:
            ready(child)
        made = Nodes(issuer, urls)
        with ThreadPoolExecutor(AT_ONCE) as pool:  # each thread opens its connection before the first race
            list(pool.map(lambda url: requests.post(f"{url}/oauth/token", data=UNKNOWN, timeout=60), urls * THREADS))
        yield made
    assert mistakes(*(logs / f"{number}.log" for number in range(NODES))) == []


@pytest.fixture(autouse=True)
def tokens_can_be_issued(nodes: Nodes) -> None:
    """Wait until the issuer issues tokens.

    It issues none in the second in which an earlier test revoked tokens.
    """
    nodes.issuer.revocations_are_past()


def successors(answers: Sequence[requests.Response]) -> set[str]:
    return {answer.json()["refresh_token"] for answer in answers if answer.ok}


def test_all_concurrent_refreshes_get_the_same_successor(nodes: Nodes) -> None:
    first, grant = nodes.family()
    answers = nodes.refreshes(first)
    assert said(answers) == {(200, ""): AT_ONCE}
    [second] = successors(answers)
    assert len({answer.json()["access_token"] for answer in answers}) == AT_ONCE
    [third] = successors(nodes.refreshes(second))
    assert said(nodes.refreshes(first)) == {(400, "invalid_grant"): AT_ONCE}, "its successor was used"
    assert nodes.revocation(grant) == ("", 0)
    assert said(nodes.refreshes(third)) == {(200, ""): AT_ONCE}


def test_a_token_and_its_successor_that_race_revoke_nothing(nodes: Nodes) -> None:
    first, grant = nodes.family()
    [second] = successors(nodes.refreshes(first))
    answers = nodes.refreshes(first, second)
    given = successors(answers)
    assert {answer.status_code for answer in answers[1::2]} == {200}, "the newer one is always answered"
    assert {answer.status_code for answer in answers[0::2]} <= {200, 400}
    assert len(given - {second}) == 1
    assert nodes.revocation(grant) == ("", 0)


def test_concurrent_reuse_after_the_window_is_one_event(nodes: Nodes) -> None:
    first, grant = nodes.family()
    [second] = successors(nodes.refreshes(first))
    nodes.execute(USED_LONG_AGO)
    assert said(nodes.refreshes(first)) == {(400, "invalid_grant"): AT_ONCE}
    assert nodes.revocation(grant) == ("refresh token used twice", 1)
    assert said(nodes.refreshes(second)) == {(400, "invalid_grant"): AT_ONCE}
    assert nodes.revocation(grant) == ("refresh token used twice", 1)


def test_damaged_copies_that_race_the_good_token_revoke_nothing(nodes: Nodes) -> None:
    text, grant = nodes.family()
    answers = nodes.refreshes(text, text[:-1], f"{text} ", text[:64], waiting=AT_ONCE // 4)
    good = answers[0::4]
    assert said(good) == {(200, ""): AT_ONCE // 4}
    assert said([answer for answer in answers if answer not in good]) == {(400, "invalid_grant"): AT_ONCE * 3 // 4}
    assert nodes.revocation(grant) == ("", 0)


def test_of_concurrent_redemptions_of_a_code_one_succeeds_and_stays_valid(nodes: Nodes) -> None:
    nodes.shell(CODE.format(callback=CALLBACK, challenge=CHALLENGE))
    form = {"grant_type": "authorization_code", "code": "the-code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    answers = nodes.at_once([form] * AT_ONCE)
    assert said(answers) == {(200, ""): 1, (400, "invalid_grant"): AT_ONCE - 1}
    [given] = [answer.json() for answer in answers if answer.ok]
    claims = claims_of(given["access_token"])
    assert nodes.shell(REVOKED.format(claims=f"[{json.dumps(claims)}]")) == "[false]"
    assert nodes.revocation(claims["grant_id"]) == ("", 0)
    assert said(nodes.refreshes(given["refresh_token"])) == {(200, ""): AT_ONCE}

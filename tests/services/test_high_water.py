"""The issuer detects that its database lost changes, because Redis has marks of the newest changes.

The tests dump the database, revoke tokens, restore the dump, and run the checks.
"""

import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.cache.backends.redis import RedisCache

from project.launch import processes
from project.launch.ports import free
from tests.services.conftest import Issuer, database, migrated, serve, wait_for
from tests.services.redis_server import RedisServer
from tests.services.test_restore import run
from tokens.limits.circuit import Circuit
from tokens.revoking import high_water_marks
from tokens.revoking.feed_log import Version
from tokens.revoking.high_water_marks import KEPT, PAUSE, REPLACED_KEPT, Event, Marks

pytestmark = pytest.mark.services
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
OLDER = "older than the state recorded in Redis"
CLIENT = ("create_client", "--grant", "client_credentials", "--client-id")


@dataclass(slots=True)
class Story:
    """An issuer with a Redis, a dump of its database, and an empty database to restore it to."""

    issuer: Issuer
    redis: RedisServer
    other: str
    folder: Path

    @property
    def url(self) -> str:
        return self.issuer.variables["ISSUER_URL"]

    def check(self) -> tuple[int, str]:
        process = self.issuer.start("keys", "--check")
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

    def mark(self, name: str) -> str:
        """Return the newest high-water mark in Redis, or "" if there is none. `name` is `feed` or `events`."""
        keys = self.redis.client.keys(f"*marks:{self.url}:{name}")
        members: Any = self.redis.client.zrevrange(keys[0], 0, 0) if keys else []
        return members[0].decode() if members else ""

    def newest_event(self) -> str:
        ((number,),) = self.issuer.rows("SELECT max(id) FROM tokens_auditevent")
        return str(number)

    def attention(self) -> str:
        answer = requests.get(f"{self.url}/readyz", timeout=30)
        assert answer.status_code == 200
        return " ".join(answer.json().get("attention", []))

    def serve(self) -> processes.Child:
        child = serve(self.issuer, self.url, self.folder / "issuer.log", workers=2)
        processes.wait_until_ready(child, "/readyz")
        return child

    def restore(self) -> None:
        run("pg_restore", "--exit-on-error", "-d", self.other, str(self.folder / "dump"))
        self.issuer = replace(self.issuer, variables=self.issuer.variables | {"DATABASE_URL": self.other})


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    redis = RedisServer(tmp_path)
    try:
        with migrated() as original, database() as other:
            url = f"http://localhost:{free()}"
            issuer = Issuer(original.variables | {"ISSUER_URL": url, "CACHE_URL": redis.url})
            issuer.run("rotate_keys")
            yield Story(issuer, redis, other, tmp_path)
    finally:
        redis.close()


def lose(story: Story) -> None:
    """Dump the database. Then make changes that the dump lacks: create a client, and revoke all tokens.

    An issuer runs at that time. It publishes the revocation feed, and writes the newest high-water marks to Redis.
    """
    child = story.serve()
    try:
        wait_for(lambda: story.mark("events").startswith(f"{story.newest_event()}."))
        run("pg_dump", "-Fc", "-f", str(story.folder / "dump"), story.issuer.variables["DATABASE_URL"])
        story.issuer.run(*CLIENT, "service", "--name", "S")
        story.issuer.run("revoke_tokens", "--all", "--yes", "--reason", "leak")
        assert requests.get(f"{story.url}/oauth/revocations", timeout=30).status_code == 200
        wait_for(lambda: story.mark("feed").startswith("1."))
        wait_for(lambda: story.mark("events").startswith(f"{story.newest_event()}."))
        wait_for(lambda: bool(story.redis.client.keys("*:replaced")))
        assert story.attention() == ""
        assert story.check()[0] == 0
    finally:
        processes.stop([child])


def test_a_restored_backup_is_detected_refuses_nothing_and_is_in_force_after_the_command(story: Story) -> None:
    lose(story)
    story.restore()
    marks = {name: story.mark(name) for name in ("feed", "events")}
    code, printed = story.check()
    assert (code, OLDER in printed, "run manage.py after_restore (docs/restore.md)" in printed) == (3, True, True)
    assert re.search(
        r"its revocation feed is at 0\.\S+, and was at 1\.\S+; its audit trail lacks the event of", printed
    )
    assert "its clients, secrets or APIs are of an earlier version" in printed
    check = story.issuer.start("check", "--database", "default")
    assert "tokens.W307" in "".join(check.communicate(timeout=120))

    child = story.serve()
    try:
        assert OLDER in story.attention()
        story.issuer.run(*CLIENT, "later", "--name", "L")  # new events hide nothing
        wait_for(lambda: "The database went back" in (story.folder / "issuer.log").read_text())
        assert OLDER in story.attention()
    finally:
        processes.stop([child])
    assert {name: story.mark(name) for name in ("feed", "events")} == marks

    done = story.issuer.run("after_restore", "--yes")
    assert OLDER in done
    assert story.check() == (0, "the signing keys are healthy\n")
    child = story.serve()
    try:
        wait_for(lambda: story.mark("events").startswith(f"{story.newest_event()}."))
        assert story.attention() == ""
    finally:
        processes.stop([child])


def test_a_redis_that_was_emptied_says_nothing_and_one_that_hangs_costs_little(story: Story) -> None:
    lose(story)
    story.restore()
    story.redis.freeze()
    try:
        code, printed = story.check()
        assert (code, "Redis does not answer" in printed, OLDER in printed) == (0, True, False)
        process = story.issuer.start("after_restore", "--yes")
        assert "Redis did not forget the newer database" in process.communicate(timeout=120)[1]
    finally:
        story.redis.thaw()
    assert OLDER in story.check()[1]
    story.redis.client.flushall()
    assert story.check() == (0, "the signing keys are healthy\n")


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    monkeypatch.setattr(high_water_marks, "caches", {high_water_marks.ALIAS: RedisCache(server.url, {})})
    monkeypatch.setattr(high_water_marks, "circuit", Circuit(PAUSE))
    yield server
    server.close()


def state(number: int) -> Marks:
    at = NOW + timedelta(microseconds=number)
    return Marks(feed=Version(number, "AAAAAAAAAAA"), event=Event(number, at), registry=f"value-{number}")


def test_marks_only_rise_in_any_order_of_their_writers(shared: RedisServer) -> None:
    numbers = list(range(1, 201))
    random.Random(7).shuffle(numbers)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: high_water_marks.write(state(number), over=Marks(), now=NOW), numbers))
    marks = high_water_marks.read(now=NOW)
    assert marks is not None
    assert (marks.feed, marks.event) == (state(200).feed, state(200).event)
    assert marks.registry in {f"value-{number}" for number in numbers}
    for name in ("feed", "events"):
        assert shared.client.zcard(high_water_marks._key(name)) == KEPT


def test_a_version_of_the_registry_is_replaced_by_those_alone_that_read_a_later_one(shared: RedisServer) -> None:
    first, second, third = state(1), state(2), state(3)
    high_water_marks.write(first, over=Marks(), now=NOW)
    seen = high_water_marks.read(now=NOW)
    assert seen is not None
    high_water_marks.write(third, over=seen, now=NOW)
    high_water_marks.write(second, over=seen, now=NOW)  # it read the database earlier, and writes later
    assert high_water_marks.was_replaced("value-1", now=NOW)
    assert not high_water_marks.was_replaced("value-2", now=NOW)
    assert not high_water_marks.was_replaced("value-3", now=NOW)
    seen = high_water_marks.read(now=NOW)
    assert seen is not None
    high_water_marks.write(third, over=seen, now=NOW)
    assert high_water_marks.was_replaced("value-2", now=NOW)
    assert not high_water_marks.was_replaced("value-3", now=NOW)


def test_former_versions_are_bounded_and_the_oldest_go_first(shared: RedisServer) -> None:
    for number in range(REPLACED_KEPT + 2):
        at = NOW + timedelta(seconds=number)
        high_water_marks.write(state(number + 1), over=state(number), now=at)
    assert not high_water_marks.was_replaced("value-1", now=NOW)
    assert high_water_marks.was_replaced("value-2", now=NOW)
    assert high_water_marks.reset(now=NOW)
    assert high_water_marks.read(now=NOW) == Marks()
    assert shared.client.keys("*") == []

"""The front (project.front) answers 503 if the application does not answer in time.

A request that was answered 503 cannot change the database afterwards.
"""

import asyncio
import gc
import json
import logging
import os
import threading
import time
from dataclasses import replace
from unittest.mock import patch

import pytest

from project.front import lanes, turn
from project.front.abandonment import Abandoned, _commit_unless_abandoned, _guard
from project.front.turn import Turn, TurnOver
from project.launch import serve, worker_start
from tests.ports import free
from tests.project.front.asgi import BOUNDS, fetch, fetch_async, front

HASTY = replace(BOUNDS, answer=0.3)
OK = [("Content-Type", "text/plain"), ("Set-Cookie", " a=b")]


class Hanging:
    """A WSGI application that hangs at /hang until it is released. It records the paths of its calls."""

    def __init__(self):
        self.released = threading.Event()
        self.called = []

    def __call__(self, environ, start):
        self.called.append(environ["PATH_INFO"])
        if "hang" in environ["PATH_INFO"]:
            self.released.wait(60)
        start("200 OK", OK)
        return [b"done"]


@pytest.fixture
def hanging():
    hanging = Hanging()
    yield hanging
    hanging.released.set()


def test_a_request_that_hangs_is_answered_503_in_time(hanging):
    answer = fetch(front(hanging, HASTY), "/oauth/hang")
    assert (answer.status, answer["Retry-After"], answer["Cache-Control"]) == (503, "5", "no-store")
    assert json.loads(answer.body)["error"] == "temporarily_unavailable"
    assert b"<h1>" in fetch(front(hanging, HASTY), "/oauth/hang", headers=[("Accept", "text/html")]).body


def test_each_503_of_the_front_is_noted_with_its_reason_and_path(hanging):
    noted = []
    server = front(hanging, HASTY, note=lambda reason, path: noted.append((reason, path)))

    async def story():
        tasks = [fetch_async(server, "/oauth/hang?code=secret") for _ in range(lanes.WORK_THREADS + lanes.WAITING + 1)]
        await asyncio.gather(*tasks)

    asyncio.run(story())
    assert ("no answer within 0.3 s", "/oauth/hang") in noted
    assert noted[0] == ("128 requests wait for a thread of their kind", "/oauth/hang")
    assert len(noted) == lanes.WORK_THREADS + lanes.WAITING + 1


@pytest.mark.parametrize("installed", [True, False], ids=["issuer", "api"])
def test_a_front_of_the_issuer_notes_in_the_audit_log_without_a_database(hanging, caplog, installed):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    with (
        patch.dict(os.environ),
        patch.object(worker_start, "import_string", return_value=hanging),
        patch.object(worker_start.thread_limit, "serving"),
        patch.object(worker_start.apps, "is_installed", return_value=installed),
        patch.object(worker_start, "bounds", return_value=replace(BOUNDS, answer=0.31)),
    ):
        assert fetch(worker_start.load("project.wsgi.application", alive=None), "/oauth/hang").status == 503
    lines = [json.loads(message) for message in caplog.messages if "request.unavailable" in message]
    assert [line["details"]["reason"] for line in lines] == ["no answer within 0.31 s"] * installed


def freeze_again():
    """Exempt only the present objects from garbage collection (gc.freeze), as tests/conftest.py does."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def test_garbage_collections_of_a_worker_skip_what_it_has_loaded(hanging):
    """The objects that a worker has loaded are frozen, so that a garbage collection does not visit them.

    The test counts objects instead of measuring time.
    """
    with (
        patch.dict(os.environ),
        patch.object(worker_start, "import_string", return_value=hanging),
        patch.object(worker_start.thread_limit, "serving"),
    ):
        try:
            worker_start.load("project.wsgi.application", alive=None)
            assert gc.get_freeze_count() > 10 * sum(gc.get_count())
            assert len(gc.get_objects()) < gc.get_freeze_count()
        finally:
            freeze_again()


def test_the_objects_that_the_checks_loaded_are_frozen_before_workers_fork():
    """The server freezes the existing objects (gc.freeze) before it forks workers.

    Otherwise, a worker's first garbage collection would write to each object, and so copy each memory page with
    objects.
    """
    frozen = []

    class Recorded:
        def __init__(self, *_arguments, **_options):
            pass

        def serve(self, **_options):
            frozen.append(gc.get_freeze_count())

    gc.unfreeze()
    options = serve.parse([str(free())], serve.PROGRAM)
    try:
        with (
            patch.object(serve, "Workers", Recorded),
            patch.object(serve, "refuse_on_errors"),
            patch.object(serve.environment, "forget_secrets"),
        ):
            serve.serve(options, None)
    finally:
        freeze_again()
    assert frozen[0] > 10_000


def test_what_is_no_503_is_not_noted():
    noted = []
    server = front(Hanging(), note=lambda reason, path: noted.append((reason, path)))
    assert fetch(server, "/oauth/token", method="POST", headers=[("Content-Length", "101")]).status == 413
    assert fetch(server, "/").status == 200
    assert noted == []


@pytest.mark.parametrize(("path", "readable"), [("/oauth/hang", True), ("/accounts/hang", False), ("/api/hang", False)])
def test_a_page_of_another_origin_may_read_why_an_endpoint_does_not_answer(hanging, path, readable):
    answer = fetch(
        front(hanging, HASTY), path, headers=[("Origin", "https://spa.example"), ("Accept", "application/json")]
    )
    headers = dict(answer.headers)
    assert answer.status == 503
    assert (headers.get("access-control-allow-origin") == "*") is readable
    assert ("Retry-After" in headers.get("access-control-expose-headers", "")) is readable


def test_documents_and_probes_go_on_while_every_working_thread_hangs(hanging):
    server = front(hanging)

    async def story():
        stuck = [asyncio.create_task(fetch_async(server, "/hang")) for _ in range(3 * lanes.WORK_THREADS)]
        while hanging.called.count("/hang") < lanes.WORK_THREADS:
            await asyncio.sleep(0.01)
        for path in ("/healthz", "/readyz", "/.well-known/jwks.json", "/.well-known/openid-configuration") * 5:
            assert (await fetch_async(server, path)).status == 200
        assert not any(task.done() for task in stuck)
        assert hanging.called.count("/hang") == lanes.WORK_THREADS
        hanging.released.set()
        return [(await task).status for task in stuck]

    assert set(asyncio.run(story())) == {200}


def test_a_request_that_waited_too_long_is_never_started(hanging):
    server = front(hanging, replace(BOUNDS, answer=2.0))  # for the last one, too, on a busy machine

    async def story():
        stuck = [asyncio.create_task(fetch_async(server, "/hang")) for _ in range(lanes.WORK_THREADS)]
        await asyncio.sleep(0)
        late = await fetch_async(server, "/late")
        await asyncio.gather(*stuck)
        hanging.released.set()
        served = await fetch_async(server, "/afterwards")  # queued behind the late one
        return late.status, served.status

    assert asyncio.run(story()) == (503, 200)
    assert "/late" not in hanging.called


def test_more_than_may_wait_are_refused_at_once(hanging):
    server = front(hanging)

    async def story():
        tasks = [
            asyncio.create_task(fetch_async(server, "/hang")) for _ in range(lanes.WORK_THREADS + lanes.WAITING + 20)
        ]
        while len(at_once := [task for task in tasks if task.done()]) < 20:
            await asyncio.sleep(0.01)
        hanging.released.set()
        await asyncio.gather(*tasks)
        return [task.result() for task in at_once]

    at_once = asyncio.run(story())
    assert {(answer.status, answer["Retry-After"]) for answer in at_once} == {(503, "1")}
    assert len(at_once) >= 20, "more than threads and places, some of which were not taken yet"


def test_pages_of_the_admin_have_longer_and_its_login_has_not(hanging):
    server = front(hanging, HASTY, mount="/auth")

    async def story():
        page = asyncio.create_task(fetch_async(server, "/auth/admin/hang"))
        login = await fetch_async(server, "/auth/admin/login/hang")
        pending = not page.done()
        hanging.released.set()
        return login.status, pending, (await page).status

    assert asyncio.run(story()) == (503, True, 200)


@pytest.mark.parametrize("path", ["/auth/healthz", "/healthz", "/auth/.well-known/jwks.json"])
def test_a_mounted_issuer_has_the_same_lanes(hanging, path):
    server = front(hanging, mount="/auth")

    async def story():
        stuck = [asyncio.create_task(fetch_async(server, "/auth/hang")) for _ in range(2 * lanes.WORK_THREADS)]
        await asyncio.sleep(0)
        status, answered = (await fetch_async(server, path)).status, [task.done() for task in stuck]
        hanging.released.set()
        await asyncio.gather(*stuck)
        return status, any(answered)

    assert asyncio.run(story()) == (200, False)


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        ("/healthz", "alive"),
        ("/readyz", "ready"),
        ("/.well-known/jwks.json", "public"),
        ("/oauth/token", "work"),
        ("/oauth/.well-known/jwks.json", "work"),
        ("/healthz/", "work"),
        ("/", "work"),
    ],
)
def test_the_lane_of_a_path(path, lane):
    assert lanes.lane_of(path) == lane


def test_an_abandoned_request_finds_that_it_may_not_go_on():
    raised = []
    answered, done = threading.Event(), threading.Event()

    def application(environ, start):
        answered.wait(60)
        try:
            turn.current().go_on()
        except TurnOver:
            raised.append("over")
        done.set()
        start("200 OK", OK)
        return [b""]

    assert fetch(front(application, HASTY)).status == 503
    answered.set()
    assert done.wait(60)
    assert raised == ["over"]


def test_a_request_that_is_committing_at_the_deadline_keeps_its_answer(monkeypatch):
    abandon, late = Turn.abandon, threading.Event()

    def abandon_and_report(*arguments, **options):
        abandoned = abandon(*arguments, **options)
        late.set()
        return abandoned

    monkeypatch.setattr(Turn, "abandon", abandon_and_report)
    monkeypatch.setattr(turn, "SETTLING", 60.0)  # seconds for the rest of this test, on a busy machine

    def application(environ, start):
        turn.current().begin_commit()
        assert late.wait(60)
        turn.current().end_commit()
        start("200 OK", OK)
        return [b"committed"]

    answer = fetch(front(application, HASTY))
    assert (answer.status, answer.body) == (200, b"committed")


def test_a_commit_that_hangs_is_answered_503_all_the_same():
    release = threading.Event()

    def application(environ, start):
        turn.current().begin_commit()
        release.wait(60)
        start("200 OK", OK)
        return [b""]

    assert fetch(front(application, HASTY)).status == 503, "while it hangs"
    release.set()


def test_a_turn_is_either_abandoned_or_committed():
    request_turn = Turn()
    request_turn.begin_commit()
    assert not request_turn.abandon(time.monotonic())
    request_turn.end_commit()
    assert not request_turn.abandon(time.monotonic()), "its answer is about to come"
    assert request_turn.abandon(time.monotonic() + turn.SETTLING + 0.1)
    for step in (request_turn.go_on, request_turn.begin_commit):
        with pytest.raises(TurnOver):
            step()


class Connection:
    in_atomic_block = True
    _commit = staticmethod(lambda: "committed")

    def __init__(self):
        self.execute_wrappers = []


@pytest.fixture
def abandoned():
    abandoned = Turn()
    assert abandoned.abandon(time.monotonic())
    turn.take(abandoned)
    yield abandoned
    turn.take(None)


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("sql", ["SELECT 1", " update a set b=1"])
def test_no_statement_and_no_commit_follows_the_503(abandoned, sql, atomic):
    connection = Connection()
    connection.in_atomic_block = atomic
    _guard(connection=connection)
    _guard(connection=connection)  # after it was lost and opened again
    assert len(connection.execute_wrappers) == 1
    execute = connection.execute_wrappers[0]
    for step in (lambda: execute(lambda *_: "run", sql, (), False, {"connection": connection}), connection._commit):
        with pytest.raises(Abandoned):
            step()
        turn.take(None)
        assert step() in {"run", "committed"}, "commands and background threads have no turn"
        turn.take(abandoned)


def test_a_failing_commit_ends_the_commit():
    request_turn = Turn()
    turn.take(request_turn)
    with pytest.raises(ZeroDivisionError):
        _commit_unless_abandoned(lambda: 1 / 0)
    turn.take(None)
    assert request_turn.abandon(time.monotonic() + turn.SETTLING + 0.1)

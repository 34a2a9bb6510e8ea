"""Separate processes on PostgreSQL deliver logout messages (back-channel logout).

A kill -9 loses no message. If several senders run, each message is sent by only one of them.
"""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import psycopg
import pytest

from project.launch import processes
from tests.ports import free
from tests.resources.loopback import Loopback, loopback
from tests.services.conftest import Issuer, mistakes, ready, serve, wait_for

pytestmark = pytest.mark.services
HANGS = 300.0
"""Seconds after which an answer comes that a test holds back."""

PREPARE = """
from tokens.models import Client, User
user = User.objects.create_user("ada")
for name in {names!r}:
    Client.objects.create(client_id=name, name=name, client_type="public", token_endpoint_auth_method="none",
        backchannel_logout_uri={url!r} + "/" + name, backchannel_logout_session_required=True)
"""
END = """
import os, signal
from django.db import transaction
from tokens.back_channel import session_end
from tokens.keys import store
from tokens.models import Client, SessionClient, User
now, user = store.database_now(), User.objects.get(username="ada")
sids = [f"{prefix}-{{number}}" for number in range({sessions})]
with transaction.atomic():
    for sid in sids:
        for client in Client.objects.filter(client_id__in={names!r}):
            SessionClient.objects.create(sid=sid, user=user, client=client, last_at=now)
        session_end.end_session(user, sid, now=now)
    {inside}
{after}
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"


class Receiver:
    """An HTTP server with a back-channel logout URI for each application.

    For each application, a test chooses whether the URI accepts logout tokens, refuses them, or hangs. `sessions` has
    the application's name and the `sid` of each accepted logout token.
    """

    def __init__(self, server: Loopback) -> None:
        self.server, self.url = server, server.url
        self.sessions: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.begun = threading.Event()
        """Set when an application got a request that it does not answer."""

    def accepts(self, *names: str) -> None:
        for name in names:
            self.server.answers[f"/{name}"] = lambda handler: self._answer(handler, 200)

    def refuses(self, name: str) -> None:
        self.server.answers[f"/{name}"] = lambda handler: self._answer(handler, 500)

    def hangs(self, name: str) -> None:
        def wait(handler):
            self.begun.set()
            self.server.released.wait(HANGS)

        self.server.answers[f"/{name}"] = wait

    def _answer(self, handler, status: int) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        assert handler.headers["Content-Type"] == "application/x-www-form-urlencoded"
        (token,) = parse_qs(body)["logout_token"]
        self.tokens.append(token)
        if status == 200:
            self.sessions.append((handler.path[1:], claims(token)["sid"]))
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


def claims(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with loopback() as server:
        yield Receiver(server)


def prepare(issuer: Issuer, receiver: Receiver, *names: str) -> None:
    issuer.run("rotate_keys")
    issuer.run("shell", "--no-imports", "-c", PREPARE.format(names=names, url=receiver.url))


def end_sessions(
    issuer: Issuer, *names: str, sessions: int, prefix: str = "s", inside: str = "", after: str = ""
) -> int:
    """End user sessions in one transaction of a separate process. Return the exit code of this process.

    `sessions` is the number of sessions. Each belongs to all clients in `names`, and its sid begins with `prefix`.
    `inside` and `after` are Python statements. The process runs `inside` at the end of the transaction, and `after`
    after the commit.
    """
    code = END.format(names=names, sessions=sessions, prefix=prefix, inside=inside or "pass", after=after)
    process = issuer.start("shell", "--no-imports", "-c", code)
    _, error = process.communicate(timeout=300)
    assert process.returncode in {0, -signal.SIGKILL}, error
    return process.returncode


def send_once(issuer: Issuer) -> dict:
    return json.loads(issuer.run("send_logouts", "--once", "--json"))


def make_due(issuer: Issuer) -> None:
    """Make all undelivered messages due now.

    This includes messages that wait for another attempt, and messages that a sender is just delivering.
    """
    with psycopg.connect(issuer.variables["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("UPDATE tokens_logoutmessage SET due_at = now() WHERE due_at IS NOT NULL")


def test_a_process_that_is_killed_after_the_commit_loses_no_message_and_one_before_it_sends_none(
    issuer: Issuer, receiver: Receiver
) -> None:
    prepare(issuer, receiver, "app", "other")
    receiver.accepts("app", "other")
    assert end_sessions(issuer, "app", "other", sessions=2, prefix="never", inside=KILL) == -signal.SIGKILL
    assert end_sessions(issuer, "app", "other", sessions=2, prefix="s", after=KILL) == -signal.SIGKILL
    assert send_once(issuer)["delivered"] == 4
    assert sorted(receiver.sessions) == [("app", "s-0"), ("app", "s-1"), ("other", "s-0"), ("other", "s-1")]


def test_a_serving_process_that_is_killed_during_a_delivery_loses_no_message(
    issuer: Issuer, receiver: Receiver, tmp_path: Path
) -> None:
    prepare(issuer, receiver, "app")
    receiver.hangs("app")
    child = serve(issuer, f"http://localhost:{free()}", tmp_path / "first.log", workers=2)
    try:
        ready(child)
        end_sessions(issuer, "app", sessions=1)
        assert receiver.begun.wait(HANGS)
    finally:
        os.killpg(child.process.pid, signal.SIGKILL)
        processes.stop([child])
    receiver.accepts("app")
    assert send_once(issuer) == {"delivered": 0, "failed": 0, "given_up": 0, "pending": 1, "dead": 0} | {
        "oldest_seconds": pytest.approx(0, abs=HANGS)
    }, "the lease of the killed process still lasts"
    make_due(issuer)
    child = serve(issuer, f"http://localhost:{free()}", tmp_path / "second.log", workers=2)
    try:
        wait_for(lambda: receiver.sessions == [("app", "s-0")])
        issuer.wait_for_number("SELECT count(*) FROM tokens_logoutmessage WHERE delivered_at IS NOT NULL", 1)
    finally:
        processes.stop([child])
    assert mistakes(tmp_path / "second.log") == []
    assert not any(token in (tmp_path / "second.log").read_text() for token in receiver.tokens)


def test_a_client_that_hangs_delays_no_other_in_a_serving_process(
    issuer: Issuer, receiver: Receiver, tmp_path: Path
) -> None:
    prepare(issuer, receiver, "slow", "quick")
    receiver.hangs("slow")
    receiver.accepts("quick")
    child = serve(issuer, f"http://localhost:{free()}", tmp_path / "issuer.log", workers=1)
    try:
        ready(child)
        end_sessions(issuer, "slow", "quick", sessions=20)
        wait_for(lambda: len(receiver.sessions) == 20)
    finally:
        receiver.server.released.set()
        processes.stop([child])
    assert {name for name, _ in receiver.sessions} == {"quick"}


def test_of_several_senders_each_message_is_sent_by_one(issuer: Issuer, receiver: Receiver) -> None:
    prepare(issuer, receiver, "app", "other")
    receiver.accepts("app", "other")
    end_sessions(issuer, "app", "other", sessions=50)
    senders = [issuer.start("send_logouts", "--once", "--json") for _ in range(4)]
    tallies = [json.loads(sender.communicate(timeout=300)[0]) for sender in senders]
    assert sum(tally["delivered"] for tally in tallies) == 100
    assert set(Counter(receiver.sessions).values()) == {1}
    assert len(receiver.sessions) == 100
    assert len({claims(token)["jti"] for token in receiver.tokens}) == 100


def test_a_client_that_fails_for_a_day_is_given_up_and_its_message_can_be_sent_again(
    issuer: Issuer, receiver: Receiver
) -> None:
    prepare(issuer, receiver, "app")
    receiver.refuses("app")
    end_sessions(issuer, "app", sessions=1)
    assert send_once(issuer)["failed"] == 1
    issuer.run(
        *("shell", "--no-imports", "-c"),
        "from django.db.models import F\nfrom tokens.models import LogoutMessage\n"
        "LogoutMessage.objects.update(due_at=F('created_at'), give_up_at=F('created_at'))",
    )
    figures = send_once(issuer)
    assert (figures["given_up"], figures["pending"], figures["dead"]) == (1, 0, 1)
    receiver.accepts("app")
    again = (
        "from tokens.back_channel import outbox\nfrom tokens.keys import store\n"
        "from tokens.models import LogoutMessage\n"
        "outbox.send_again(LogoutMessage.objects.all(), actor='test', now=store.database_now())"
    )
    issuer.run("shell", "--no-imports", "-c", again)
    assert send_once(issuer)["delivered"] == 1
    assert receiver.sessions == [("app", "s-0")]


def test_a_worker_delivers_until_it_gets_sigterm(issuer: Issuer, receiver: Receiver) -> None:
    prepare(issuer, receiver, "app")
    receiver.accepts("app")
    worker = issuer.start("send_logouts", "--json")
    try:
        end_sessions(issuer, "app", sessions=3)
        issuer.wait_for_number("SELECT count(*) FROM tokens_logoutmessage WHERE delivered_at IS NOT NULL", 3)
    finally:
        worker.terminate()
        out, error = worker.communicate(timeout=300)
    assert worker.returncode == 0, error
    assert json.loads(out)["delivered"] == 3


END_DURING_ISSUE = """
import threading
from datetime import timedelta
from django.db import connection, connections, transaction
from tokens.back_channel import session_client, session_end
from tokens.issued import user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.keys import store
from tokens.models import Client, LogoutMessage, User

user, client, now = User.objects.get(), Client.objects.get(), store.database_now()
login, target = Login(at=now, acr="", amr=("pwd",), sid="s-1"), Target("https://issuer.example", ("openid",), None)
# In a transaction, a second look would see what the first one saw.
look_again = "SELECT pg_stat_clear_snapshot()"
waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

def end():
    session_end.end_session(user, "s-1", now=now)
    connections.close_all()

other = threading.Thread(target=end)
with transaction.atomic(), connection.cursor() as cursor:
    user_grant.create(user, client, target, login, now=now, lasts=timedelta(minutes=1))
    other.start()
    for _ in range(20_000):
        cursor.execute(look_again)
        cursor.execute(waiting)
        if cursor.fetchone()[0]:
            break
    session_client.remember(user, client, login, openid=True, now=now)
other.join()
print(LogoutMessage.objects.count())
try:
    with transaction.atomic():
        user_grant.create(user, client, target, login, now=now, lasts=timedelta(minutes=1))
        session_client.remember(user, client, login, openid=True, now=now)
except user_grant.SessionEnded:
    print("ended")
"""


def test_a_session_that_ends_while_a_code_is_issued_notifies_that_client_and_gives_no_later_code(
    issuer: Issuer, receiver: Receiver
) -> None:
    prepare(issuer, receiver, "app")
    assert issuer.run("shell", "-v", "0", "--no-imports", "-c", END_DURING_ISSUE).split() == ["1", "ended"]

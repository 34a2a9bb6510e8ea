"""The number of passwords that are hashed at the same time is bounded.

A further login is refused with Retry-After, for any username.
"""

import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.management import call_command

from tests.tokens.factories import basic, post
from tokens.limits import password_slots
from tokens.limits.password_slots import RETRY_AFTER, Bound, Busy, cores
from tokens.models import User

PASSWORD = "correct horse"
PAGES = {"/accounts/login/": "login", "/admin/login/": "username"}
HOLD = """
import sys
from tokens.limits.password_slots import Bound
with Bound(1, sys.argv[1]).slot():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def name(request):
    return f"keyturn-test-{hash(request.node.nodeid) & 0xFFFFFFFF:x}"


@contextmanager
def full(bound, number):
    with ExitStack() as slots:
        for _ in range(number):
            slots.enter_context(bound.slot())
        yield


def test_a_login_without_a_slot_is_refused_until_a_slot_is_free(name):
    bound = Bound(2, name, patience=0)
    with full(bound, 2), pytest.raises(Busy), bound.slot():
        pass
    with full(bound, 2):
        pass


def test_a_login_waits_for_a_slot_and_the_number_of_waiting_logins_is_bounded(name):
    bound, inside, done = Bound(1, name, room=2, patience=60), threading.Event(), threading.Event()

    def wait():
        inside.set()
        with bound.slot():
            done.set()

    waiting = threading.Thread(target=wait)
    with bound.slot():
        waiting.start()
        assert inside.wait(30)
        while bound._room.acquire(blocking=False):  # until the thread has its place
            bound._room.release()
        with pytest.raises(Busy), bound.slot():
            pass
        assert not done.is_set()
    assert done.wait(30)
    waiting.join()


@pytest.mark.processes
@pytest.mark.parametrize("ended", ["closed", "killed"])
def test_processes_share_slots_and_the_end_of_a_process_frees_its_slots(name, ended):
    command = [sys.executable, "-c", HOLD, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Busy), Bound(1, name, patience=0).slot():
            pass
        with Bound(2, name, patience=0).slot():
            pass
        other.kill() if ended == "killed" else other.stdin.close()
        other.wait(30)
    with Bound(1, name, patience=0).slot():
        pass


def test_another_issuer_on_the_machine_has_slots_of_its_own(name, settings):
    with full(Bound(1, name), 1), Bound(1, f"{name}-other", patience=0).slot():
        pass
    mine = password_slots.bound.__wrapped__()._name
    settings.SECRET_KEY = "another"
    assert password_slots.bound.__wrapped__()._name != mine


@pytest.mark.parametrize("failure", [OSError(1, "not permitted"), AttributeError("AF_UNIX")])
def test_without_abstract_socket_names_each_process_has_its_own_slots(name, failure):
    bound = Bound(1, name, patience=0)
    with (
        patch.object(password_slots.socket, "SOCK_DGRAM", create=True),
        patch.object(password_slots.socket, "socket") as made,
    ):
        made.side_effect = [failure, made.return_value]
        made.return_value.__enter__ = lambda bound_socket: bound_socket
        made.return_value.__exit__ = lambda *_: None
        with bound.slot(), pytest.raises(Busy), bound.slot():
            pass


@pytest.mark.parametrize(
    ("quota", "expected"), [("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 1), ("max 100000", 8)]
)
def test_a_container_s_cpu_quota_bounds_the_cores(tmp_path, quota, expected):
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    with patch.object(password_slots.os, "sched_getaffinity", return_value=set(range(8)), create=True):
        assert cores(tmp_path / "cpu.max") == expected
        assert cores(tmp_path / "none") == 8


@pytest.mark.parametrize(("number", "slots"), [(1, 1), (2, 1), (8, 7)])
def test_the_slots_leave_one_core_free(number, slots):
    with patch.object(password_slots, "cores", return_value=number):
        assert password_slots.bound.__wrapped__()._number == slots


@pytest.fixture
def busy(name, monkeypatch):
    """Occupy every slot for hashing passwords, as concurrent logins do."""
    bound = Bound(1, name, patience=0)
    monkeypatch.setattr(password_slots, "bound", lambda: bound)
    with bound.slot():
        yield


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_a_login_without_a_slot_is_answered_503_for_any_name(client, busy, page, django_assert_num_queries):
    User.objects.create_user("ada", password=PASSWORD, is_staff=True)
    User.objects.create_user("closed", password=PASSWORD, is_active=False)
    with patch.object(MD5PasswordHasher, "encode") as encode, django_assert_num_queries(0):
        forms = [{PAGES[page]: named, "password": PASSWORD} for named in ("ada", "closed", "nobody")]
        answers = [client.post(page, form) for form in forms]
    assert encode.call_count == 0
    assert {answer.status_code for answer in answers} == {503}
    assert {answer["Retry-After"] for answer in answers} == {str(RETRY_AFTER)}
    assert len({answer.content for answer in answers}) == 1
    assert "Many users are logging in at the moment" in answers[0].content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_a_user_who_retries_after_503_logs_in(client, name, page, monkeypatch):
    bound = Bound(1, name, patience=0)
    monkeypatch.setattr(password_slots, "bound", lambda: bound)
    User.objects.create_user("ada", password=PASSWORD, is_staff=True)
    form = {PAGES[page]: "ada", "password": PASSWORD}
    with bound.slot():
        assert client.post(page, form).status_code == 503
    assert client.post(page, form).status_code == 302


@pytest.mark.django_db
def test_a_failed_login_frees_its_slot(client, name, monkeypatch):
    bound = Bound(1, name, patience=0)
    monkeypatch.setattr(password_slots, "bound", lambda: bound)
    for named in ("ada", "nobody"):
        assert client.post("/accounts/login/", {"login": named, "password": "x"}).status_code == 200
    with bound.slot():
        pass


@pytest.mark.django_db
def test_token_requests_and_the_jwks_need_no_slot(client, busy, service):
    """The secret of a client is random and stored as an HMAC, so that a comparison takes microseconds."""
    call_command("rotate_keys", verbosity=0)
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    with patch.object(MD5PasswordHasher, "encode") as encode:
        assert post(client, "/oauth/token", form, **basic("service", service.plain)).status_code == 200
        assert post(client, "/oauth/token", form, **basic("service", "wrong")).status_code == 401
        assert post(client, "/oauth/token", form, **basic("nobody", "wrong")).status_code == 401
        assert client.get("/.well-known/jwks.json").status_code == 200
    assert encode.call_count == 0

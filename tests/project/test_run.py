"""`make run` as a process.

When it stops, all its processes end. If it cannot start, it prints the reason in one line.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from authlib.integrations.requests_client import OAuth2Session

from project.launch.bootstrap import obstacle
from project.launch.processes import Child, Failed, stop, wait_until_ready
from project.launch.run import short_tokens
from tests import marks, prepared
from tests.ports import free
from tokens.keys.rules.inequalities import problems
from tokens.keys.rules.policy import DEVELOPMENT, changed

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [*marks.run]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy the files under version control, except tests/, to a new folder, which is like a fresh clone. Return it."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in names.split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith("tests/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


@pytest.fixture
def copy(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of a clone that already has the databases and secrets of `make run` in var/."""
    prepared.copy(tmp_path_factory).rename(clone / "var")
    return clone


@pytest.fixture
def ports() -> dict[str, str]:
    return {name: str(free()) for name in ("ISSUER_PORT", "API_PORT", "WEBAPP_PORT")}


def variables(ports: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **ports}


def run(copy: Path, ports: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "project.launch.run", *arguments]
    return subprocess.run(
        command, cwd=copy, env=variables(ports), capture_output=True, text=True, timeout=600, check=False
    )


def answers(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


@pytest.fixture
def running(copy: Path, ports: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "project.launch.run"],
        cwd=copy,
        env=variables(ports),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("Logs and databases"):
            break
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_stops_all_three_processes(running, ports, number) -> None:
    assert [answers(port) for port in ports.values()] == [True] * 3
    running.send_signal(number)
    assert running.wait(timeout=60) == 0
    assert [answers(port) for port in ports.values()] == [False] * 3


def test_when_it_is_killed_its_children_end_by_themselves(running, ports) -> None:
    running.kill()
    running.wait()
    deadline = time.monotonic() + 60
    while any(answers(port) for port in ports.values()):
        assert time.monotonic() < deadline, "a child outlived its parent"
        threading.Event().wait(0.05)


def test_a_taken_port_and_lost_secrets_are_one_line_each(clone: Path, ports: dict[str, str]) -> None:
    """Check the error messages for a taken port and for lost secrets, and that `make reset` repairs the clone."""
    copy = clone
    assert run(copy, ports, "--once").returncode == 0
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(ports["API_PORT"])))
        other.listen()
        taken = run(copy, ports, "--once")
    assert taken.returncode == 1
    assert taken.stderr.startswith(f"Port {ports['API_PORT']} is taken. Name a free one with API_PORT")
    (copy / "var" / "issuer.env").unlink()
    lost = run(copy, ports, "--once")
    assert (lost.returncode, lost.stderr.count("\n")) == (1, 1)
    assert "make reset" in lost.stderr
    reset = subprocess.run([sys.executable, "-m", "project.launch.reset"], cwd=copy, capture_output=True, check=False)
    assert reset.returncode == 0
    assert run(copy, ports, "--once").returncode == 0


def test_a_step_that_does_not_hold_makes_the_demo_fail(copy: Path, ports: dict[str, str]) -> None:
    broken = copy / "resources" / "notes" / "views.py"
    broken.write_text(broken.read_text().replace('"create": ["notes:write"]', '"create": ["notes:read"]'))
    demo = run(copy, ports, "--once")
    assert demo.returncode == 1
    assert "7. FAILED: expected 403 insufficient_scope" in demo.stdout


def test_a_child_that_exits_at_start_is_named_with_its_last_output(tmp_path: Path) -> None:
    log = tmp_path / "issuer.log"
    log.write_text("SECRET_KEY is not set.\n")
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"], process_group=0)
    child = Child("issuer", f"http://localhost:{free()}", log, process)
    with pytest.raises(Failed, match=r"The issuer process did not start:\n  SECRET_KEY is not set"):
        wait_until_ready(child, "/readyz")
    stop([child])


@pytest.mark.parametrize(
    ("chosen", "seconds"),
    [
        ({"KEY_POLICY": "development"}, "30"),
        ({"KEY_POLICY": "development", "KEY_TIMINGS": "keep=60,token_lifetime=45"}, "45"),
        ({"KEY_POLICY": "development", "KEY_TIMINGS": "token_lifetime=120"}, None),
        ({"KEY_POLICY": "production"}, None),
    ],
)
def test_tokens_that_authlib_takes_for_expired_are_said(chosen, seconds) -> None:
    timings = short_tokens(chosen)
    assert timings == "" if seconds is None else timings.startswith(f"Access tokens live for {seconds} s. Authlib")


@pytest.mark.parametrize(
    ("lifetime", "options", "active"), [(30, {}, None), (30, {"leeway": 5}, True), (120, {}, True)]
)
def test_what_is_said_of_authlib_is_so(lifetime, options, active) -> None:
    token = {"access_token": "t", "expires_at": int(time.time()) + lifetime}
    assert OAuth2Session("webapp", token=token, **options).ensure_active_token() is active


def test_the_timings_that_are_advised_can_be_kept() -> None:
    assert list(problems(changed(DEVELOPMENT, {"token_lifetime": 120}))) == []


@pytest.mark.parametrize(("version", "said"), [((3, 10), "needs Python 3.11 or later"), ((3, 6), "make PYTHON=")])
def test_an_old_python_is_refused_in_one_line(version, said) -> None:
    assert said in obstacle(version)
    assert "\n" not in obstacle(version)
    assert obstacle((3, 11)) is None

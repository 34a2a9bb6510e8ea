"""Runs a server in the foreground, with its output in a log file.

The server does not inherit the environment variables of this process.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.services.nodes import library

STARTS_WITHIN = 120.0
"""Seconds; a busy machine needs some."""
PATIENCE = 60
"""Seconds until a request without an answer is a failure."""
PAUSE = 0.05


@contextmanager
def running(
    command: Sequence[object], folder: Path, *, ready: Callable[[], bool], variables: Mapping[str, str] | None = None
) -> Iterator[Path]:
    """Run a program in `folder` while the block runs. Yield the path of its log as soon as `ready` returns True.

    Fails if the program ends first. The environment of the program has PATH, HOME, LANG and `variables`.
    """
    environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin", "HOME": str(folder), "LANG": "C.UTF-8"}
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env={**environment, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        wait_for(lambda: process.poll() is not None or ready(), within=STARTS_WITHIN)
        assert process.poll() is None, log.read_text(errors="replace")[-4000:]
        yield log
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(condition: Callable[[], bool], *, within: float = 60.0) -> None:
    """Wait until the condition is True. Fail after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(PAUSE)


def answers(url: str) -> bool:
    """Return True if a server answers a request for the URL, with any HTTP status."""
    try:
        requests.get(url, timeout=5)
    except requests.RequestException:
        return False
    return True


def status(url: str, token: str | None, **others: str) -> str:
    """Return the status of a GET request with this bearer token, as text. None means no token.

    `others` are further headers. `_` in their names stands for `-`.
    """
    headers = {name.replace("_", "-"): value for name, value in others.items()}
    headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
    return str(requests.get(url, headers=headers, timeout=PATIENCE, allow_redirects=False).status_code)


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a program. A test can set it ahead of the machine's clock (libfaketime)."""

    file: Path

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables that make a program use this clock.

        Also sets the clock to the machine's time.
        """
        self.forward(0)
        return {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
        }

    def forward(self, seconds: float) -> None:
        """Set the clock `seconds` ahead of the machine's clock."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"+{seconds}s\n")
        draft.replace(self.file)

"""Runs a PostgreSQL, a Redis and an nginx for the drill, on free loopback ports, from the installed programs.

This module sends signals only to processes that it started, by their ids.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

SUPERUSER = "postgres"
WITHIN = 60.0  # seconds until a server answers
# `fsync` stays on, its default, so that no crash loses a commit.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
log_min_messages = fatal
"""
REDIS = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--maxmemory-policy", "noeviction")


class Missing(Exception):
    """A program is not installed. The message names its package."""


def program(name: str, package: str) -> str:
    """Return the path of the program `name`. Raises Missing if it is not installed.

    The message of Missing tells the user to install `package`.
    """
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        raise Missing(f"{name} is missing: install {package}")
    return path


def wait_for(answers: Callable[[], bool], what: str) -> None:
    """Wait until `answers` returns True. Raises TimeoutError after WITHIN seconds.

    The message of TimeoutError names the server by `what`.
    """
    until = time.monotonic() + WITHIN
    while not answers():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} does not answer")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Return True if a server accepts connections on the loopback port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass(slots=True)
class PostgreSQL:
    """A PostgreSQL cluster that can be stopped, frozen and made read-only."""

    folder: Path
    port: int

    def make(self) -> None:
        """Create the cluster and start it."""
        if os.getuid() == 0:
            user = pwd.getpwnam(SUPERUSER)
            self.folder.mkdir(exist_ok=True)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "--auth=trust", "--no-sync", f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C")
        with (self.folder / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(SETTINGS)
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        self._run(
            "pg_ctl", "--wait", "--silent", "--log", str(self.folder / "log"), "start", "--options", f"-p {self.port}"
        )

    def stop(self) -> None:
        """Stop the server at once, as a crash does."""
        self._run("pg_ctl", "--wait", "--silent", "--mode=immediate", "stop")

    def freeze(self) -> None:
        """Stop every process with SIGSTOP. The kernel still accepts connections."""
        for _ in range(2):  # the second time for a child that the postmaster created before it was stopped
            self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the frozen processes continue."""
        self._signal(signal.SIGCONT)

    def url(self, database: str) -> str:
        """Return the URL of a database of the cluster."""
        return f"postgres://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as the superuser, each in a transaction of its own. Returns the rows of the last statement."""
        rows: list[tuple[object, ...]] = []
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=10) as connection:
            connection.execute("SET default_transaction_read_only = off")
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def _signal(self, which: signal.Signals) -> None:
        postmaster = int((self.folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="utf-8")
        for pid in (postmaster, *map(int, children.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, which)

    def _run(self, name: str, *arguments: str) -> None:
        installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
        command = str(installed[-1]) if installed else program(name, "Debian's postgresql")
        user = ["runuser", "-u", SUPERUSER, "--"] if os.getuid() == 0 else []
        subprocess.run(  # noqa: S603 (an installed program)
            [*user, command, "--pgdata", str(self.folder), *arguments],
            check=True, timeout=120, stdout=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip


@dataclass(slots=True)
class Redis:
    """A redis-server or valkey-server. It keeps its address when it is stopped and started again."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        name = "valkey-server" if shutil.which("valkey-server") else "redis-server"
        command = [program(name, "Debian's redis-server"), "--port", str(self.port), "--dir", str(self.folder), *REDIS]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        wait_for(lambda: listens(self.port), name)

    def signal(self, which: signal.Signals) -> None:
        """Send the signal `which` to the server: SIGSTOP freezes it, SIGCONT lets it continue."""
        if self.process:
            self.process.send_signal(which)

    def stop(self) -> None:
        """Kill the server."""
        if self.process:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Nginx:
    """An nginx in the foreground, with a configuration in the drill's folder."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self, sites: str, port: int) -> None:
        """Write a configuration with `sites`, start nginx, and wait until it accepts connections on `port`."""
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temp_paths = "".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        user = "user root;\n" if os.getuid() == 0 else ""
        head = f"{user}daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;\nevents {{}}\n"
        path = self.folder / "nginx.conf"
        path.write_text(f"{head}http {{ access_log off; {temp_paths}\n{sites}}}\n", encoding="utf-8")
        command = [program("nginx", "Debian's nginx-light"), "-c", str(path), "-p", str(self.folder)]
        command += ["-e", f"{self.folder}/error.log"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        wait_for(lambda: listens(port), "nginx")

    def stop(self) -> None:
        """Terminate nginx."""
        if self.process:
            self.process.terminate()
            self.process.wait(10)

"""A PostgreSQL cluster for tests, which can be frozen, stopped and reconfigured.

The module can also start PgBouncer in front of the cluster.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.ports import free

SUPERUSER = "postgres"
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
log_min_messages = fatal
"""


def unprivileged() -> list[str]:
    """Return the words to put before a command that refuses to run as root.

    Returns [] if this process is not root.
    """
    return ["runuser", "-u", SUPERUSER, "--"] if os.getuid() == 0 else []


def binaries() -> Path:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not programs:
        pytest.fail("PostgreSQL's initdb is missing: install Debian's postgresql")
    return programs[-1].parent


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a temporary folder in which the user that runs PostgreSQL may write. Delete the folder after the block."""
    path = Path(tempfile.mkdtemp(prefix="keyturn-cluster-"))
    try:
        if os.getuid() == 0:
            user = pwd.getpwnam(SUPERUSER)
            os.chown(path, user.pw_uid, user.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@dataclass(slots=True)
class Cluster:
    """A PostgreSQL server. Signals are sent only to the processes that `pids` returns."""

    data: Path
    port: int

    @property
    def address(self) -> str:
        return f"postgres://{SUPERUSER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._ctl("start", "--options", f"-p {self.port}", "--timeout=300")

    def stop(self, mode: str = "immediate") -> None:
        self._ctl("stop", f"--mode={mode}")

    def _ctl(self, *arguments: str) -> None:
        command = [*unprivileged(), str(binaries() / "pg_ctl"), "--pgdata", str(self.data), "--wait", "--silent"]
        log = ["--log", str(self.data / "log")] if arguments[0] == "start" else []
        subprocess.run([*command, *log, *arguments], check=True, timeout=600, stdout=subprocess.DEVNULL)

    def pids(self) -> list[int]:
        """Return the ids of PostgreSQL's main process (postmaster) and of its children, in this order."""
        postmaster = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="utf-8")
        return [postmaster, *map(int, children.split())]

    def freeze(self) -> None:
        """Stop every process with SIGSTOP. The kernel still accepts and acknowledges connections to these processes."""
        for _ in range(2):  # the second time for a child that the postmaster made before it stopped
            self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, which)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def execute(self, *statements: str) -> list[tuple]:
        """Run statements as the superuser, each in its own transaction. Returns the rows of the last statement."""
        rows: list[tuple] = []
        with psycopg.connect(self.address, autocommit=True, connect_timeout=10) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
        return rows

    @contextmanager
    def configured(self, **settings: str) -> Iterator[None]:
        """Change these settings of the server while the block runs, and reset them afterwards."""
        self._configure(*(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()))
        try:
            yield
        finally:
            self._configure(*(f"ALTER SYSTEM RESET {name}" for name in settings))

    def _configure(self, *statements: str) -> None:
        """Run statements as the superuser, and reload the configuration of the server.

        Works also if no standby server acknowledges commits, or if the server is read-only by default.
        """
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute("SET synchronous_commit = local")
            connection.execute("SET default_transaction_read_only = off")
            for statement in (*statements, "SELECT pg_reload_conf()"):
                connection.execute(statement)


@contextmanager
def cluster(connections: int = 40) -> Iterator[Cluster]:
    """Run a PostgreSQL server that accepts at most `connections` connections while the block runs."""
    with folder() as path:
        made = Cluster(path / "data", free())
        command = [*unprivileged(), str(binaries() / "initdb"), "--pgdata", str(made.data), "--auth=trust", "--no-sync"]
        subprocess.run(
            [*command, f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C"],
            check=True,
            timeout=600,
            stdout=subprocess.DEVNULL,
        )
        with (made.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"{SETTINGS}max_connections = {connections}\n")
        made.start()
        try:
            yield made
        finally:
            made.thaw()
            made.stop()


@contextmanager
def pooled(upstream: Cluster) -> Iterator[str]:
    """Run PgBouncer with transaction pooling in front of the cluster, and yield its host and port."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.fail("pgbouncer is missing: install Debian's pgbouncer")
    port = free()
    with folder() as path:
        configuration = path / "pgbouncer.ini"
        configuration.write_text(
            f"[databases]\n* = user={SUPERUSER} host=127.0.0.1 port={upstream.port}\n"
            "[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
            "default_pool_size = 8\nserver_login_retry = 1\nlogfile = /dev/null\n",
            encoding="utf-8",
        )
        path.chmod(0o755)
        process = subprocess.Popen([*unprivileged(), program, "--quiet", str(configuration)], stderr=subprocess.DEVNULL)
        try:
            accepts(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def accepts(port: int, within: float = 120.0) -> None:
    """Wait until a server answers a PostgreSQL client on the port. Fails after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        try:
            psycopg.connect(f"postgres://{SUPERUSER}@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, f"nothing answers on port {port}"
            threading.Event().wait(0.05)
        else:
            return

"""PostgreSQL and Redis of a benchmark's own, so that other work on the machine is not in their CPU time."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.ports import free
from tests.services import conftest as services
from tests.services.cluster import Cluster, cluster

CONNECTIONS = 300
WITHIN = 10.0  # seconds until Redis answers


@dataclass(frozen=True, slots=True)
class Backing:
    """The services behind the servers."""

    postgresql: Cluster
    redis_process: int
    redis_url: str

    def redis_commands(self) -> int:
        """Return the number of commands that Redis has run."""
        with redis.Redis.from_url(self.redis_url) as client:
            used = client.info("commandstats").items()
        # What connects and asks for this number is no part of a request.
        unrelated = {"cmdstat_info", "cmdstat_client|setinfo", "cmdstat_hello", "cmdstat_select"}
        return sum(int(one["calls"]) for name, one in used if name not in unrelated)

    def statements(self, database: str) -> int:
        """Return the number of statements that ran in the database at the URL, while `counted` was in force."""
        name = database.rpartition("/")[2]
        ((calls,),) = self.postgresql.execute(
            f"""SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
            WHERE d.datname = '{name}'"""  # noqa: S608 (a name that the benchmark chose)
        )
        return int(calls)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the statements of every connection, which costs time: outside of what is measured."""
        with self.postgresql.configured(**{"pg_stat_statements.track": "all"}):
            time.sleep(0.2)  # until each connection has read the setting
            yield


@contextmanager
def backing(folder: Path) -> Iterator[Backing]:
    """Start both. PostgreSQL writes to the disk, as the one of a deployment does."""
    with ExitStack() as stack:
        server = stack.enter_context(cluster(CONNECTIONS))
        with (server.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("fsync = on\nfull_page_writes = on\nshared_preload_libraries = 'pg_stat_statements'\n")
            file.write("pg_stat_statements.track = none\npg_stat_statements.track_utility = off\n")
        server.stop("fast")
        server.start()
        server.execute("CREATE EXTENSION pg_stat_statements")
        services.SERVER = server.address
        stack.callback(services.end_session)
        port = free()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        url = f"redis://127.0.0.1:{port}/0"
        _await(url)
        yield Backing(server, process.pid, url)


def _await(url: str) -> None:
    """Return once Redis answers. Raises ConnectionError if it does not within WITHIN."""
    deadline = time.monotonic() + WITHIN
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
            except redis.exceptions.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

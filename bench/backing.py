"""The PostgreSQL and the Redis of a benchmark.

They serve this benchmark only, so that their CPU time does not include other work.
"""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.ports import free
from tests.services import conftest as services
from tests.services.cluster import Cluster, cluster

CONNECTIONS = 300
WITHIN = 10.0  # seconds until Redis answers
NONE: Mapping[str, str] = {}
COSTS = """
SELECT query, calls, total_exec_time, shared_blks_hit, shared_blks_read, wal_bytes::bigint
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = '{name}' ORDER BY calls DESC"""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one SQL statement, summed over all its calls. `time` is in milliseconds."""

    query: str
    calls: int
    time: float
    hit: int
    """Pages of 8 KB found in PostgreSQL's memory."""
    read: int
    """Pages from the kernel or the disk."""
    wal: int
    """Bytes of write-ahead log."""


@dataclass(frozen=True, slots=True)
class Backing:
    """The PostgreSQL and the Redis that the measured servers use."""

    postgresql: Cluster
    redis_process: int
    redis_url: str

    def processes(self) -> list[int]:
        """Return the ids of two processes: Redis, and the main process of PostgreSQL.

        The main process starts a process for each connection.
        """
        lines = (self.postgresql.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return [self.redis_process, int(lines[0])]

    def redis_commands(self) -> int:
        """Return the number of commands that Redis has run since its start."""
        with redis.Redis.from_url(self.redis_url) as client:
            used = client.info("commandstats").items()
        # What connects and asks for this number is no part of a request.
        unrelated = {"cmdstat_info", "cmdstat_client|setinfo", "cmdstat_hello", "cmdstat_select"}
        return sum(int(stats["calls"]) for name, stats in used if name not in unrelated)

    def statements(self, database: str) -> int:
        """Return the number of SQL statements that ran in a database while `counted` was active.

        `database` is the URL of the database.
        """
        name = database.rpartition("/")[2]
        ((calls,),) = self.postgresql.execute(
            f"""SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
            WHERE d.datname = '{name}'"""  # noqa: S608 (a name that the benchmark chose)
        )
        return int(calls)

    def costs(self, database: str) -> list[Cost]:
        """Return the cost of each SQL statement that ran in a database since the last call of `forget`.

        Only statements that ran while `counted` was active are included. `database` is the URL of the database.
        """
        name = database.rpartition("/")[2]
        return [Cost(*row) for row in self.postgresql.execute(COSTS.format(name=name))]

    def forget(self) -> None:
        """Reset the counts and costs of all SQL statements to zero."""
        self.postgresql.execute("SELECT pg_stat_statements_reset()")

    @contextmanager
    def counted(self, *, commits: bool = False) -> Iterator[None]:
        """Let PostgreSQL count the SQL statements of every connection while the block runs (`statements` reads them).

        Counting takes time, so do not measure time in the block. If `commits` is True, the statements BEGIN, SET and
        COMMIT are counted, too.
        """
        utility = "on" if commits else "off"
        with self.postgresql.configured(
            **{"pg_stat_statements.track": "all", "pg_stat_statements.track_utility": utility}
        ):
            time.sleep(0.2)  # until each connection has read the setting
            yield


@contextmanager
def backing(folder: Path, settings: Mapping[str, str] = NONE) -> Iterator[Backing]:
    """Start PostgreSQL with `settings`, and Redis. Stop both after the block.

    PostgreSQL syncs to disk, as in a deployment.
    """
    with ExitStack() as stack:
        server = stack.enter_context(cluster(CONNECTIONS))
        with (server.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("fsync = on\nfull_page_writes = on\nshared_preload_libraries = 'pg_stat_statements'\n")
            file.write("pg_stat_statements.track = none\npg_stat_statements.track_utility = off\n")
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
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
    """Wait until Redis answers. Raises ConnectionError if it does not answer within WITHIN seconds."""
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

"""Measure the CPU time, the memory and the database connections of processes.

CPU time and memory are read from /proc.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psycopg

TICK = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def cpu(processes: Iterable[int]) -> float:
    """Return the CPU seconds (user and system) that the processes have used. A process that has ended counts as 0."""
    return sum(_cpu(process) for process in processes)


def pss(processes: Iterable[int]) -> float:
    """Return the memory of the processes together, as proportional set size (PSS) in MiB.

    Memory that several of the processes share counts once.
    """
    return _memory(processes, "Pss:")


def anonymous(processes: Iterable[int]) -> float:
    """Return the memory of the processes in MiB, without pages that are backed by files.

    As in `pss`, memory that several of the processes share counts once.
    """
    return _memory(processes, "Pss_Anon:")


def group(leader: int) -> list[int]:
    """Return the ids of the processes that are in the same process group as the process `leader`."""
    wanted = os.getpgid(leader)
    running = [int(path.name) for path in PROC.iterdir() if path.name.isdecimal()]
    return [process for process in running if _group(process) == wanted]


def backends(database: str) -> list[int]:
    """Return the ids of the PostgreSQL processes that serve connections to a database, except that of this function.

    `database` is the URL of the database. Its server must run on this machine.
    """
    query = """SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    with psycopg.connect(database) as connection:
        return [process for (process,) in connection.execute(query).fetchall()]


def _memory(processes: Iterable[int], entry: str) -> float:
    total = 0
    for process in processes:
        with suppress(OSError):
            for line in (PROC / str(process) / "smaps_rollup").read_text(encoding="ascii").splitlines():
                total += int(line.split()[1]) if line.startswith(entry) else 0
    return total / 1024


def _cpu(process: int) -> float:
    try:
        fields = (PROC / str(process) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def _group(process: int) -> int:
    try:
        return os.getpgid(process)
    except OSError:
        return 0

"""What processes used, by the kernel's own accounting: CPU time, memory, and the connections of a database."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psycopg

TICK = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def cpu(processes: Iterable[int]) -> float:
    """Return the CPU seconds (user and system) of the processes so far. One that has ended counts as 0."""
    return sum(_cpu(process) for process in processes)


def pss(processes: Iterable[int]) -> float:
    """Return the proportional set size of the processes together, in MiB: a shared page counts once."""
    total = 0
    for process in processes:
        with suppress(OSError):
            for line in (PROC / str(process) / "smaps_rollup").read_text(encoding="ascii").splitlines():
                total += int(line.split()[1]) if line.startswith("Pss:") else 0
    return total / 1024


def group(leader: int) -> list[int]:
    """Return the processes of the process group of `leader`."""
    wanted = os.getpgid(leader)
    running = [int(path.name) for path in PROC.iterdir() if path.name.isdecimal()]
    return [process for process in running if _group(process) == wanted]


def backends(database: str) -> list[int]:
    """Return the server processes of the connections of others to the database at the URL, on this machine."""
    query = """SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    with psycopg.connect(database) as connection:
        return [process for (process,) in connection.execute(query).fetchall()]


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

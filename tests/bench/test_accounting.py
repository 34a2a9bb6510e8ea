"""The benchmarks can count the memory of processes with mapped files (`pss`) or without them (`anonymous`).

Several processes can share the memory of a mapped file.
"""

import mmap
import os
from pathlib import Path

from bench import accounting

SIZE = 64 * 1024 * 1024


def test_anonymous_memory_grows_by_what_a_process_allocates_and_not_by_files_that_it_maps(tmp_path: Path) -> None:
    before = accounting.anonymous([os.getpid()])
    allocated = bytearray(os.urandom(1)) * SIZE
    grown = accounting.anonymous([os.getpid()])
    assert 60 < grown - before < 72
    path = tmp_path / "file"
    path.write_bytes(allocated)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        whole = accounting.pss([os.getpid()])
        assert sum(mapped[offset] for offset in range(0, SIZE, mmap.PAGESIZE)) >= 0  # reads each page
        assert accounting.pss([os.getpid()]) - whole > 60
        assert abs(accounting.anonymous([os.getpid()]) - grown) < 8

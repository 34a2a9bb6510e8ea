"""A Redis for one test on a free port, which can be frozen, stopped and filled."""

import os
import signal
import subprocess
from pathlib import Path

import redis

from tests.ports import free
from tests.services.conftest import wait_for

OPTIONS = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1")


class RedisServer:
    """A redis-server. It keeps its address when it is stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.client = redis.Redis.from_url(self.url, socket_timeout=5)
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--dir", str(self._folder), *OPTIONS]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers)

    def freeze(self) -> None:
        """Stop the process with SIGSTOP. The kernel still accepts connections, but no command is answered."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def limit(self, policy: str, *, room: int) -> None:
        """Set the memory limit of Redis to the memory in use plus `room` bytes, and its eviction policy to `policy`."""
        used = int(self.client.info("memory")["used_memory"])
        self.client.config_set("maxmemory-policy", policy)
        self.client.config_set("maxmemory", used + room)

    def push_out(self) -> None:
        """Write one megabyte of new entries, so that Redis evicts entries."""
        for number in range(1000):
            self.client.set(f"filler:{number}", b"x" * 1000)

    def fill_up(self) -> None:
        """Make Redis refuse every write from now on.

        The memory limit becomes one byte. With a higher limit, Redis could free a buffer and then accept writes again.
        """
        self.client.config_set("maxmemory-policy", "noeviction")
        self.client.config_set("maxmemory", 1)

    def close(self) -> None:
        self.client.close()
        self.stop()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.exceptions.ConnectionError:
            return False

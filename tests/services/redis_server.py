"""A Redis of a test's own on a free port, which can be frozen, stopped and filled."""

import os
import signal
import subprocess
from pathlib import Path

import redis

from tests.ports import free
from tests.services.conftest import wait_for

OPTIONS = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1")


class RedisServer:
    """One redis-server at one address, over stops and starts."""

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
        """Connections are still accepted, by the kernel; nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def limit(self, policy: str, *, room: int) -> None:
        """Leave `room` bytes beside what is used now, under the policy."""
        used = int(self.client.info("memory")["used_memory"])
        self.client.config_set("maxmemory-policy", policy)
        self.client.config_set("maxmemory", used + room)

    def push_out(self) -> None:
        """Write a megabyte, for which the policy evicts older keys."""
        for number in range(1000):
            self.client.set(f"filler:{number}", b"x" * 1000)

    def fill_up(self) -> None:
        """Refuse every write from now on. No buffer that shrinks makes room again: a byte is never enough."""
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

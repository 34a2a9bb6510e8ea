"""A RabbitMQ broker for one test, on loopback. The users of the broker authenticate with access tokens.

RabbitMQ's OAuth 2.0 plugin verifies the tokens. It fetches the JWKS only if it does not know the kid of a token.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from project.launch.ports import free

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONFIGURATION = """
[{{rabbit, [{{auth_backends, [rabbit_auth_backend_oauth2]}}, {{tcp_listeners, [{{"127.0.0.1", {port}}}]}}]}},
 {{rabbitmq_auth_backend_oauth2, [{{resource_server_id, <<"{audience}">>}},
                                  {{key_config, [{{jwks_url, <<"{jwks}">>}}]}}]}}].
"""
HEADER = b"AMQP\x00\x00\x09\x01"
TUNE = (10, 30)
"""Class and method of connection.tune (AMQP 0-9-1), the answer to good credentials."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker."""

    port: int

    def accepts(self, token: str) -> bool:
        """Return True if the broker authenticates a connection that has this token as its password."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(HEADER)
            _read_method(connection)
            connection.sendall(_start_ok(token))
            return _read_method(connection) == TUNE


@contextmanager
def broker(folder: Path, *, jwks: str, audience: str) -> Iterator[Broker]:
    """Run a broker while the block runs. It accepts tokens for `audience`, signed with a key at the URL `jwks`."""
    port = free()
    advanced = CONFIGURATION.format(port=port, audience=audience, jwks=jwks)
    with node(folder, port, conf="", advanced=advanced):
        yield Broker(port)


@contextmanager
def node(folder: Path, port: int, *, conf: str, advanced: str = "[].") -> Iterator[dict[str, str]]:
    """Run a RabbitMQ node with the texts `conf` (rabbitmq.conf) and `advanced` (advanced.config).

    Yields the environment variables for RabbitMQ's tools.
    """
    (folder / "advanced.config").write_text(advanced)
    (folder / "plugins").write_text("[rabbitmq_auth_backend_oauth2].")
    (folder / "rabbitmq.conf").write_text(conf)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(free()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"keyturn{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
    }
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [SERVER], env=environment, stdout=output, stderr=subprocess.STDOUT, process_group=0, cwd=folder
        )
    try:
        _wait(process, port, folder / "output.log")
        yield environment
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        port_mapper = shutil.which("epmd")  # it was started for this node alone, on a port of its own
        if port_mapper:
            subprocess.run([port_mapper, "-kill"], env=environment, check=False, capture_output=True, timeout=30)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(log.read_text(errors="replace")[-2000:])


def _start_ok(token: str) -> bytes:
    """Return the bytes of the AMQP frame connection.start-ok, with the token as the password (mechanism PLAIN).

    AMQP 0-9-1, section 1.4.2.2.
    """
    response = b"\x00client\x00" + token.encode()
    arguments = struct.pack(">I", 0) + _short("PLAIN") + struct.pack(">I", len(response)) + response + _short("en_US")
    payload = struct.pack(">HH", 10, 11) + arguments
    return struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce"


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _read_method(connection: socket.socket) -> tuple[int, int] | None:
    """Read an AMQP frame. Return the numbers of its class and method, or None if the broker closes the connection."""
    head = _read(connection, 7)
    if head is None:
        return None
    payload = _read(connection, struct.unpack(">BHI", head)[2] + 1)
    return None if payload is None else struct.unpack(">HH", payload[:4])


def _read(connection: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        try:
            more = connection.recv(size - len(data))
        except ConnectionResetError:
            return None
        if not more:
            return None
        data += more
    return data

"""A fake Kafka broker, which only authenticates clients (OAUTHBEARER) and answers metadata requests.

It verifies signature, issuer, audience and expiry of tokens with PyJWT, like a broker with the settings in the
documentation.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import jwt

from tests.servers.issuer import Issuer

METADATA, HANDSHAKE, VERSIONS, AUTHENTICATE = 3, 17, 18, 36
SUPPORTED = ((METADATA, 0, 1), (HANDSHAKE, 0, 1), (VERSIONS, 0, 0), (AUTHENTICATE, 0, 0))
UNSUPPORTED_VERSION, AUTHENTICATION_FAILED = 35, 58


@dataclass(slots=True)
class Broker:
    """The broker. `accepted` has the claims of accepted tokens, `refused` the error of each refused token."""

    issuer: Issuer
    port: int
    accepted: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def verify(self, token: str) -> bool:
        """Return True if the token is valid. Adds its claims to `accepted`, or the error to `refused`."""
        public = {kid: key.public_key() for kid, key in self.issuer.keys.items()}
        try:
            key = public[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, ["RS256"], audience="urn:kafka", issuer=self.issuer.url)
        except jwt.PyJWTError as error:
            self.refused.append(type(error).__name__)
            return False
        self.accepted.append(claims)
        return True

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection until the client closes it."""
        # A client that ends, or gives up after a refusal, resets its connection.
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            while size := stream.read(4):
                request = stream.read(struct.unpack(">i", size)[0])
                key, version, correlation, name = struct.unpack(">hhih", request[:10])
                body = self.answer(key, version, request[10 + max(name, 0) :])
                connection.sendall(struct.pack(">ii", 4 + len(body), correlation) + body)

    def answer(self, key: int, version: int, body: bytes) -> bytes:
        """Return the response to one request, without the response's header.

        `key` is the API key of Kafka's protocol (the kind of request). `version` is the version of this API.
        """
        if key == VERSIONS:
            listed = b"".join(struct.pack(">hhh", *api) for api in SUPPORTED)
            return struct.pack(">hi", UNSUPPORTED_VERSION if version else 0, len(SUPPORTED)) + listed
        if key == HANDSHAKE:
            return struct.pack(">hi", 0, 1) + _string("OAUTHBEARER")
        if key == AUTHENTICATE:
            token = body[4:].partition(b"auth=Bearer ")[2].partition(b"\x01")[0].decode()
            error = 0 if self.verify(token) else AUTHENTICATION_FAILED
            return struct.pack(">h", error) + _string("the token was refused" if error else "") + struct.pack(">i", 0)
        node = struct.pack(">i", 1) + _string("127.0.0.1") + struct.pack(">i", self.port)
        rack, controller, no_topics = struct.pack(">h", -1), struct.pack(">i", 1), struct.pack(">i", 0)
        return struct.pack(">i", 1) + node + (rack + controller if version else b"") + no_topics


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


@contextmanager
def broker(issuer: Issuer) -> Iterator[Broker]:
    """Run the broker on loopback while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Broker(issuer, listening.getsockname()[1])

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # the block ended
                    return
                threading.Thread(target=made.serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield made
        finally:
            listening.shutdown(socket.SHUT_RDWR)

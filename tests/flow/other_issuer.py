"""A server on loopback with two uses: as an issuer with its own private key, and as a target of redirects."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key


@dataclass(slots=True)
class OtherIssuer:
    """An issuer with its own private key, which signs any claims that a test passes."""

    url: str
    received: list[tuple[str, str, str]] = field(default_factory=list)
    """The forms that were posted here: path, content type and body."""
    private: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))

    def jwks(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key()))
        return {"keys": [{**public, "kid": "stranger", "use": "sig", "alg": "RS256"}]}

    def token(self, audience: str, **changed: Any) -> str:
        now = int(time.time())
        good = {"iss": self.url, "aud": audience, "sub": "ada", "client_id": "app", "scope": "notes:read", "jti": "1"}
        claims = good | {"iat": now, "exp": now + 300} | changed
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": "stranger", "typ": "at+jwt"})


@contextmanager
def other_issuer() -> Iterator[OtherIssuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = {
                "/.well-known/oauth-authorization-server": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"},
                "/jwks": issuer.jwks(),
            }
            body = json.dumps(answers.get(self.path.partition("?")[0], {})).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            issuer.received.append((self.path, self.headers.get("Content-Type", ""), body))
            self.send_response(200)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = OtherIssuer(f"http://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

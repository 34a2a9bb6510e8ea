"""The server that `check_proxy` tests through its proxy, and the requests that are sent to it."""

import ssl
from dataclasses import dataclass, field

from tokens.proxy.wire import Address, Answer, NoAnswer, exchange, request

PAGE = "docs/proxies.md"
"""The page of the documentation that remedies name."""
FORM = "application/x-www-form-urlencoded"
JWKS = "/.well-known/jwks.json"


@dataclass(frozen=True, slots=True)
class ProbedServer:
    """The tested server. `token` is OPERATOR_TOKEN or empty. `context` has the TLS settings; it is None for http."""

    where: Address
    context: ssl.SSLContext | None
    token: str = field(repr=False)

    def send(self, path: str, headers: dict[str, str], *, host: str | None = None) -> Answer:
        """Send a GET request and return the answer. Raises NoAnswer if no answer comes in time."""
        sent = request("GET", self.where.path + path, host or self.where.authority, headers)
        return exchange(self.where, sent, context=self.context)

    def form(self, headers: dict[str, str], body: bytes) -> bytes:
        """Return the bytes of a POST request to the token endpoint with these headers and the form `body`."""
        with_type = {"Content-Type": FORM, **headers}
        return request("POST", f"{self.where.path}/oauth/token", self.where.authority, with_type, body)

    def status(self, path: str, headers: dict[str, str] | None = None, *, host: str | None = None) -> int | str:
        """Send a GET request. Return the status of the answer, or the text of the error if no answer comes."""
        try:
            return self.send(path, headers or {}, host=host).status
        except NoAnswer as error:
            return str(error)

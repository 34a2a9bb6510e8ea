"""Sends the requests of the drill's clients, and records each in the ledger. Stores the tokens that the clients got."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import jwt
import requests

from project.drill.ledger import EXPECTED, REFUSED, UNANSWERED, Call, Ledger, Token, Use, outcome
from project.drill.topology import Topology
from project.launch.browser import forms

PATIENCE = 12  # seconds beyond ANSWER_WITHIN, for answers that are late
KEPT = 60  # seconds after its expiry for which a token is kept, to test that APIs refuse it
PAGE = {"Accept": "text/html", "Origin": "null", "Sec-Fetch-Site": "same-origin"}
"""The headers that a browser sends with forms of pages that have no referrer (tokens/views/own_forms.py)."""
Refusal = Callable[[Mapping[str, Any]], bool]


def never(_: Mapping[str, Any]) -> bool:
    """Return False for every answer. This default of the parameter `expects` means that no refusal is expected."""
    return False


def described(header: Mapping[str, Any], claims: Mapping[str, Any]) -> Token:
    """Return the record of the token with this header and these claims, for the ledger."""
    return Token(
        jti=claims["jti"], kid=header["kid"], sub=claims["sub"],
        grant=claims.get("grant_id", ""), iat=claims["iat"], exp=claims["exp"],
    )  # fmt: skip


@dataclass(slots=True)
class Wallet:
    """The tokens that clients got, with the text of each token. The ledger does not contain the texts."""

    ledger: Ledger
    texts: dict[Token, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, text: str) -> Token:
        """Record the access token `text` that the issuer has issued, and return the record."""
        claims = jwt.decode(text, options={"verify_signature": False})
        token = described(jwt.get_unverified_header(text), claims)
        with self.lock:
            self.ledger.tokens.append(token)
            self.texts[token] = text
        return token

    def some(self, kind: str) -> tuple[Token, str] | None:
        """Return the record and the text of a random token, or None if there is no token of this kind.

        `kind` is "revoked" or "expired". For any other `kind`, the token is one of the 30 newest.
        """
        now = time.time()
        with self.lock:
            for old in [token for token in self.texts if token.exp < now - KEPT]:
                del self.texts[old]
            tokens = list(self.texts.items())
        if kind == "expired":
            tokens = [(token, text) for token, text in tokens if token.exp < now]
        elif kind == "revoked":
            tokens = [(token, text) for token, text in tokens if self.is_revoked(token)]
        else:
            tokens = tokens[-30:]
        return random.choice(tokens) if tokens else None  # noqa: S311 (no secret)

    def is_revoked(self, token: Token) -> bool:
        """Return True if a revocation covers the token, even if the issuer has not acknowledged the revocation yet."""
        until = time.time() + 2
        return any(revocation.covers(token, until=until) for revocation in list(self.ledger.revocations))


@dataclass(slots=True)
class Wire:
    """The requests of one client to issuer and APIs, with its cookies. Each thread has its own Wire."""

    topology: Topology
    wallet: Wallet
    name: str
    """The name of the client in the ledger, which is its grant type."""
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        """Make the session trust only the drill's certificate, and ignore the proxies of the environment."""
        self.session.trust_env = False
        self.session.verify = str(self.topology.certificate)

    @property
    def timeout(self) -> float:
        """Return the seconds after which a request counts as unanswered."""
        return self.topology.answer_within + PATIENCE

    def token(self, path: str, form: Mapping[str, str], *, expects: Refusal = never, **more: Any) -> Any:
        """POST a form to an endpoint. Returns the JSON of the answer, even if the issuer refuses the request.

        Returns {} if the answer is empty, and None after a failure (no answer, or a status of 500 or more). `expects`
        gets the JSON of a refusal, and returns True if the refusal is expected. `more` are further arguments of
        `requests`, such as `auth`.
        """
        answer = self._issuer("token", "POST", path, expects=expects, data=form, **more)
        if answer is None:
            return None
        return answer.json() if answer.content else {}

    def page(self, path: str) -> requests.Response | None:
        """Load a page, without following redirects. Returns None after a failure."""
        return self._issuer("page", "GET", path, headers=PAGE)

    def submit(self, page: requests.Response, values: Mapping[str, str], path: str) -> requests.Response | None:
        """Submit the form of the page to `path`, with `values` and the CSRF token. Returns None after a failure."""
        form = next(form for form in forms(page.text) if "csrfmiddlewaretoken" in form.fields)
        return self._issuer("page", "POST", path, headers=PAGE, data={**form.fields, **values})

    def document(self, path: str) -> None:
        """Load a public document of the issuer."""
        self._issuer("documents", "GET", path)

    def application(self, path: str, *, expects: Refusal = never) -> requests.Response | None:
        """Load a page of the web application, without following redirects. Returns None after a failure.

        `expects` gets the JSON of a refusal, and returns True if the refusal is expected.
        """
        return self._request("webapp", "GET", urljoin(self.topology.application, path), expects=expects)

    def _issuer(
        self, group: str, method: str, path: str, *, expects: Refusal = never, **more: Any
    ) -> requests.Response | None:
        return self._request(group, method, urljoin(self.topology.url, path), expects=expects, **more)

    def _request(
        self, group: str, method: str, url: str, *, expects: Refusal = never, **more: Any
    ) -> requests.Response | None:
        """Send a request, without following redirects, and record it in the ledger under `group`.

        Returns None if there is no answer, or if the status is 500 or more. `expects` gets the JSON of a refusal, and
        returns True if the refusal is expected. `more` are further arguments of `requests`.
        """
        sent, answer = time.time(), None
        try:
            answer = self.session.request(method, url, timeout=self.timeout, allow_redirects=False, **more)
            result = outcome(answer.status_code, answer.headers)
            if result == REFUSED and expects is not never and expects(answer.json()):
                result = EXPECTED
        except (requests.RequestException, ValueError):
            result = UNANSWERED
        self.wallet.ledger.calls.append(Call(group, self.name, sent, time.time(), result))
        return answer if answer is not None and answer.status_code < 500 else None

    def use(self, api: str, token: Token | None, text: str) -> None:
        """Present the token `text` to `api`, which is the name of a node, or "apis" for the APIs behind nginx.

        `token` is the token's record, or None if the signature of `text` was changed.
        """
        port = self.topology.ports["api" if api == "apis" else api]
        scheme = "https" if api == "apis" else "http"
        headers = {"Authorization": f"Bearer {text}", "X-Forwarded-Proto": "https"}
        sent = time.time()
        try:
            answer = self.session.get(
                f"{scheme}://localhost:{port}/api/whoami/", headers=headers, timeout=self.timeout, allow_redirects=False
            )
            result = outcome(answer.status_code, answer.headers)
        except requests.RequestException:
            result = UNANSWERED
        self.wallet.ledger.uses.append(Use(api, token, sent, time.time(), result))

"""Runs the seven steps of the flow against the three processes, and prints the evidence of each step.

The walk acts as a browser and as a service. Every printed value comes from a response. The function of a step returns
the line to print, and raises Broken if the step fails.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from project.launch.browser import Browser, Page
from project.launch.ports import Ports

TIMEOUT = 10  # seconds
Json = Mapping[str, Any]


class Broken(Exception):
    """A step failed. The message has the expected and the actual result."""


@dataclass(slots=True)
class Walk:
    """The state of the walk through the seven steps of README.md. Each step stores what later steps need."""

    ports: Ports
    credentials: Mapping[str, str] = field(repr=False)
    browser: Browser
    authorization: Mapping[str, list[str]]
    """The parameters of the application's authorization request, from the redirect to the issuer."""
    evidence: Json
    """The application's evidence about the user's token: header, claims, JWKS entry and the API's answer."""


def walk(ports: Ports, credentials: Mapping[str, str]) -> bool:
    """Take the seven steps and print each. Return True if all succeed. Stop and return False if one fails."""
    tour = Walk(ports, credentials, Browser(), {}, {})
    print(flush=True)
    for number, step in enumerate(STEPS, start=1):
        try:
            line = step(tour)
        except (Broken, requests.RequestException, KeyError, ValueError) as error:
            print(f"{number}. FAILED: {error!r}" if not isinstance(error, Broken) else f"{number}. FAILED: {error}")
            return False
        print(f"{number}. {line}", flush=True)
    return True


def user_logs_in(tour: Walk) -> str:
    """Take step 1 of README.md: log in by the issuer's own form, to which the application redirects.

    Returns the line to print.
    """
    login = tour.browser.get(f"{tour.ports.url('webapp')}/login")
    tour.authorization = _authorization_request(login)
    page = tour.browser.log_in(login, "demo", tour.credentials["DEMO_PASSWORD"])
    _expect("the consent page", "Allow" in page.text, page)
    tour.evidence = {"page": page}
    return f"User: demo logged in at {_origin(page.url)}, with a password that the application never sees"


def client_asks(tour: Walk) -> str:
    """Take step 2 of README.md: the application requests scopes of an API, and the user allows them on a page.

    Returns the line to print.
    """
    landed = tour.browser.submit(tour.evidence["page"], {}, button="allow")
    _expect(
        "the application's own page", landed.url.startswith(tour.ports.url("webapp")) and landed.status == 200, landed
    )
    client_id, scope, resource = (_first(tour, name) for name in ("client_id", "scope", "resource"))
    return f"Client: {client_id} requested {scope} of {resource}; demo allowed it"


def client_proves(tour: Walk) -> str:
    """Take step 3 of README.md: check that the client redeemed the code with its secret and the PKCE verifier.

    Returns the line to print.
    """
    page = tour.browser.get(f"{tour.ports.url('webapp')}/evidence.json")
    tour.evidence = json.loads(page.text)
    claims = tour.evidence["claims"]
    _expect("a token for this client", claims["client_id"] == _first(tour, "client_id"), page)
    _expect("S256", _first(tour, "code_challenge_method") == "S256", page)
    return f"Proof: {claims['client_id']} redeemed the code with its secret and PKCE S256, for the user {claims['sub']}"


def issuer_signs(tour: Walk) -> str:
    """Take step 4 of README.md: check that the token has the type of RFC 9068, and that the JWKS has its public key.

    Returns the line to print.
    """
    header, claims = tour.evidence["header"], tour.evidence["claims"]
    url = f"{tour.ports.url('issuer')}/.well-known/jwks.json"
    published = requests.get(url, timeout=TIMEOUT).json()["keys"]
    _expect_that(f"{header['kid']} in the JWKS", header["kid"] in [key["kid"] for key in published])
    _expect_that("typ at+jwt", header["typ"] == "at+jwt")
    return (
        f"Issuer: signed {header['typ']} with {header['alg']}, kid {header['kid']}, aud {claims['aud']}, "
        f"scope {claims['scope']!r}, {claims['exp'] - claims['iat']} s; the JWKS shows {len(published)} public keys"
    )


def client_sends(tour: Walk) -> str:
    """Take step 5 of README.md: check that the application called the API with the user's token.

    Returns the line to print.
    """
    answer = tour.evidence["api"]
    _expect_that("200 from the API", answer["status"] == 200)
    return f"Request: the application called {answer['url']} with the token as bearer: {answer['status']}"


def api_verifies(tour: Walk) -> str:
    """Take step 6 of README.md: check that the API accepts a token, and refuses it if one character is changed.

    Returns the line to print.
    """
    token = _service_token(tour)
    url = f"{tour.ports.url('api')}/api/whoami/"
    accepted = _call("GET", url, token)
    _expect_that("200 for a good token", accepted.status_code == 200)
    head, body, signature = token.split(".")
    tampered = _call("GET", url, f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}")
    _expect_that("401 invalid_token for a tampered one", _error(tampered) == (401, "invalid_token"))
    kid = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return f"Verification: kid {kid} found in the JWKS: 200; with one character changed: 401 invalid_token"


def claims_decide(tour: Walk) -> str:
    """Take step 7 of README.md: check that the token's scope allows reading and forbids writing.

    Returns the line to print.
    """
    token, url = _service_token(tour), f"{tour.ports.url('api')}/api/notes/"
    read = _call("GET", url, token)
    _expect_that("200 for notes:read", read.status_code == 200)
    written = _call("POST", url, token)
    _expect_that("403 insufficient_scope for notes:write", _error(written) == (403, "insufficient_scope"))
    challenge = written.headers["WWW-Authenticate"]
    _expect_that("the missing scope in the challenge", 'scope="notes:write"' in challenge)
    return (
        f"Decision: service with notes:read reads notes: {read.status_code}; writes: {written.status_code} {challenge}"
    )


STEPS: tuple[Callable[[Walk], str], ...] = (
    user_logs_in,
    client_asks,
    client_proves,
    issuer_signs,
    client_sends,
    api_verifies,
    claims_decide,
)


def _service_token(tour: Walk) -> str:
    response = requests.post(
        f"{tour.ports.url('issuer')}/oauth/token",
        data={"grant_type": "client_credentials", "scope": "notes:read"},
        auth=("service", tour.credentials["SERVICE_CLIENT_SECRET"]),
        timeout=TIMEOUT,
    )
    _expect_that("200 from the token endpoint", response.status_code == 200)
    return str(response.json()["access_token"])


def _call(method: str, url: str, token: str) -> requests.Response:
    return requests.request(
        method,
        url,
        headers={"Authorization": f"Bearer {token}"},
        json={"title": "a"} if method == "POST" else None,
        timeout=TIMEOUT,
    )


def _error(response: requests.Response) -> tuple[int, str]:
    challenge = response.headers.get("WWW-Authenticate", "")
    return response.status_code, challenge.partition('error="')[2].partition('"')[0]


def _authorization_request(page: Page) -> Mapping[str, list[str]]:
    for url in (*page.history, page.url):
        query = parse_qs(urlsplit(url).query)
        if "client_id" in query:
            return query
    raise Broken(f"expected a redirect to the authorization endpoint, and got {page.url}")


def _first(tour: Walk, name: str) -> str:
    return tour.authorization[name][0]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _expect(what: str, holds: bool, page: Page) -> None:  # noqa: FBT001 (reads as a sentence)
    if not holds:
        raise Broken(f"expected {what}, and got {page.status} at {page.url.partition('?')[0]}")


def _expect_that(what: str, holds: bool) -> None:  # noqa: FBT001 (reads as a sentence)
    if not holds:
        raise Broken(f"expected {what}")

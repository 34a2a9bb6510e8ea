"""The walk: the seven steps once over HTTP, as a browser and as a service, each printed with its evidence.

Nothing printed is assumed: every word of a line comes out of an answer that one of the three processes gave.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from project.launch.browser import Browser, Page
from project.launch.ports import Ports

TIMEOUT = 10  # seconds
Json = Mapping[str, Any]


class Broken(Exception):
    """A step did not hold; the message says what was found instead."""


@dataclass(slots=True)
class Walk:
    """What the steps learn on their way."""

    where: Ports
    credentials: Mapping[str, str]
    browser: Browser
    asked: Mapping[str, list[str]]
    """What the application asked of the issuer, as its redirect said."""
    evidence: Json
    """What the application showed of the user's token: header, claims, JWKS entry, the API's answer."""


def walk(where: Ports, credentials: Mapping[str, str]) -> bool:
    """Walk the seven steps, printing each; False as soon as one does not hold."""
    one = Walk(where, credentials, Browser(), {}, {})
    print(flush=True)
    for number, step in enumerate(STEPS, start=1):
        try:
            said = step(one)
        except (Broken, requests.RequestException, KeyError, ValueError) as error:
            print(f"{number}. FAILED: {error!r}" if not isinstance(error, Broken) else f"{number}. FAILED: {error}")
            return False
        print(f"{number}. {said}", flush=True)
    return True


def user_logs_in(one: Walk) -> str:
    """Step 1: through the issuer's own login form, reached from the application."""
    login = one.browser.get(f"{one.where.url('webapp')}/login")
    one.asked = _authorization_request(login)
    page = one.browser.submit(login, {"login": "demo", "password": one.credentials["DEMO_PASSWORD"]})
    _expect("the consent page", "Allow" in page.text, page)
    one.evidence = {"page": page}
    return f"User: demo logged in at {_origin(page.url)}, with a password that the application never sees"


def client_asks(one: Walk) -> str:
    """Step 2: the application asked for scopes at an API, and the user agrees on the consent page."""
    landed = one.browser.submit(one.evidence["page"], {}, button="allow")
    _expect(
        "the application's own page", landed.url.startswith(one.where.url("webapp")) and landed.status == 200, landed
    )
    return (
        f"Client: {_one(one, 'client_id')} asked for {_one(one, 'scope')} at {_one(one, 'resource')}; demo allowed it"
    )


def client_proves(one: Walk) -> str:
    """Step 3: the code that the browser carried was redeemed with the client's secret and the PKCE verifier."""
    shown = one.browser.get(f"{one.where.url('webapp')}/evidence.json")
    one.evidence = json.loads(shown.text)
    claims = one.evidence["claims"]
    _expect("a token for this client", claims["client_id"] == _one(one, "client_id"), shown)
    _expect("S256", _one(one, "code_challenge_method") == "S256", shown)
    return f"Proof: {claims['client_id']} redeemed the code with its secret and PKCE S256, for the user {claims['sub']}"


def issuer_signs(one: Walk) -> str:
    """Step 4: an RFC 9068 token whose public key is in the JWKS."""
    header, claims = one.evidence["header"], one.evidence["claims"]
    url = f"{one.where.url('issuer')}/.well-known/jwks.json"
    published = requests.get(url, timeout=TIMEOUT).json()["keys"]
    _expect_that(f"{header['kid']} in the JWKS", header["kid"] in [key["kid"] for key in published])
    _expect_that("typ at+jwt", header["typ"] == "at+jwt")
    return (
        f"Issuer: signed {header['typ']} with {header['alg']}, kid {header['kid']}, aud {claims['aud']}, "
        f"scope {claims['scope']!r}, {claims['exp'] - claims['iat']} s; the JWKS shows {len(published)} public keys"
    )


def client_sends(one: Walk) -> str:
    """Step 5: the application called the API with the user's token."""
    answer = one.evidence["api"]
    _expect_that("200 from the API", answer["status"] == 200)
    return f"Request: the application called {answer['url']} with the token as bearer: {answer['status']}"


def api_verifies(one: Walk) -> str:
    """Step 6: the API accepts a service's token by its kid, and refuses the same token with one bit changed."""
    token = _service_token(one)
    url = f"{one.where.url('api')}/api/whoami/"
    accepted = _call("GET", url, token)
    _expect_that("200 for a good token", accepted.status_code == 200)
    head, body, signature = token.split(".")
    tampered = _call("GET", url, f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}")
    _expect_that("401 invalid_token for a tampered one", _error(tampered) == (401, "invalid_token"))
    kid = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return f"Verification: kid {kid} found in the JWKS: 200; with one character changed: 401 invalid_token"


def claims_decide(one: Walk) -> str:
    """Step 7: the scope allows reading and refuses writing."""
    token, url = _service_token(one), f"{one.where.url('api')}/api/notes/"
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


def _service_token(one: Walk) -> str:
    response = requests.post(
        f"{one.where.url('issuer')}/oauth/token",
        data={"grant_type": "client_credentials", "scope": "notes:read"},
        auth=("service", one.credentials["SERVICE_CLIENT_SECRET"]),
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
    raise Broken(f"expected a redirect to the authorization endpoint, and came to {page.url}")


def _one(one: Walk, name: str) -> str:
    return one.asked[name][0]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _expect(what: str, holds: bool, page: Page) -> None:  # noqa: FBT001 (reads as a sentence)
    if not holds:
        raise Broken(f"expected {what}, and got {page.status} at {page.url.partition('?')[0]}")


def _expect_that(what: str, holds: bool) -> None:  # noqa: FBT001 (reads as a sentence)
    if not holds:
        raise Broken(f"expected {what}")

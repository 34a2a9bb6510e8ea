"""Issuer processes (nodes) on one database, with clocks that libfaketime sets differently, and a browser for them."""

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from project.launch import processes
from project.launch.browser import forms
from tests.ports import free
from tests.services.conftest import ROOT, Issuer, mistakes, ready, serve
from tests.tokens.factories import CALLBACK, CHALLENGE, VERIFIER

NAME, PASSWORD = "ada", "correct horse battery staple"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
SECRET = "s" * 43
UNCOMMITTED = """
import sys
from django.db import transaction
from tokens.models import User
from tokens.revoking import everywhere
with transaction.atomic():
{script}
    print("done", flush=True)
    sys.stdin.readline()
"""
SCOPE = "openid notes:read offline_access"
TIMEOUT = 60  # seconds

REGISTER = """
import json
from django.utils import timezone
from tokens.models import Api, Client, Scope, User
from tokens.clients import client_secret
given = json.loads({given!r})
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
User.objects.create_user(given["name"], password=given["password"])
app = Client.objects.create(client_id="app", name="App", client_type="public", token_endpoint_auth_method="none",
    grants=["authorization_code", "refresh_token", given["device"]], redirect_uris=given["callback"])
own = Client.objects.create(client_id="own", name="Own", token_endpoint_auth_method="private_key_jwt",
    client_jwks=given["jwks"], grants=["client_credentials"])
service = Client.objects.create(client_id="service", name="Service", grants=["client_credentials"],
    token_endpoint_auth_method="client_secret_basic")
client_secret.add(service, given["secret"], now=timezone.now())
api.client = service
api.save()
for client in (app, own, service):
    client.scopes.add(scope)
"""


def library() -> str:
    """Return the path of the libfaketime library for multi-threaded programs. Fails if it is not installed."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert libraries, "libfaketime is missing: apt-get install faketime"
    return str(libraries[0])


@dataclass(frozen=True, slots=True)
class Node:
    """One issuer process on a port of its own. Its clock is `seconds` ahead of the machine's clock."""

    url: str
    seconds: int

    def post(self, path: str, form: Mapping[str, str], **options: Any) -> requests.Response:
        return requests.post(f"{self.url}{path}", data=form, timeout=TIMEOUT, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=TIMEOUT, **options)

    def token(self, **form: str) -> requests.Response:
        return self.post("/oauth/token", {"client_id": "app"} | form)

    def redeem(self, code: str) -> requests.Response:
        proof = {"redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.token(grant_type="authorization_code", code=code, **proof)

    def refresh(self, text: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=text)

    def poll(self, device_code: str) -> requests.Response:
        return self.token(grant_type=DEVICE, device_code=device_code)

    def service_token(self) -> requests.Response:
        form = {"grant_type": "client_credentials", "scope": "notes:read"}
        return self.post("/oauth/token", form, auth=("service", SECRET))

    def is_active(self, token: str) -> bool:
        answer = self.post("/oauth/introspect", {"token": token}, auth=("service", SECRET))
        return answer.json()["active"]


@dataclass(slots=True)
class Visitor:
    """A browser with cookies. It does not follow redirects, because the test chooses the node for each step."""

    session: requests.Session = field(default_factory=requests.Session)

    def log_in(self, node: Node) -> requests.Response:
        page = f"{node.url}/accounts/login/"
        return self.submit(page, self.session.get(page, timeout=TIMEOUT), {"login": NAME, "password": PASSWORD})

    def authorize(self, node: Node, **changes: str) -> requests.Response:
        return self.session.get(f"{node.url}{authorization(**changes)}", timeout=TIMEOUT, allow_redirects=False)

    def submit(self, url: str, page: requests.Response, values: Mapping[str, str]) -> requests.Response:
        """Send the form of `page` with `values` to `url`, and return the response. `url` can be at another node."""
        shown = next(form for form in forms(page.text) if "csrfmiddlewaretoken" in form.fields)
        return self.session.post(url, data=shown.fields | values, timeout=TIMEOUT, allow_redirects=False)

    def allow(self, asks: Node, answers: Node, **changes: str) -> requests.Response:
        """Load the consent page from the node `asks`, and send the user's consent to the node `answers`.

        Returns the response to the consent. If the node `asks` shows no consent page, returns its response instead.
        """
        page = self.authorize(asks, **changes)
        if page.status_code != 200:
            return page
        return self.submit(f"{answers.url}{authorization(**changes)}", page, {"allow": "true"})

    def approve(self, asks: Node, answers: Node, user_code: str) -> requests.Response:
        """Type the user code of a device at the node `asks`, and allow the device at the node `answers`.

        Returns the response of the node `answers`.
        """
        shown = self.type_code(asks, user_code)
        return self.submit(f"{answers.url}/oauth/device/verify", shown, {"allow": "true"})

    def type_code(self, node: Node, user_code: str) -> requests.Response:
        """Type the user code of a device, and return the HTML page that asks whether to allow the device."""
        page = f"{node.url}/oauth/device/verify"
        empty = self.session.get(page, timeout=TIMEOUT, allow_redirects=False)
        return self.submit(page, empty, {"user_code": user_code})

    def log_out_everywhere(self, node: Node) -> requests.Response:
        page = f"{node.url}/accounts/everywhere/"
        return self.submit(page, self.session.get(page, timeout=TIMEOUT), {})

    def end_other_sessions(self, node: Node) -> requests.Response:
        page = f"{node.url}/accounts/sessions/"
        return self.submit(page, self.session.get(page, timeout=TIMEOUT), {"end": "others"})

    def withdraw(self, node: Node, client_id: str) -> requests.Response:
        page = f"{node.url}/accounts/applications/"
        return self.submit(page, self.session.get(page, timeout=TIMEOUT), {"withdraw": client_id})


def authorization(**changes: str) -> str:
    query = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "s-1",
        "prompt": "consent",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"/oauth/authorize?{urlencode(query | changes)}"


def code_of(response: requests.Response) -> str:
    """Return the authorization code in an authorization response."""
    location = response.headers["Location"]
    assert location.startswith(CALLBACK), location
    return parse_qs(urlsplit(location).query)["code"][0]


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def user_code_of(begun: Mapping[str, str]) -> str:
    assert re.fullmatch(r"\w{4}-\w{4}", begun["user_code"])
    return begun["user_code"]


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a test. `by_seconds` has each node by the number of seconds that its clock is ahead.

    `issuer` runs commands with the nodes' database. `key` is the private key of the client `own`.
    """

    issuer: Issuer
    by_seconds: Mapping[int, Node]
    key: ec.EllipticCurvePrivateKey

    def shell(self, script: str) -> str:
        return self.issuer.run("shell", "-v", "0", "--no-imports", "-c", script)

    @contextmanager
    def uncommitted(self, script: str) -> Iterator[None]:
        """Run `script` in a transaction of a separate process. The transaction commits when the block ends."""
        code = UNCOMMITTED.format(script=textwrap.indent(script.strip(), "    "))
        process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-v", "0", "--no-imports", "-c", code],
            cwd=ROOT,
            env=self.issuer.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout
            assert process.stdout.readline() == "done\n"
            yield
        finally:
            process.communicate("commit\n", timeout=TIMEOUT)
        assert process.returncode == 0


@contextmanager
def running(issuer: Issuer, *seconds: int, logs: Path) -> Iterator[Nodes]:
    """Run one node for each number in `seconds`. The node's clock is ahead by this number of seconds.

    All nodes have the same issuer URL. Their logs are written to the folder `logs`.
    """
    urls = {offset: f"http://localhost:{free()}" for offset in seconds}
    issuer = Issuer(issuer.variables | {"ISSUER_URL": next(iter(urls.values()))})
    issuer.run("rotate_keys")
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"kid": "own"}
    given = {"name": NAME, "password": PASSWORD, "device": DEVICE, "callback": CALLBACK, "secret": SECRET}
    nodes = Nodes(issuer, {offset: Node(url, offset) for offset, url in urls.items()}, key)
    nodes.shell(REGISTER.format(given=json.dumps(given | {"jwks": {"keys": [jwk]}})))
    with ExitStack() as stack:
        children = []
        for offset, url in urls.items():
            faked = {"LD_PRELOAD": library(), "FAKETIME": f"{offset:+}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
            children.append(serve(Issuer(issuer.variables | faked), url, logs / f"{offset:+}.log", workers=1))
        stack.callback(processes.stop, children)
        for child in children:
            ready(child, "/healthz")
        yield nodes
        # Before they end: a sleep of the server's shutdown can fail under libfaketime (EINVAL).
        assert mistakes(*(child.log for child in children)) == []

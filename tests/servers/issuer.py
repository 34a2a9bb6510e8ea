"""An issuer with production timings behind TLS, and invalid tokens for the tests.

Each invalid token differs from a valid token in one respect.
"""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from project.launch import environment, processes
from project.launch.ports import Ports
from tests import manage_process, prepared
from tests.ports import free
from tests.servers import certificates
from tests.servers.front import Front, front
from tests.servers.page import Page

PRIVATE_KEYS = """
import base64, json
from tokens import conf
from tokens.keys import store
keys = conf.issuer().encryption_keys()
print(json.dumps({row.key.kid: base64.b64encode(row.secret(keys)).decode() for row in store.load("default")}))
"""
OTHER_API = "https://other.example/"


@dataclass
class Issuer:
    """The running issuer. Its methods run commands, and get and sign tokens."""

    url: str
    ca: Path
    front: Front
    variables: dict[str, str]
    demo: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)
    """By client_id: what `create_client` printed."""
    followed: set[str] = field(default_factory=set)
    """The pages whose commands were run."""

    def manage(self, *arguments: str) -> str:
        return manage_process.command(self.variables, *arguments)

    def follow(self, page: Page) -> None:
        """Run the commands of the documentation page, and store the client secrets that the commands print.

        Does nothing if the commands of this page were run before.
        """
        if page.name in self.followed:
            return
        self.followed.add(page.name)
        for command in page.commands():
            self.create(*command)

    def create(self, *command: str) -> None:
        """Run `create_api` or `create_client`, and store the client secret if the command prints one."""
        made = json.loads(self.manage(*command, "--json"))
        if made.get("client_secret"):
            self.secrets[made["client_id"]] = made["client_secret"]

    def tokens_of(self, client_id: str) -> int:
        """Return the number of token requests that this client sent with its secret in the Authorization header."""
        return self.front.clients[client_id]

    def token(self, client_id: str, **form: str) -> str:
        """Get an access token with the client credentials grant, and return it. `form` has further parameters."""
        answer = requests.post(
            f"{self.url}/oauth/token",
            {"grant_type": "client_credentials", **form},
            auth=(client_id, self.secrets[client_id]),
            verify=str(self.ca),
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def revoke(self, client_id: str, token: str) -> None:
        """Revoke a token as the client that it was issued to."""
        auth = (client_id, self.secrets[client_id])
        answer = requests.post(f"{self.url}/oauth/revoke", {"token": token}, auth=auth, verify=str(self.ca), timeout=60)
        assert answer.status_code == 200, answer.text

    @cached_property
    def keys(self) -> dict[str, rsa.RSAPrivateKey]:
        """Return the issuer's private keys by kid."""
        printed = self.manage("shell", "--no-imports", "-c", PRIVATE_KEYS)
        ders = {kid: base64.b64decode(der) for kid, der in json.loads(printed).items()}
        return {kid: load_der_private_key(der, None) for kid, der in ders.items()}

    def signed(self, claims: dict[str, object], *, kid: str, typ: str = "at+jwt", **header: object) -> str:
        """Return a JWT with `claims` and `header`, signed with the issuer's key `kid`."""
        return jwt.encode(claims, self.keys[kid], "RS256", headers={"kid": kid, "typ": typ, **header})

    def standby(self, token: str) -> str:
        """Return a token with the claims of `token`, signed with the standby key (the next signing key).

        The standby key is already in the JWKS.
        """
        kid = jwt.get_unverified_header(token)["kid"]
        (other,) = set(self.keys) - {kid}
        return self.signed(claims_of(token), kid=other, typ=jwt.get_unverified_header(token)["typ"])


def claims_of(token: str) -> dict[str, object]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def neighbours(issuer: Issuer, good: str) -> dict[str, str | None]:
    """Return invalid tokens by name. Each differs from the valid token `good` in one respect.

    The value of "none" is None, for a request without a token.
    """
    header, claims, now = jwt.get_unverified_header(good), claims_of(good), int(time.time())
    kid, typ = header["kid"], header["typ"]
    stranger = rsa.generate_private_key(65537, 2048)
    changes: dict[str, dict[str, object]] = {
        "another audience": {"aud": OTHER_API},
        "expired": {"iat": now - 7200, "exp": now - 3600},
        "another scope": {"scope": "other"},
        "another issuer": {"iss": "https://other-issuer.example"},
    }
    made = {name: issuer.signed(claims | change, kid=kid, typ=typ) for name, change in changes.items()}
    head, _, tail = good.partition(".")
    longer = json.dumps(claims | {"jti": "changed"}).encode()
    return {
        "none": None,
        **made,
        "changed": f"{head}.{base64.urlsafe_b64encode(longer).rstrip(b'=').decode()}.{tail.partition('.')[2]}",
        "another key": jwt.encode(claims, stranger, "RS256", headers={"kid": kid, "typ": typ}),
    }


def unknown_kid(good: str) -> str:
    """Return an invalid token with the claims of `good`, and with a kid that is in no JWKS.

    The command `flush_token` prints a curl command that sends a similar token.
    """
    stranger = rsa.generate_private_key(65537, 2048)
    header = jwt.get_unverified_header(good)
    return jwt.encode(claims_of(good), stranger, "RS256", headers={"kid": "unknown", "typ": header["typ"]})


@contextmanager
def serving(factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """Run the issuer with two keys in its JWKS and with the demo's user, while the block runs."""
    var, port, where = factory.mktemp("issuer"), free(), Ports(free(), free(), free())
    prepared_variables = environment.prepare(where, {"KEY_POLICY": "production"}, var)
    prepared.databases(factory, var)
    variables = prepared_variables.issuer | {
        "ISSUER_URL": f"https://localhost:{port}",
        "BEHIND_PROXY": "true",
        "ALLOWED_HOSTS": "localhost",
        "DEBUG": "false",
        "ANSWER_WITHIN": "30",
    }
    manage_process.command(variables, "demo_setup", "--credentials", str(var / "demo.env"))
    with ExitStack() as stack:
        # Servers that drop root's rights read the CA: pytest's own folders are closed to them.
        public = Path(stack.enter_context(TemporaryDirectory(prefix="keyturn-")))
        public.chmod(0o755)
        ca, certificate = certificates.make(public)
        child = processes.start("issuer", variables, url=where.url("issuer"), var=var)
        stack.callback(processes.stop, [child])
        processes.wait_until_ready(child, "/readyz", within=180)
        proxy = stack.enter_context(front(certificate, upstream=where.issuer, port=port))
        yield Issuer(variables["ISSUER_URL"], ca, proxy, variables, prepared_variables.demo)

"""The issuer for a browser test: creates users, logs them in, and makes the authorization requests of clients."""

import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests
from playwright.sync_api import Page

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests import manage_process
from tests.tokens.factories import CHALLENGE

CALLBACK = "https://reports.example/callback"
"""The redirect URI of the client. No such site exists: a test looks at the request that the browser sends there."""
SCOPES = ("notes:read", "notes:write")
PASSWORD = "correct horse battery"
"""The password of each user that a test adds."""
ADD_USERS = """
from django.contrib.auth.hashers import make_password
from tokens.models import User
password = make_password({password!r})
User.objects.bulk_create(
    User(username=name, email=name + "@example.org", password=password) for name in {names!r}
)
"""
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ADD_DOCUMENT_CLIENT = """
from datetime import timedelta
from django.utils import timezone
from tokens.models import Client, OpenClient, Scope
client = Client.objects.create(
    client_id={client_id!r}, name={name!r}, redirect_uris={redirect_uri!r}, grants=["authorization_code"],
    client_type="public", token_endpoint_auth_method="none", registered_by="document",
)
client.scopes.set(Scope.objects.filter(name__in={scopes!r}))
now = timezone.now()
later = now + timedelta(days=1)
OpenClient.objects.create(client=client, created_at=now, fetched_at=now, fresh_until=later, ends_at=later)
"""
"""Adds a client as a metadata document does. The document counts as fresh, because no site publishes it."""


@dataclass(slots=True)
class Issuer:
    """The running issuer. It creates users and clients on demand, and remembers the clients.

    `clients` has the client_id of each client by its name.
    """

    where: Ports
    variables: Environments
    clients: dict[str, str] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    """Users that no test has used yet."""

    @property
    def url(self) -> str:
        """Return the URL of the issuer."""
        return self.where.url("issuer")

    @property
    def password(self) -> str:
        """Return the password of the user `demo`."""
        return self.variables.demo["DEMO_PASSWORD"]

    def new_user(self) -> str:
        """Return the username of a user without a second factor, whom no other test uses.

        The password of the user is `PASSWORD`.
        """
        if not self.users:  # many at once, because each command takes seconds
            self.users = [f"u{secrets.token_hex(4)}" for _ in range(80)]
            self.run(ADD_USERS.format(names=self.users, password=PASSWORD))
        return self.users.pop()

    def run(self, code: str) -> None:
        """Run Python code in a Django shell of the issuer."""
        manage_process.command(self.variables.issuer, "shell", "-v", "0", "-c", code)

    def client(self, name: str, *arguments: str) -> str:
        """Return the client_id of the public client `name`. The first call registers it with `create_client`."""
        if name not in self.clients:
            scopes = [part for scope in SCOPES for part in ("--scope", scope)]
            command = ("create_client", "--name", name, "--public", "--json", *scopes, *arguments)
            self.clients[name] = json.loads(manage_process.command(self.variables.issuer, *command))["client_id"]
        return self.clients[name]

    def document_client(self) -> str:
        """Return the name of a client whose client_id is the URL of a metadata document.

        The first call adds the client to the issuer's database.
        """
        name, client_id = "Notes agent", "https://agent.example/client.json"
        if name not in self.clients:
            values = {"name": name, "client_id": client_id, "redirect_uri": CALLBACK, "scopes": SCOPES}
            self.run(ADD_DOCUMENT_CLIENT.format(**values))
            self.clients[name] = client_id
        return name

    def self_registered_client(self) -> str:
        """Return the name of a client that was registered by dynamic client registration (RFC 7591).

        The first call registers the client.
        """
        name = "Notes robot"
        if name not in self.clients:
            metadata = {"client_name": name, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
            answer = requests.post(f"{self.url}/oauth/register", json=metadata, timeout=60)
            answer.raise_for_status()
            self.clients[name] = answer.json()["client_id"]
        return name

    def request(self, name: str = "Quarterly Reports", **changes: str) -> str:
        """Return the URL of an authorization request of the client `name`. `changes` replace parameters."""
        client_id = self.client(name, "--grant", "authorization_code", "--redirect-uri", CALLBACK)
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile notes:read notes:write",
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"{self.url}/oauth/authorize?{urlencode(query | changes)}"

    def device(self) -> dict[str, str]:
        """Send a device authorization request (RFC 8628), and return the members of the response.

        These are the device code, the user code, and the address that the user has to open.
        """
        form = {"client_id": self.client("Television", "--grant", DEVICE), "scope": "openid notes:read"}
        answer = requests.post(f"{self.url}/oauth/device", data=form, timeout=60)
        answer.raise_for_status()
        return {name: str(value) for name, value in answer.json().items()}

    def poll(self, codes: dict[str, str]) -> requests.Response:
        """Send the token request of the device to which these `codes` belong, and return the response."""
        form = {"grant_type": DEVICE, "client_id": self.clients["Television"], "device_code": codes["device_code"]}
        return requests.post(f"{self.url}/oauth/token", data=form, timeout=60)

    def log_in(self, page: Page, path: str = "/accounts/") -> None:
        """Open the page at `path`, which needs a login, and log in as the user `demo`."""
        page.goto(path if path.startswith("http") else f"{self.url}/accounts/login/?{urlencode({'next': path})}")
        self.fill_in(page)

    def fill_in(self, page: Page) -> None:
        """Fill in the login page as the user `demo`, and submit it. Finds the fields by the ids in docs/clients.md."""
        page.locator("#id_login").fill("demo")
        page.locator("#id_password").fill(self.password)
        with page.expect_navigation():
            page.locator("button[type=submit]").click()

    def allow(self, page: Page, address: str) -> None:
        """Open the authorization request at `address` as a user who is logged in, and press Allow."""
        page.goto(address)
        with page.expect_request(f"{CALLBACK}?*"):
            page.locator("button[name=allow][value=true]").click()

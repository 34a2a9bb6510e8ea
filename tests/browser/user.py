"""A user of the issuer in a browser: logs in, types codes, and opens requests of clients."""

import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests
from playwright.sync_api import Page

from project.launch import processes
from project.launch.environment import Environments
from project.launch.ports import Ports
from tests.tokens.factories import CHALLENGE

CALLBACK = "https://reports.example/callback"
"""The redirect URI of the client. No such site exists: a test looks at the request that the browser sends there."""
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(slots=True)
class Issuer:
    """The running issuer, the password of its user `demo`, and the clients that a test registered."""

    where: Ports
    variables: Environments
    clients: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the address of the issuer."""
        return self.where.url("issuer")

    @property
    def password(self) -> str:
        """Return the password of the user `demo`."""
        return self.variables.demo["DEMO_PASSWORD"]

    def client(self, name: str, *arguments: str) -> str:
        """Return the client_id of the public client with this name. Register it at the first call."""
        if name not in self.clients:
            scopes = ("--scope", "notes:read", "--scope", "notes:write")
            command = ("create_client", "--name", name, "--public", "--json", *scopes, *arguments)
            self.clients[name] = json.loads(processes.command(self.variables.issuer, *command))["client_id"]
        return self.clients[name]

    def request(self, name: str = "Quarterly Reports", **changes: str) -> str:
        """Return the address of an authorization request of the client with this name."""
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
        """Return the answer that a device gets: its codes, and the address for its user."""
        form = {"client_id": self.client("Television", "--grant", DEVICE), "scope": "openid notes:read"}
        answer = requests.post(f"{self.url}/oauth/device", data=form, timeout=60)
        answer.raise_for_status()
        return {name: str(value) for name, value in answer.json().items()}

    def poll(self, codes: dict[str, str]) -> requests.Response:
        """Return the answer to the device that asks whether its user has answered."""
        form = {"grant_type": DEVICE, "client_id": self.clients["Television"], "device_code": codes["device_code"]}
        return requests.post(f"{self.url}/oauth/token", data=form, timeout=60)

    def log_in(self, page: Page, path: str = "/accounts/") -> None:
        """Open a page that needs a login, and log in the user `demo`."""
        page.goto(path if path.startswith("http") else f"{self.url}/accounts/login/?{urlencode({'next': path})}")
        self.fill_in(page)

    def fill_in(self, page: Page) -> None:
        """Fill in the login page by the ids that docs/clients.md promises."""
        page.locator("#id_login").fill("demo")
        page.locator("#id_password").fill(self.password)
        with page.expect_navigation():
            page.locator("button[type=submit]").click()

    def allow(self, page: Page, address: str) -> None:
        """Open an authorization request in a logged-in browser, and press Allow."""
        page.goto(address)
        with page.expect_request(f"{CALLBACK}?*"):
            page.locator("button[name=allow][value=true]").click()

"""An issuer as in production, and an API that trusts it.

The issuer is behind a proxy that terminates TLS, because some clients require https. Its URL has a path, because msal
requires one.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from project.launch import environment, processes
from project.launch.browser import Browser, Page, forms
from project.launch.environment import Environments
from project.launch.ports import Ports
from project.launch.processes import Child
from tests import manage_process, prepared
from tests.flow.conftest import serve
from tests.ports import free
from tests.proxies import servers

USER = {
    "username": "ada",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@mail.example",
    "password": "analytical-engine-1843",
}
GROUP = "hub-admins"
MAKE_USER = f"""
from django.contrib.auth.models import Group
from allauth.account.models import EmailAddress
from tokens.models import User
user = User.objects.create_user(**{USER!r})
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
user.groups.add(Group.objects.create(name="{GROUP}"), Group.objects.create(name="others"))
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """The running issuer, the API, and the certificate that clients have to trust."""

    issuer: str
    api: str
    audience: str
    certificate: Path
    variables: Environments

    def command(self, *arguments: str) -> str:
        """Run a manage.py command of the issuer, and return its output."""
        return manage_process.command(self.variables.issuer, *arguments)

    def create_client(self, arguments: list[str]) -> dict[str, str]:
        """Run `create_client`, and return its client_id and secret."""
        return json.loads(self.command(*arguments, "--json"))

    def trust(self) -> dict[str, str]:
        """Return the environment variables that make a client trust the certificate."""
        return dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(self.certificate))

    def opens_api(self, token: str) -> bool:
        """Return True if the API accepts the access token for a request that reads notes."""
        bearer = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.api}/api/notes/", headers=bearer, timeout=60).status_code == 200


class Person:
    """The user Ada with a browser."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.browser = stack, Browser()
        self.browser._session.verify = str(stack.certificate)

    def open(self, url: str) -> Page:
        """Open a URL that leads to the issuer. Log in and consent if the issuer asks.

        Returns the first page that is no login or consent page of the issuer.
        """
        return self.go_on(self.browser.get(url))

    def callback(self, url: str, app: str) -> str:
        """Open a URL that leads to the issuer. Return the URL in `app` to which the issuer redirects.

        Log in and consent if the issuer asks. No server has to listen at `app`.
        """
        try:
            end = self.open(url).url
        except requests.ConnectionError as refused:  # nothing listens there
            end = str(refused.request.url if refused.request else "")
        assert end.startswith(f"{app}/"), end
        return end

    def go_on(self, page: Page) -> Page:
        """Answer the issuer's login and consent pages, beginning with `page`. Return the page after them."""
        names = {name for form in forms(page.text) for name in (*form.fields, *form.buttons)}
        if page.url.startswith(self.stack.issuer):
            if "password" in names:
                return self.go_on(self.browser.log_in(page, USER["username"], USER["password"]))
            if "allow" in names:
                return self.go_on(self.browser.submit(page, {}, button="allow"))
            if {"state", "iss"} <= names:  # response_mode=form_post
                return self.browser.submit(page, {})
        return page

    def log_out(self, page: Page) -> None:
        """Confirm the logout on `page`, the issuer's page that asks for it."""
        assert page.url.startswith(self.stack.issuer)
        self.browser.submit(page, {}, button="log_out")

    def is_logged_in(self) -> bool:
        """Return True if the user has a session at the issuer."""
        return "/accounts/login" not in self.browser.get(f"{self.stack.issuer}/accounts/login/").url


@contextmanager
def running(factory: pytest.TempPathFactory, **options: str) -> Iterator[Stack]:
    """Run the issuer and the API while the block runs. `options` are further environment variables of the issuer."""
    var = prepared.copy(factory)
    where, tls = Ports(free(), free(), free()), free()
    issuer = f"https://localhost:{tls}/sso"
    certificate = servers.certificate(var)
    variables = environment.prepare(where, {"ISSUER_URL": issuer, "BEHIND_PROXY": "true"}, var)
    prepared.set_up(variables, var, where)
    manage_process.command(variables.issuer, "shell", "-c", MAKE_USER)
    variables.issuer["DJANGO_SETTINGS_MODULE"] = "tests.cheap_passwords"
    variables.issuer["GROUPS_CLAIM"] = GROUP
    variables.issuer["RATE_LIMITS"] = "login=1000/60"  # one user logs in for every test
    variables.issuer.update(options, SSL_CERT_FILE=str(certificate))
    variables.api["SSL_CERT_FILE"] = str(certificate)
    stack = Stack(issuer, where.url("api"), variables.api["API_AUDIENCE"], certificate, variables)
    children: list[Child] = []
    # `$host` lacks the port, which is not 443 here.
    config = servers.adapted(servers.block("nginx"), var, tls, where.issuer).replace("$host;", "$http_host;")

    def ready() -> bool:
        try:
            return requests.get(f"{issuer}/healthz", timeout=20, verify=certificate).status_code == 200
        except requests.ConnectionError:
            return False

    try:
        children.append(serve("issuer", variables.issuer, where.url("issuer"), var))
        with servers.running("nginx", config, var, tls, ready):
            children.append(serve("api", variables.api, where.url("api"), var))
            yield stack
    finally:
        processes.stop(children)

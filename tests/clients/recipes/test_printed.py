"""Real programs log in at the issuer with only the configuration that `create_client --for` prints."""

import json
from dataclasses import dataclass

import pytest

from tests import marks
from tests.clients.recipes import sites
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]


@dataclass(frozen=True, slots=True)
class Printed:
    """The configuration that `create_client --for` printed, with the real values of the client."""

    configuration: list[dict[str, str]]

    def code(self, language, *, number=0, **_):
        """Return a printed code block in this language. `number` counts from 0."""
        return [part["code"] for part in self.configuration if part["language"] == language][number]


@pytest.fixture
def printed(keyturn, app):
    """Return a function that runs `create_client --for` for a program, and returns the printed configuration."""

    def register(program):
        printed = json.loads(keyturn.command("create_client", "--for", program, "--site", app, "--json"))
        return Printed(printed["configuration"])

    return register


def test_auth_js_logs_in_with_the_printed_configuration(printed, keyturn, app, ada, tmp_path):
    with sites.node(printed("authjs"), {}, keyturn, tmp_path, app):
        button = ada.browser.get(f"{app}/auth/signin?callbackUrl={app}/")
        landed = ada.go_on(ada.browser.submit(button, {}))
        assert landed.url == f"{app}/"
        assert json.loads(ada.browser.get(f"{app}/auth/session").text)["user"]["email"] == USER["email"]


def test_a_django_site_with_allauth_logs_in_with_the_printed_configuration(printed, keyturn, app, ada, tmp_path):
    with sites.django(printed("allauth"), {}, keyturn, tmp_path, app):
        page = ada.browser.get(f"{app}/accounts/oidc/keyturn/login/")
        landed = ada.go_on(ada.browser.submit(page, {}))
        assert landed.url.startswith(app)
        assert landed.status == 200

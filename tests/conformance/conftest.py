"""Fixtures: issuers in separate processes, set up by `certification_setup`, and the clients of the plans.

The issuers end when the last test of this package has run. With KEY_POLICY=development, an idle issuer reads its keys
once a second, which costs 6 % of a CPU.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from project.launch import environment, processes
from project.launch.environment import Environments
from project.launch.ports import Ports
from tests import manage_process, prepared
from tests.conformance import profile
from tests.conformance.bank import OAUTH, OPENID, OWN, Bank
from tests.conformance.keys import register
from tests.conformance.suite import Suite, rotate
from tests.flow.conftest import serve
from tests.flow.other_issuer import other_issuer
from tests.ports import free

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.cheap_passwords",
    "RATE_LIMITS": "login=1000/60",
    "CLAIMS_SOURCE": profile.SOURCE,
    "USERINFO_TOKEN_IN_BODY": "true",
    "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT": "true",
}


SWITCHING = "switching"
"""The Basic plan at an issuer whose signing keys switch."""


@pytest.fixture(scope="package")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield the plan of an issuer: its URL, the clients of the certification suite, and the user."""
    var = prepared.copy(tmp_path_factory)
    where = Ports(free(), free(), free())
    variables = environment.prepare(where, {}, var)
    yield from certified(variables, var, where)


@pytest.fixture(scope="package")
def switching_plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield the plan of an issuer whose signing keys can switch within a minute (KEY_POLICY is `development`)."""
    var, where = tmp_path_factory.mktemp("var"), Ports(free(), free(), free())
    variables = environment.prepare(where, {"KEY_POLICY": "development"}, var)
    prepared.databases(tmp_path_factory, var)
    yield from certified(variables, var, where)


@pytest.fixture(scope="package")
def fapi_plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield the plan of an issuer that requires FAPI 2.0 from each client and signs with ES256.

    The plan also has an API that accepts the tokens.
    """
    var, where = tmp_path_factory.mktemp("var"), Ports(free(), free(), free())
    variables = environment.prepare(where, {}, var)
    prepared.databases(tmp_path_factory, var)
    rotate(variables.issuer, "--ring", "default", "--algorithm", "ES256")
    for started in certified(variables, var, where, FAPI2="true"):
        audience = variables.api["API_AUDIENCE"]
        keys = {name: register(variables.issuer, var, name, started["callback"]) for name in ("client", "client2")}
        api = serve("api", variables.api | {"API_ALGORITHMS": "ES256"}, where.url("api"), var)
        try:
            yield {**started, **keys, "api": where.url("api"), "audience": audience}
        finally:
            processes.stop([api])


def certified(variables: Environments, var: Path, where: Ports, **last: str) -> Iterator[dict[str, Any]]:
    """Create the demo data, and the clients and the user of the plan. Serve the issuer, and yield the plan.

    The variables in `last` are set only for the server.
    """
    prepared.set_up(variables, var, where)
    variables.issuer.update(SETTINGS)
    with other_issuer() as suite:
        base = suite.url.replace("localhost", "127.0.0.1")  # FAPI 2.0 forbids redirect URIs at localhost
        printed = manage_process.command(
            variables.issuer, "certification_setup", "--base-url", base, "--alias", "conformance"
        )
        child = serve("issuer", variables.issuer | last, where.url("issuer"), var)
        try:
            yield {
                **clients(json.loads(printed)),
                "issuer": where.url("issuer"),
                "callback": f"{base}/test/a/conformance/callback",
                "after_logout": f"{base}/test/a/conformance/post_logout_redirect",
                "backchannel_logout": f"{base}/test/a/conformance/backchannel_logout",
                "received": suite.received,
                "database": var / "issuer.sqlite3",
                "variables": variables.issuer,
            }
        finally:
            processes.stop([child])


def clients(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return the values that the tests need from the printed configuration: clients, username and password."""
    commands = [
        command
        for page in configuration["browser"]
        for task in page["tasks"]
        for command in task.get("commands", ())
        if command[0] == "text"
    ]
    typed = {command[2]: command[3] for command in commands}
    names = ("client", "client2", "client_secret_post")
    return {
        **{name: configuration[name] for name in names},
        "username": typed["id_login"],
        "password": typed["id_password"],
    }


@pytest.fixture(params=["basic", "form_post", SWITCHING])
def suite(request: pytest.FixtureRequest) -> Suite:
    """Return a `Suite`, which acts as a client of the plan and has a new browser for the user.

    Each test runs three times: for the Basic plan, for the Form Post plan, and for the Basic plan at the issuer whose
    signing keys switch.
    """
    if request.param == SWITCHING:
        plan = request.getfixturevalue("switching_plan")
        rotate(plan["variables"], "--now")
        return Suite(plan["issuer"], plan)
    plan = request.getfixturevalue("plan")
    return Suite(plan["issuer"], plan, "form_post" if request.param == "form_post" else None)


@pytest.fixture
def once(plan: dict[str, Any]) -> Suite:
    """Return a `Suite`, which acts as a client of the plan and has a new browser for the user.

    It is for modules that do not depend on the response mode, so each test runs once.
    """
    return Suite(plan["issuer"], plan)


@pytest.fixture
def switching(switching_plan: dict[str, Any]) -> Suite:
    """Return a `Suite` for the issuer whose signing keys switch. It has a new browser for the user."""
    return Suite(switching_plan["issuer"], switching_plan)


@pytest.fixture(scope="package")
def fapi_suite(fapi_plan: dict[str, Any]) -> Suite:
    """Return the client and the browser for the FAPI plan.

    The user logs in once for all modules that need no login page.
    """
    return Suite(fapi_plan["issuer"], fapi_plan)


@pytest.fixture
def connect(fapi_suite: Suite) -> Bank:
    """Return a client for the modules of the FAPI plan that run only with OpenID Connect."""
    return Bank(fapi_suite)


@pytest.fixture(params=[OPENID, OAUTH])
def bank(fapi_suite: Suite, request: pytest.FixtureRequest) -> Bank:
    """Return a client for the modules of the FAPI plan in which a user allows the request.

    Each test runs twice: with OpenID Connect, and with plain OAuth.
    """
    return Bank(fapi_suite, variant=request.param)


@pytest.fixture(params=[OPENID, OAUTH, OWN])
def holder(fapi_suite: Suite, request: pytest.FixtureRequest) -> Bank:
    """Return a client for the modules of the FAPI plan that also run without a user.

    Each test runs three times: with OpenID Connect, with plain OAuth, and with the client credentials grant.
    """
    return Bank(fapi_suite, variant=request.param)


@pytest.fixture
def logged_out_bank(fapi_plan: dict[str, Any]) -> Bank:
    """Return a client of the FAPI plan whose user is not logged in."""
    return Bank(Suite(fapi_plan["issuer"], fapi_plan))

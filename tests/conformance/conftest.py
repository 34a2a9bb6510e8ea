"""One issuer in a process of its own, set up by `certification_setup`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from project.launch import environment, processes
from project.launch.ports import Ports
from tests import prepared
from tests.conformance import profile
from tests.conformance.suite import Suite
from tests.flow.conftest import serve
from tests.flow.stranger import stranger
from tests.ports import free


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Return the issuer's URL, the suite's clients and its user."""
    var = prepared.copy(tmp_path_factory)
    where = Ports(free(), free(), free())
    variables = environment.prepare(where, {}, var)
    prepared.set_up(variables, var, where)
    variables.issuer.update(
        {
            "RATE_LIMITS": "login=1000/60",
            "CLAIMS_SOURCE": profile.SOURCE,
            "USERINFO_TOKEN_IN_BODY": "true",
            "REMEMBER_LOOPBACK_CONSENT": "true",
        }
    )
    with stranger() as suite:
        printed = processes.command(
            variables.issuer, "certification_setup", "--base-url", suite.url, "--alias", "conformance"
        )
        configuration = json.loads(printed)
        child = serve("issuer", variables.issuer, where.url("issuer"), var)
        try:
            suite_address = f"{suite.url}/test/a/conformance"
            yield {
                **clients(configuration),
                "issuer": where.url("issuer"),
                "callback": f"{suite_address}/callback",
                "after_logout": f"{suite_address}/post_logout_redirect",
                "database": var / "issuer.sqlite3",
                "variables": variables.issuer,
            }
        finally:
            processes.stop([child])


def clients(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return what the suite reads from the printed configuration: clients, addresses and the user's password."""
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


@pytest.fixture(params=[None, "form_post"], ids=["basic", "form-post"])
def suite(plan: dict[str, Any], request: pytest.FixtureRequest) -> Suite:
    """A client of the plan with a new browser, for the Basic plan and for the Form Post plan."""
    return Suite(plan["issuer"], plan, request.param)


@pytest.fixture
def once(plan: dict[str, Any]) -> Suite:
    """A client of the plan with a new browser, for modules that do not depend on the response mode."""
    return Suite(plan["issuer"], plan)

"""Fixtures: issuer, API and example application as processes, and tabs of Debian's chromium."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from project.launch import run
from project.launch.environment import Environments, prepare
from project.launch.ports import Ports
from tests.browser.user import Issuer
from tests.ports import free

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ports, Environments]]:
    var = tmp_path_factory.mktemp("var")
    where = Ports(free(), free(), free())
    # The tests log one user in from one address, more often than a person does within a minute.
    environ = {
        "RATE_LIMITS": "login=1000/60,authorize=1000/60,device=1000/60",
        "SECOND_FACTOR_GROUPS": "guarded",
        "EMAIL_URL": f"filemail:///{var}/mail",  # a file for each message
        "SIGN_UP": "true",
        # for the pages about clients that no operator registered
        "CLIENT_ID_METADATA_DOCUMENTS": "true",
        "DYNAMIC_REGISTRATION": "open",
        "OPEN_CLIENT_SCOPES": "notes:read,notes:write",
    }
    variables = prepare(where, environ, var)
    run.prepare_databases(variables, where, var)
    with run.started(variables, where, var):
        yield where, variables


@pytest.fixture(scope="session")
def issuer(system: tuple[Ports, Environments]) -> Issuer:
    """Return the running issuer, with methods that create users and clients."""
    return Issuer(*system)


@pytest.fixture(scope="module")
def started_chromium() -> Iterator[Browser]:
    """Start chromium once for each module, because a start takes longer than most tests."""
    path = shutil.which("chromium")
    assert path, "chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def chromium(started_chromium: Browser) -> Iterator[Browser]:
    """Yield the running chromium without any browser context. Close the contexts that the test makes.

    Each context has its own cookies, cache and passkeys.
    """
    assert started_chromium.contexts == []
    yield started_chromium
    for context in started_chromium.contexts:
        context.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 1000, "height": 900})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    page.context.close()
    assert problems == [], "the console is quiet"

"""Three servers of their own, as `make run` starts them, and a page of Debian's chromium."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from project.launch import run
from project.launch.environment import Environments, prepare
from project.launch.ports import Ports
from tests.ports import free

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ports, Environments]]:
    var = tmp_path_factory.mktemp("var")
    where = Ports(free(), free(), free())
    variables = prepare(where, {}, var)
    run.prepare_databases(variables, where, var)
    with run.started(variables, where, var):
        yield where, variables


@pytest.fixture
def page(tmp_path: object) -> Iterator[Page]:
    path = shutil.which("chromium")
    assert path, "chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        yield page
        browser.close()
        assert problems == [], "the console is quiet"

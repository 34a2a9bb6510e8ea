"""The documentation pages of docs/clients/, and their table in docs/clients/README.md.

Each page has the same headings, names its test, and has a row in the table.
"""

import re

import pytest

from tests.clients.recipes import environments, pages, table
from tests.clients.recipes.pages import Page
from tests.clients.recipes.steps import STEPS, Steps
from tokens.recipes import catalog

RECIPES = catalog.recipes()
PARTS = ["What to create", "The client's settings", "What it cannot do"]
ROW = re.compile(r"\| \[(.+)\]\((.+)\.md\) \| (\S+) (\S+) \| ((?:(?:yes|no) \| ?)+)\n")


def rows() -> list[tuple[str, ...]]:
    lines = table.parts()[1].removeprefix(table.head()).splitlines(keepends=True)
    matches = [ROW.fullmatch(line) for line in lines]
    assert all(matches)
    return [match.groups() for match in matches if match]


def test_the_table_has_a_row_for_each_page_with_a_cell_for_each_step() -> None:
    assert table.parts()[1].startswith(table.head())
    assert [name for _, name, *_ in rows()] == pages.names() == sorted(table.PACKAGES)
    for title, name, package, version, cells in rows():
        assert title == table.title(name)
        assert (package, version) == (table.PACKAGES[name][1], table.version(name))
        assert RECIPES[name].version == f"{package} {version}"
        assert len(cells.split(" | ")) == len(STEPS)


def test_each_client_does_at_least_one_step() -> None:
    assert [name for _, name, _, _, cells in rows() if "yes" not in cells] == []


@pytest.mark.parametrize("name", pages.names())
def test_a_page_is_one_screen_with_the_parts_of_every_page(name: str) -> None:
    page = Page(name, {})
    headings = re.findall(r"^## (.+)$", page.text, re.MULTILINE)
    assert [heading for heading in headings if heading != "What it loosens"] == PARTS
    assert page.commands()[0][0] == "create_client"
    assert len(page.text.splitlines()) <= 120
    tests = re.findall(r"`(tests/clients/recipes/test_\w+\.py)`", page.text)
    assert tests
    assert all((environments.ROOT / test).exists() for test in tests)


def test_a_page_gives_its_commands_and_blocks_with_the_addresses_and_credentials_of_a_test() -> None:
    page = Page("passport-openidconnect", {pages.ISSUER: "https://localhost:1/sso", pages.APP: "http://localhost:2"})
    (command,) = page.commands()
    assert command[:3] == ["create_client", "--name", "Shop"]
    assert command[command.index("--redirect-uri") + 1] == "http://localhost:2/callback"
    block = page.code("js", client_id="one", client_secret="two")
    assert "tokenURL: 'https://localhost:1/sso/oauth/token'" in block
    assert "clientID: 'one',\n      clientSecret: 'two'," in block


def test_steps_are_kept_only_if_each_is_done_or_lacking(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CLIENT_ENVIRONMENTS", str(tmp_path))
    steps = Steps("one")
    steps.done("login")
    with pytest.raises(AssertionError):
        steps.complete(lacks="claims API refresh")
    with pytest.raises(AssertionError):
        steps.complete(lacks="login claims API refresh logout")
    with pytest.raises(AssertionError):
        steps.done("login")
    assert list(tmp_path.iterdir()) == []
    steps.complete(lacks="claims API refresh logout")
    assert (tmp_path / "results" / "one.json").read_text(encoding="utf-8") == '{"login": "yes"}'


def test_the_example_of_an_mcp_server_is_tested_with_the_versions_that_it_requires() -> None:
    required = (environments.ROOT / "examples/mcp/requirements.txt").read_text(encoding="utf-8").split()
    lock = (environments.LOCKS / "mcp.txt").read_text(encoding="utf-8")
    assert len(required) == 3
    pins = [re.sub(r"\[.*\]", "", pin) for pin in required]
    assert [pin for pin in pins if f"\n{pin} " not in lock] == []

"""The pages of docs/resource-servers/.

Each page has the same headings, is run by a test, and has a row with the test's results in the table.
"""

import re
from pathlib import Path

import pytest

from tests.servers.page import FOLDER, Page
from tests.servers.table import CLIENTS, SERVERS
from tokens.recipes import catalog

RECIPES = catalog.recipes()
WRITTEN = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
PAGES = [name for name in WRITTEN if RECIPES[name].tests]
"""Those of servers that the tests run."""
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
TESTS = Path(__file__).resolve().parent.parent / "servers"


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_says_what_to_create_how_to_try_it_how_long_it_trusts_and_what_it_cannot_do(name: str) -> None:
    page = Page(name)
    headings = re.findall(r"^## (.+)$", page.text, re.MULTILINE)
    assert headings[0] == "At the issuer"
    assert headings[-2:] == ["How long it trusts", "What it cannot do"]
    assert {command[0] for command in page.commands()} == {"create_api", "create_client"}
    assert re.search(r"Try it[:,]", page.text)
    assert len(page.text.splitlines()) <= 100


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_run_by_a_test_and_its_row_is_full(name: str) -> None:
    modules = [path for path in TESTS.glob("*.py") if f'Page("{name}")' in path.read_text(encoding="utf-8")]
    assert len(modules) == 1
    rows = re.findall(rf"^\| \[[^\]]+\]\({name}\.md[^)]*\) .*\|$", INDEX, re.MULTILINE)
    assert rows
    assert {row.count("|") for row in rows} <= {len(SERVERS) + 2, len(CLIENTS) + 2}


def test_the_index_has_no_row_of_a_deleted_page() -> None:
    assert set(re.findall(r"^\| \[[^\]]+\]\(([\w-]+)\.md", INDEX, re.MULTILINE)) == set(PAGES)

"""The documentation pages in docs/reference/ agree with the code: nothing is missing, and nothing is obsolete."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import find_commands

from resources.settings.defaults import DEFAULTS, ISSUER_DEFAULTS, LOCAL_USERS_DEFAULTS
from tests.project.test_documentation import headings
from tests.reference import FOLDER, PAGES, events, settings
from tests.reference.settings import ROOT
from tokens.settings import authorization_request, defaults, open_client


@pytest.mark.parametrize(("name", "page"), PAGES.items(), ids=PAGES)
def test_a_page_is_what_the_code_says(name: str, page: Callable[[], str]) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == page(), f"docs/reference/{name} differs from the code. Run: python -m tests.reference"


def test_every_page_of_the_folder_is_made_or_is_its_index() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in FOLDER.glob("*.md")} == {*PAGES, "README.md"}
    assert [name for name in PAGES if f"]({name})" not in readme] == []


def test_the_index_has_the_table_of_metrics() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "](../observability.md#metrics)" in readme
    assert "metrics" in headings(ROOT / "docs" / "observability.md")


def test_every_variable_that_the_settings_read_is_described() -> None:
    """Every variable that the settings read is described, and every described variable is read."""
    reads = set()
    for path in (ROOT / "project" / "settings").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        reads |= set(re.findall(r'\b(?:environment\.\w+|flag|text|words|secret)\(\s*"([A-Z0-9_]+)"', text))
        reads |= set(re.findall(r'environment\.cache\("\w+", "([A-Z0-9_]+)"', text))
        reads |= set(re.findall(r'name: str = "([A-Z0-9_]+)"', text))
    sections = settings.sections()
    described = {name for title, rows in sections.items() for name, _, _ in rows}
    others = {name for title in ("example application", "make run") for name, _, _ in sections[title]}
    assert len(reads) > 50
    assert reads - described == set()
    assert described - reads - others == {"DJANGO_SETTINGS_MODULE"}


def test_every_variable_and_entry_has_a_meaning() -> None:
    rows = [
        row
        for title, some in settings.sections().items()
        for row in some
        if title not in {"make run", "example application"}
    ]
    assert [name for name, _, text in rows if not text] == []
    for path, name in settings.INTRODUCTIONS:
        assert [entry for entry, _, text in settings.entries(path, name) if not text] == []


def test_an_entry_does_not_get_the_comment_of_the_entry_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["DEFAULTS: dict[str, Any] = {", "    # One", "    # text.", '    "A": 1,', '    "B": 2,']
    lines += ['    "C": 3,  # beside', "    # A remark.", "", '    "D": 4,', "    # Another remark.", "    **more,"]
    (tmp_path / "defaults.py").write_text("\n" + "\n".join([*lines, '    "E": 5,', "}", ""]), encoding="utf-8")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    meanings = {entry: text for entry, _, text in settings.entries("defaults.py", "DEFAULTS")}
    assert meanings == {"A": "One text.", "B": "", "C": "beside", "D": "", "E": ""}


def test_every_entry_of_the_defaults_is_in_the_table() -> None:
    own = set(defaults.DEFAULTS) - set(open_client.DEFAULTS) - set(authorization_request.DEFAULTS)
    for path, name, expected in (
        ("resources/settings/defaults.py", "DEFAULTS", set(DEFAULTS)),
        ("resources/settings/defaults.py", "ISSUER_DEFAULTS", set(ISSUER_DEFAULTS)),
        ("resources/settings/defaults.py", "LOCAL_USERS_DEFAULTS", set(LOCAL_USERS_DEFAULTS)),
        ("tokens/settings/defaults.py", "DEFAULTS", own),
    ):
        assert {entry for entry, _, _ in settings.entries(path, name)} == expected


def test_every_command_has_its_heading() -> None:
    text = (FOLDER / "commands.md").read_text(encoding="utf-8")
    for app in ("tokens", "resources"):
        for name in find_commands(str(ROOT / app / "management")):
            assert f"\n## {name}\n" in text or name in {"cleartokens", "createapplication"}


def test_the_options_of_serve_are_in_the_page() -> None:
    part = (FOLDER / "commands.md").read_text(encoding="utf-8").partition("\n## serve\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^` ]+)", part, re.MULTILINE)
    assert rows == ["PORT", "--address", "--workers", "--end-with-stdin"]


def test_no_file_counts_as_an_event() -> None:
    assert [event for event in events.events() if event.endswith((".py", ".csv", ".json"))] == []


def test_an_event_with_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "TEMPLATES", {})
    with pytest.raises(LookupError, match=r"add it to TEMPLATES in tests/reference/events\.py"):
        events.events()

"""The documentation names only pages, headings, files, make targets, commands and options that exist."""

import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
import yaml
from django.core.management import find_commands, get_commands, load_command_class

from project.launch import docs_hooks
from tokens.keys.rules.policy import PRODUCTION

ROOT = Path(__file__).resolve().parent.parent.parent
DECISIONS = ROOT / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")), *sorted(ROOT.glob("docs/**/*.md"))]
FOLDERS = (
    "keyturn_issuer",
    "tokens",
    "resources",
    "project",
    "tests",
    "examples",
    "bench",
    "findings",
    "docs",
    "deploy",
)
COMMANDS = {name: app for app in ("tokens", "resources") for name in find_commands(str(ROOT / app / "management"))}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def headings(page: Path) -> set[str]:
    """Return the anchors of a documentation page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path, text: str) -> list[str]:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        address, _, anchor = link.partition("#")
        target = (page.parent / address).resolve() if address else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in headings(target))):
            broken.append(link)
    return broken


def missing_files(text: str) -> list[str]:
    """Return the files that the text names in backticks and that do not exist in this project."""
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+\.(?:py|html|md|json|sh|css))`", text)
    return [name for name in named if not (ROOT / name).exists()]


def called(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the options of each `manage.py` command in the text."""
    joined = text.replace("\\\n", " ")
    for name, rest in re.findall(r"manage\.py (\w+)([^`\n#|;]*)", joined):
        yield name, re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", rest.split(" && ")[0])


@cache
def options_of(name: str) -> str:
    """Return the help text of the command `name`, including the help texts of its subcommands."""
    parser = load_command_class(COMMANDS[name], name).create_parser("manage.py", name)
    choices = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    return "".join(command.format_help() for command in [parser, *(sub for some in choices for sub in some.values())])


def unknown_options(text: str) -> list[str]:
    return [
        f"{name} {option}"
        for name, used in called(text)
        if name in COMMANDS
        for option in used
        if not re.search(rf"(?<![\w-]){option}(?![\w-])", options_of(name))
    ]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert broken_links(page, text) == []
    assert missing_files(text) == []
    assert unknown_options(text) == []
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= targets


def test_a_wrong_name_is_found() -> None:
    readme = ROOT / "README.md"
    assert broken_links(readme, "[a](docs/grants.md#nothing) [b](docs/none.md) [c](docs/grants.md#refresh)") == [
        "docs/grants.md#nothing",
        "docs/none.md",
    ]
    assert missing_files("`tokens/nothing.py`, `tokens/conf.py`") == ["tokens/nothing.py"]
    assert unknown_options("manage.py keys --check --chec\n    manage.py client_secret add X --expires T --at U") == [
        "keys --chec"
    ]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_page_is_in_the_readme_or_in_the_site_s_start() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    start = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert "](docs/index.md)" in readme
    pages = [page.name for page in ROOT.glob("docs/*.md") if page.name != "index.md"]
    assert [name for name in pages if f"](docs/{name})" not in readme and f"]({name})" not in start] == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    entries = docs_hooks.names(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.is_relative_to(ROOT / "docs")]
    assert [entry for entry in entries if not entry.endswith("*") and not_there(entry)] == []
    for page in pages:
        folder = f"{page.rpartition('/')[0]}/*".removeprefix("/")
        assert page in entries or folder in entries, (
            f"page {page} is not in the navigation: add it to `nav` in mkdocs.yml, under its kind"
        )


def not_there(entry: str) -> bool:
    """Return True if the page `entry` of the site's navigation does not exist."""
    return entry not in docs_hooks.PAGES and not (ROOT / "docs" / entry).exists()


def missing_tests(text: str) -> list[str]:
    """Return the tests that a text names as `path::function` and that do not exist."""
    missing = []
    for path, function in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text):
        source = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
        if not re.search(rf"^def {function}\(", source, re.MULTILINE):
            missing.append(f"{path}::{function}")
    return missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_test_that_a_page_names_is_there(page: Path) -> None:
    assert missing_tests(page.read_text(encoding="utf-8")) == []


def test_each_threat_of_the_model_names_a_test_or_a_command() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", text.partition("\n## Spoofing\n")[2], re.MULTILINE)
    threats = [row for row in rows if row[0] not in {"threat", "---"} and not set(row[0]) <= {"-", "|", " "}]
    assert len(threats) > 40
    assert [threat for threat, _, test in threats if "::" not in test and "`make " not in test] == []
    assert missing_tests("`tests/tokens/nothing.py::test_x` `tests/project/test_story.py::test_nothing`") == [
        "tests/tokens/nothing.py::test_x",
        "tests/project/test_story.py::test_nothing",
    ]


def test_every_variable_of_the_deployment_is_described() -> None:
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    used = {
        name for line in re.findall(r"^\$ export (.+)$", text, re.MULTILINE) for name in re.findall(r"(\w+)=", line)
    }
    described = re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(used) > 10
    assert used - set(described) == set()


def test_every_command_and_option_of_the_page_about_restores_is_there() -> None:
    text = (ROOT / "docs" / "restore.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ python manage\.py (\w+)([^#\n]*)", text, re.MULTILINE)
    assert {name for name, _ in commands} == {"migrate", "keys", "after_restore"}
    for name, rest in commands:
        help_text = load_command_class(get_commands()[name], name).create_parser("manage.py", name).format_help()
        assert [option for option in re.findall(r"--[a-z-]+", rest) if option not in help_text] == []


@pytest.mark.parametrize("record", RECORDS, ids=name_of)
def test_a_decision_has_its_sections_and_stands_in_the_index(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections == ["Status", "Context", "Decision", "Consequences", "Refused"]
    assert text.startswith(f"# {record.name[:3]} ")
    assert f"]({record.name})" in (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60


def test_no_two_decisions_have_the_same_number() -> None:
    # A gap is permitted: the number of a decision is taken when work on it begins.
    numbers = [int(record.name[:3]) for record in RECORDS]
    assert len(set(numbers)) == len(numbers)


def test_the_rotation_rules_have_the_numbers_of_the_policy() -> None:
    text = (DECISIONS / "001-rotation-rules.md").read_text(encoding="utf-8")
    row = {f"P{number}": line for number, line in re.findall(r"^\| P(\d) (.+)$", text, re.MULTILINE)}
    hour = timedelta(hours=1)
    assert hour == PRODUCTION.token_lifetime
    assert f"{PRODUCTION.propagation.total_seconds():,.0f} s (24 h 9 min)" in row["P1"]
    assert f"{PRODUCTION.last_acceptance(hour).total_seconds():,.0f} s (71 min)" in row["P2"]
    assert f"`keep`, {PRODUCTION.keep.days} days" in row["P2"]
    assert f"{PRODUCTION.rejection.total_seconds():,.0f} s" in row["P3"]
    ahead = PRODUCTION.switch + PRODUCTION.clock_error
    assert f"{ahead.total_seconds():.0f} s ahead" in row["P4"]
    assert f"at most {PRODUCTION.last_signature.total_seconds():.0f} s" in row["P4"]


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["pkcs11"], *extras["redis"], *extras["metrics"], *extras["otel"]]
    needed += extras["place"]
    names = {re.split(r"[\[~><=]", requirement)[0] for requirement in needed}
    text = (DECISIONS / "013-dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == names

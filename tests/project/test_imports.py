"""Who may import whom, besides the issuer's rooms (tests/test_rooms.py)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("tokens", "resources", "project", "examples")
CLOCK_READERS = ("tokens/keys/clock.py",)
"""Compares two clocks: both have to be read at the same moment."""
EDGES = ("views", "admin", "commands", "checks", "authentication", "permissions", "middleware", "forms", "testing")


def imports(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def forbidden(path: str, module: str) -> str | None:
    """The rule that `path` breaks by importing `module`, or None."""
    room = path.partition("/")[0]
    rules = {
        "tokens and resources never import each other": (
            (room == "tokens" and within(module, "resources")) or (room == "resources" and within(module, "tokens"))
        ),
        "nobody imports project": room != "project" and within(module, "project"),
        "an example knows no room of the product": room == "examples" and within(module, "tokens", "resources"),
        "rest_framework only under resources": room != "resources"
        and within(module, "rest_framework", "drf_spectacular"),
        "oauth2_provider and oauthlib only under tokens": (
            room != "tokens" and within(module, "oauth2_provider", "oauthlib")
        ),
        "verification knows the example API only from outside": (
            room == "resources" and not path.startswith("resources/notes/") and within(module, "resources.notes")
        ),
        "the link table of users is optional": (
            room == "resources"
            and not path.startswith("resources/user_links/")
            and within(module, "resources.user_links")
        ),
        "tests are imported by nothing": within(module, "tests"),
    }
    return next((rule for rule, broken in rules.items() if broken), None)


def clock_reads(source: str) -> Iterator[int]:
    """Lines that read the clock: timezone.now(), datetime.now(), datetime.utcnow(), time.time()."""
    reads = {("timezone", "now"), ("datetime", "now"), ("datetime", "utcnow"), ("time", "time")}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and (ast.unparse(node.value), node.attr) in reads:
            yield node.lineno


def sources() -> list[str]:
    return [
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in path.parts
    ]


@pytest.mark.parametrize("path", sources())
def test_a_module_imports_only_what_its_room_may(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    broken = [
        f"{path}:{line} imports {module}: {rule}"
        for line, module in imports(source)
        if (rule := forbidden(path, module))
    ]
    assert broken == []


@pytest.mark.parametrize("path", [path for path in sources() if path.partition("/")[0] in {"tokens", "resources"}])
def test_the_clock_is_read_only_at_the_edges(path: str) -> None:
    parts = path.removesuffix(".py").split("/")
    is_edge = any(part in EDGES or part.removesuffix("s") in EDGES for part in parts)
    if not is_edge and path not in CLOCK_READERS:
        assert list(clock_reads((ROOT / path).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tokens/views.py", "import resources.verify"),
        ("tokens/views.py", "from resources import verify"),
        ("resources/verify.py", "from tokens.models import User"),
        ("resources/conf.py", "from project import settings"),
        ("tokens/conf.py", "import project.settings.base"),
        ("examples/webapp/views.py", "from resources import verify"),
        ("tokens/views.py", "from rest_framework.views import APIView"),
        ("resources/permissions.py", "import oauthlib"),
        ("resources/authentication.py", "from resources.notes.models import Note"),
        ("resources/local_users.py", "from resources.user_links.models import UserLink"),
    ],
)
def test_a_wrong_import_is_caught(path: str, line: str) -> None:
    assert any(forbidden(path, module) for _, module in imports(line))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("project/urls/issuer.py", "import tokens.urls"),
        ("resources/notes/views.py", "from resources.permissions import HasScopes"),
        ("resources/keyset.py", "from collections.abc import Callable"),
        ("resources/user_links/models.py", "from resources.user_links import apps"),
        ("resources/permissions.py", "from rest_framework.permissions import BasePermission"),
    ],
)
def test_a_right_import_is_not_caught(path: str, line: str) -> None:
    assert not any(forbidden(path, module) for _, module in imports(line))


def test_a_clock_read_is_seen() -> None:
    assert list(clock_reads("from django.utils import timezone\nnow = timezone.now()")) == [2]

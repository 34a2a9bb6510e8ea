"""No variable, parameter or function has a name that says nothing about it: `one`, `found`, `known`, `told`, `asked`.

Such a name is read twice: first for what it could be, then in the code that sets it.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.source_trees import ROOT, tree, walk

FOLDERS = ("keyturn_issuer", "tokens", "resources", "project", "examples", "bench", "tests")
VAGUE = {"one", "found", "known", "told", "asked"}


def bindings(parsed: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each variable, parameter, function and class that the tree defines."""
    for node in walk(parsed):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name


def vague_names(parsed: ast.AST) -> list[tuple[int, str]]:
    """Return the line and the name of each binding whose name is vague."""
    return [(line, name) for line, name in bindings(parsed) if name.strip("_").lower() in VAGUE]


def test_each_name_says_what_the_object_is() -> None:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(paths) > 1000
    vague = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in paths
        if not {"migrations", "node_modules"} & {*path.parts}
        for line, name in vague_names(tree(path))
    ]
    assert vague == [], "name each of these by what it is, such as `client`, `row` or `problems`"


@pytest.mark.parametrize(
    "source",
    [
        "one = 1",
        "for known in rows: pass",
        "def check(asked): pass",
        "def told(): pass",
        "if found := rows: pass",
        "with lock as _one: pass",
        "rows = [one for one in rows]",
        "FOUND = {}",
        "first, (one, other) = rows",
        "check = lambda asked: True",
    ],
)
def test_a_vague_name_is_found(source: str) -> None:
    assert [line for line, _ in vague_names(ast.parse(source))] == [1]


def test_other_names_are_not_found() -> None:
    assert vague_names(ast.parse("client_found = check(one=1, known=rows.found)\nimport one")) == []

"""The syntax trees of the source, and the imports that they contain. Tests of the structure share them.

- Each module of the issuer, the resource server and the wiring is parsed once in a process, and walked once.
- Relative imports are replaced by absolute ones.
- A call such as `import_module("tokens.views")` is an import of the module that its literal names.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path, PurePosixPath
from typing import TypeVar

Result = TypeVar("Result")

ROOT = Path(__file__).resolve().parent.parent
LOADERS = frozenset({"import_module", "__import__", "import_string", "cached_import", "resolve_name", "run_module"})
"""Functions of Python and Django that import the module, or the object in a module, that their first argument names."""
PACKAGE = "package"
"""The attribute of a tree that `absolute` makes, with the parts of the name of the package in which the source is."""
PACKAGES = ("tokens", "resources", "project")


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file, in which relative imports are replaced by absolute ones."""
    return absolute(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


def once_per_tree(function: Callable[[ast.AST], Result]) -> Callable[[ast.AST], Result]:
    """Return a function that computes the result for a syntax tree once, and keeps it as long as the tree."""
    name = f"_{function.__name__}"

    @wraps(function)
    def kept(parsed: ast.AST) -> Result:
        if not hasattr(parsed, name):
            setattr(parsed, name, function(parsed))
        return getattr(parsed, name)

    return kept


@once_per_tree
def walk(parsed: ast.AST) -> tuple[ast.AST, ...]:
    """Return the nodes of a syntax tree in the order of `ast.walk`, in half of its time."""
    nodes = [parsed]
    for node in nodes:  # the list grows
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                nodes.append(value)
            elif isinstance(value, list):
                nodes += [item for item in value if isinstance(item, ast.AST)]
    return tuple(nodes)


def absolute(source: str, path: str) -> ast.Module:
    """Return the syntax tree of `source`, in which each relative import is replaced by the equivalent absolute import.

    `path` is the path of the source, relative to the project. An import from above the top package becomes an import of
    a top-level package.
    """
    parsed = ast.parse(source)
    package = PurePosixPath(path).parent.parts
    setattr(parsed, PACKAGE, package)
    for node in walk(parsed):
        if isinstance(node, ast.ImportFrom) and node.level:
            node.module, node.level = above(package, node.level, node.module), 0
    return parsed


def above(package: tuple[str, ...], level: int, module: str | None) -> str:
    """Return the absolute name of `module` in a relative import with `level` dots, inside of `package`."""
    return ".".join([*package[: max(len(package) - level + 1, 0)], *filter(None, [module])])


def arguments(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of a call in order, with those that are given by keyword last."""
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def last_name(function: ast.expr) -> str:
    """Return the last name of a function's dotted name: "open" for `path.open`, "" for an expression without a name."""
    return getattr(function, "attr", None) or getattr(function, "id", "")


def dotted(node: ast.AST) -> str:
    """Return the dotted name of an expression such as `timezone.now`, or "" for any other expression."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def origins(parsed: ast.Module) -> dict[str, str]:
    """Return the qualified name of each imported name, by the name that the module uses for it."""
    names: dict[str, str] = {}
    for node in walk(parsed):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def literal(node: ast.expr, constants: dict[str, str]) -> tuple[str, bool]:
    """Return the literal text with which an expression begins, and True if that is the whole text.

    An f-string, a sum, and a text with `%` or `.format` count up to the first value that is filled in. `constants` has
    the texts of names.
    """
    match node:
        case ast.Constant(value=str(text)):
            return text, True
        case ast.Name(id=name) if name in constants:
            return constants[name], True
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *rest]):
            return text, not rest
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            (first, is_whole), (second, is_end) = literal(left, constants), literal(right, constants)
            return (first + second, is_end) if is_whole else (first, False)
        case ast.BinOp(left=left, op=ast.Mod()):
            return literal(left, constants)[0].partition("%")[0], False
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return literal(value, constants)[0].partition("{")[0], False
    return "", False


@once_per_tree
def loaded(parsed: ast.Module) -> list[tuple[int, str]]:
    """Return the line and the dotted name of each import by a function of LOADERS whose argument begins with a literal.

    The name can be that of an object in a module. If only the name's beginning is a literal, its last complete package
    is returned, and `PACKAGE.*` if that is a top-level package.
    """
    names = origins(parsed)
    constants = {
        target.id: node.value.value
        for node in parsed.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    calls = [node for node in walk(parsed) if isinstance(node, ast.Call) and arguments(node)]
    return [
        (call.lineno, name)
        for call in calls
        if (last := last_name(call.func)) and names.get(last, last).rpartition(".")[2] in LOADERS
        if (name := _module(arguments(call), constants, getattr(parsed, PACKAGE, ())))
    ]


def _module(given: list[ast.expr], constants: dict[str, str], package: tuple[str, ...]) -> str:
    """Return the dotted name that the first argument begins with, or "" if it begins with a variable.

    A relative name is of the package in the second argument, or of `package`, in which the call is.
    """
    text, is_whole = literal(given[0], constants)
    name = text.replace(":", ".")
    if dots := re.match(r"\.+", name):
        base, is_named = literal(given[1], constants) if len(given) > 1 else ("", False)
        name = above(
            tuple(base.split(".")) if is_named else package, len(dots[0]), name[dots.end() :] or "." * (not is_whole)
        )
    if is_whole:
        return name
    parent = name.rpartition(".")[0].rstrip(".")
    return parent if "." in parent or not parent else f"{parent}.*"


def within(module: str, *packages: str) -> bool:
    """Return True if the module is one of the packages, or is inside one of them."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def modules(*packages: str) -> dict[str, Path]:
    """Return the path of every module of the packages, by dotted name."""
    paths = {}
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            paths[name.removesuffix(".__init__")] = path
    return paths


MODULES = modules(*PACKAGES)


def module_of(name: str) -> str:
    """Return the module of MODULES in which the object `name` is, or `name` itself if it is in no such module."""
    prefix = name
    while prefix and prefix not in MODULES:
        prefix = prefix.rpartition(".")[0]
    return prefix if "." in prefix else name


@once_per_tree
def imports(parsed: ast.Module) -> list[tuple[int, str]]:
    """Return the line and the module of each import, including imports in functions and those of `loaded`.

    A `from` import of a module that is not in MODULES yields both the module and the module with the imported name. The
    name can be a module, too.
    """
    names = [(line, module_of(name)) for line, name in loaded(parsed)]
    for node in walk(parsed):
        if isinstance(node, ast.Import):
            names += ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names += ((node.lineno, name) for alias in node.names for name in _imported(node.module or "", alias.name))
    return names


def _imported(module: str, name: str) -> Iterator[str]:
    full = f"{module}.{name}"
    if full not in MODULES:
        yield module
    # A foreign name can be a module too: `from urllib import request`.
    if full in MODULES or module not in MODULES:
        yield full

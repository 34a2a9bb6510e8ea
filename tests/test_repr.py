"""No secret or token is in the `repr` of a dataclass, so that none is in a log, a traceback or a failed assertion."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECRET = re.compile(
    r"(?:.*_)?(?:secrets?|passwords?|pins?|tokens?|assertions?|proofs?|signature|encryption_keys|private|raw)"
)
VALUES = {"str", "bytes", "str | None", "bytes | None", "tuple[str, ...]", "frozenset[str]", "Sequence[str]"}
"""The types of fields that can hold secrets as text."""
PUBLIC = {
    ("resources/conf.py", "ResourceServer", "denied_tokens"): "the `jti` of each token",
    ("resources/refusals.py", "Refusals", "tokens"): "the `jti` of each token",
    ("tokens/inspection/report.py", "Inspection", "signature"): "the result of the verification",
    ("tokens/revoking/after_restore.py", "Restored", "initial_tokens"): "notes and last characters",
    ("tokens/revoking/after_restore.py", "Restored", "passwords"): "names of users",
    ("tokens/revoking/after_restore.py", "Restored", "secrets"): "client IDs and last characters",
    ("tokens/settings/issuer.py", "Pkcs11Settings", "token"): "the label of a PKCS#11 token",
}
"""Fields with the name of a secret and another content, each with its content."""


def fields(source: str) -> Iterator[tuple[str, str, bool]]:
    """Yield a tuple for each dataclass field whose name looks like that of a secret.

    The tuple has the class, the name of the field, and True if the field is in the `repr`.
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ClassDef) or not any("dataclass" in ast.unparse(d) for d in node.decorator_list):
            continue
        if any("repr=False" in ast.unparse(decorator) for decorator in node.decorator_list):
            continue
        for line in node.body:
            if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
                continue
            if SECRET.fullmatch(line.target.id) and ast.unparse(line.annotation) in VALUES:
                yield node.name, line.target.id, "repr=False" not in ast.unparse(line.value or ast.Constant(None))


def shown() -> list[tuple[str, str, str]]:
    return [
        (str(path.relative_to(ROOT)), owner, name)
        for room in ("tokens", "resources", "project")
        for path in sorted((ROOT / room).rglob("*.py"))
        for owner, name, is_shown in fields(path.read_text())
        if is_shown
    ]


def test_the_repr_of_a_dataclass_has_no_secret() -> None:
    assert sorted(set(shown()) - PUBLIC.keys()) == []


def test_no_exception_is_stale() -> None:
    assert PUBLIC.keys() <= set(shown())


@pytest.mark.parametrize(
    ("line", "is_shown"),
    [("secret: str", True), ("client_secret: str | None = None", True), ("pin: str = field(repr=False)", False)],
)
def test_the_rule_reads_each_form_of_a_field(line: str, is_shown: bool) -> None:
    assert [found for *_, found in fields(f"@dataclass(frozen=True)\nclass A:\n    {line}\n")] == [is_shown]

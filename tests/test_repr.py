"""No secret or token is in the `repr` of a dataclass, so that none is in a log, a traceback or a failed assertion."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.source_trees import ROOT, tree, walk

SECRET = re.compile(
    r"(?:.*_)?(?:secrets?|passwords?|pins?|tokens?|assertions?|proofs?|signature|credentials|encryption_keys|private|raw)"
)
VALUES = {
    *("str", "bytes", "str | None", "bytes | None"),
    *("tuple[str, ...]", "tuple[bytes, ...]", "frozenset[str]", "Sequence[str]", "Mapping[str, str]"),
}
"""The types of fields that can hold secrets as text."""
OTHERS = {
    ("tokens/issued/access_token.py", "Minted", "text"),
    ("tokens/handover/toolkit_rows.py", "ToolkitToken", "text"),
    ("tokens/registration/demo.py", "DemoCredentials", "values"),
    ("tokens/registration/demo.py", "DemoCredentials", "generated"),
    ("resources/dpop/nonce.py", "Nonces", "keys"),
    ("tokens/views/request_store.py", "SentRequest", "key"),
    ("tokens/views/request_store.py", "StoredRequest", "key"),
}
"""Fields with a secret whose name does not say so."""
PUBLIC = {
    ("resources/conf.py", "ResourceServer", "denied_tokens"): "the `jti` of each token",
    ("resources/revocations/refusals.py", "Refusals", "tokens"): "the `jti` of each token",
    ("tokens/checks/fapi2_configuration.py", "Configuration", "id_tokens"): "the key ring of each client",
    ("tokens/inspection/report.py", "Inspection", "signature"): "the result of the verification",
    ("tokens/revoking/after_restore.py", "Restored", "initial_tokens"): "notes and last characters",
    ("tokens/revoking/after_restore.py", "Restored", "passwords"): "names of users",
    ("tokens/revoking/after_restore.py", "Restored", "secrets"): "client IDs and last characters",
    ("tokens/settings/issuer.py", "Pkcs11Settings", "token"): "the label of a PKCS#11 token",
}
"""Fields with the name of a secret and another content, each with its content."""


def fields(parsed: ast.Module, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Yield a tuple for each dataclass field that is in OTHERS, or whose name looks like that of a secret.

    The tuple has the class, the name of the field, and True if the field is in the `repr`. `path` is the path of the
    parsed file.
    """
    for node in walk(parsed):
        if not isinstance(node, ast.ClassDef) or not any("dataclass" in ast.unparse(d) for d in node.decorator_list):
            continue
        if any("repr=False" in ast.unparse(decorator) for decorator in node.decorator_list):
            continue
        for line in node.body:
            if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
                continue
            is_named = SECRET.fullmatch(line.target.id) and ast.unparse(line.annotation) in VALUES
            if is_named or (path, node.name, line.target.id) in OTHERS:
                yield node.name, line.target.id, "repr=False" not in ast.unparse(line.value or ast.Constant(None))


def examined() -> dict[tuple[str, str, str], bool]:
    """Return each field of `tokens`, `resources` and `project` that can be a secret, and True if a `repr` has it."""
    return {
        (str(path.relative_to(ROOT)), owner, name): is_shown
        for room in ("tokens", "resources", "project")
        for path in sorted((ROOT / room).rglob("*.py"))
        for owner, name, is_shown in fields(tree(path), str(path.relative_to(ROOT)))
    }


def test_the_repr_of_a_dataclass_has_no_secret() -> None:
    shown = {name for name, is_shown in examined().items() if is_shown}
    assert sorted(shown - PUBLIC.keys()) == []
    assert shown >= PUBLIC.keys(), "an exception is stale"
    assert examined().keys() >= OTHERS, "a field was renamed or moved"


@pytest.mark.parametrize(
    ("line", "is_shown"),
    [("secret: str", True), ("client_secret: str | None = None", True), ("pin: str = field(repr=False)", False)],
)
def test_the_rule_reads_each_form_of_a_field(line: str, is_shown: bool) -> None:
    assert [shown for *_, shown in fields(ast.parse(f"@dataclass(frozen=True)\nclass A:\n    {line}\n"))] == [is_shown]

"""Writes the tables of docs/certification.md: python -m tests.conformance.table.

A row is a module of a plan: its id, what it asserts (the first sentence of our test's docstring), and our test.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "certification.md"
BASIC = (
    *("server", "response-type-missing", "userinfo-get", "userinfo-post-header", "userinfo-post-body"),
    "ensure-request-without-nonce-succeeds-for-code-flow",
    *("scope-profile", "scope-email", "scope-address", "scope-phone", "scope-all"),
    *("ensure-other-scope-order-succeeds", "display-page", "display-popup", "prompt-login"),
    *("prompt-none-not-logged-in", "prompt-none-logged-in", "max-age-1", "max-age-10000"),
    *("ensure-request-with-unknown-parameter-succeeds", "id-token-hint", "login-hint", "ui-locales", "claims-locales"),
    *("ensure-request-with-acr-values-succeeds", "codereuse", "codereuse-30seconds"),
    *("ensure-registered-redirect-uri", "ensure-post-request-succeeds", "server-client-secret-post"),
    "unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    *("claims-essential", "ensure-request-object-with-redirect-uri", "refresh-token"),
    "ensure-request-with-valid-pkce-succeeds",
)
LOGOUT = (
    *("discovery-endpoint-verification", "", "bad-post-logout-redirect-uri", "modified-id-token-hint"),
    *("no-id-token-hint", "no-params", "no-post-logout-redirect-uri", "no-state", "only-state"),
    *("query-added-to-post-logout-redirect-uri", "bad-id-token-hint"),
)
SHARED = {
    "display-page": "display", "display-popup": "display", "no-params": "question", "only-state": "question",
    "modified-id-token-hint": "id-token-hint", "bad-id-token-hint": "id-token-hint",
}  # fmt: skip
"""Modules that share a test with others, by the end of its name."""

Row = tuple[str, str]
PLANS: Mapping[str, tuple[str, tuple[Row, ...]]] = {
    "Config OP": ("test_config.py", (("oidcc-discovery-endpoint-verification", "discovery-endpoint-verification"),)),
    "Basic OP and Form Post OP": ("test_basic.py", tuple((f"oidcc-{name}", SHARED.get(name, name)) for name in BASIC)),
    "RP-Initiated Logout OP": (
        "test_logout.py",
        tuple(
            ("-".join(filter(None, ["oidcc-rp-initiated-logout", name])),
             "-".join(filter(None, ["rp-initiated-logout", SHARED.get(name, name)])))
            for name in LOGOUT
        ),
    ),
}  # fmt: skip
"""By plan: the file of its tests, and each module with the end of its test's name."""


def docstrings(file: str) -> dict[str, str]:
    """Return the docstring of each test of a file, by its name."""
    parsed = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {
        node.name: " ".join((ast.get_docstring(node) or "").split())
        for node in parsed.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def rows(file: str, modules: tuple[Row, ...]) -> Iterator[str]:
    """Yield the rows of a plan. Raises KeyError if a module has no test."""
    said = docstrings(file)
    for module, name in modules:
        test = f"test_oidcc_{name.replace('-', '_')}"
        asserted = said[test].partition(": ")[2] if said[test].startswith("oidcc-") else said[test]
        yield f"| `{module}` | {asserted} | `{file}`, `{test.removeprefix('test_')}` |"


def tables() -> str:
    """Return the tables of all plans."""
    parts = []
    for plan, (file, modules) in PLANS.items():
        head = f"### {plan}: {len(modules)} module{'s' if len(modules) > 1 else ''}"
        parts += [head, "", "| module | what it asserts | test |", "|---|---|---|", *rows(file, modules), ""]
    return "\n".join(parts)


START, END = "<!-- The tables are written by tests.conformance.table. -->\n", "<!-- End of the tables. -->\n"


def page() -> str:
    """Return the page with the tables of the tests."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    return f"{before}{START}\n{tables()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

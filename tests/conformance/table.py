"""Writes the tables of docs/certification.md: `python -m tests.conformance.table`.

Each row is a module of a plan: its id, what it asserts (the docstring of our test), our test, and the result that the
certification suite is expected to give.
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
FAPI = "fapi2-security-profile-final"
FAPI2 = (
    *("discovery-end-point-verification", "happy-flow", "user-rejects-authentication"),
    "ensure-authorization-request-without-state-success",
    "ensure-authorization-request-without-nonce-success",
    "ensure-authorization-request-with-64-char-nonce-success",
    *("ensure-other-scope-order-succeeds", "test-claims-parameter-identity-claims"),
    *("access-token-type-header-case-sensitivity", "check-dpop-proof-nbf-exp"),
    "ensure-dpopproof-with-iat-10seconds-before-succeeds",
    "ensure-dpopproof-with-iat-10seconds-after-succeeds",
    "ensure-mismatched-dpop-jkt-fails",
    "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt",
    "ensure-token-endpoint-fails-with-mismatched-dpop-jkt",
    "ensure-dpopproof-at-par-endpoint-binding-success",
    "ensure-dpop-auth-code-binding-success",
    "ensure-different-nonce-inside-and-outside-request-object",
    "ensure-different-state-inside-and-outside-request-object",
    *("ensure-authorization-request-with-long-nonce", "ensure-authorization-request-with-long-state"),
    *("state-only-outside-request-object-not-used", "ensure-request-object-without-redirect-uri-fails"),
    "plain-fapi-tolerate-unregistered-redirect-uri",
    "ensure-unsigned-authorization-request-without-using-par-fails",
    "ensure-redirect-uri-in-authorization-request",
    *("ensure-response-type-code-idtoken-fails", "ensure-response-type-token-fails"),
    *("ensure-client-id-in-token-endpoint", "ensure-holder-of-key-required"),
    "ensure-authorization-code-is-bound-to-client",
    "attempt-reuse-authorization-code-after-one-second",
    "ensure-token-endpoint-fails-with-expired-auth-code",
    "ensure-signed-client-assertion-with-RS256-fails",
    "ensure-client-assertion-in-token-endpoint",
    "ensure-client-assertion-with-exp-is-5-minutes-in-past-fails",
    *("ensure-client-assertion-with-wrong-aud-fails", "ensure-client-assertion-with-no-sub-fails"),
    *("dpop-negative-tests", "refresh-token"),
    "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds",
    *("par-attempt-reuse-request_uri", "par-attempt-to-use-expired-request_uri"),
    "par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted",
    "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails",
    "par-attempt-to-use-request_uri-for-different-client",
    "par-authorization-request-containing-request_uri-form-param",
    *("par-attempt-invalid-http-method", "par-ensure-pkce-required", "ensure-pkce-code-verifier-required"),
    *("incorrect-pkce-code-verifier-rejected", "par-plain-pkce-rejected", "par-without-duplicate-parameters"),
    *("par-test-array-as-audience-fails", "par-test-par-endpoint-url-as-audience-fails"),
    "par-test-token-endpoint-url-as-audience-fails",
)
"""The modules of the plan without another profile (Open Banking and the like), mTLS and grant management."""

SHARED = {
    "display-page": "display", "display-popup": "display", "no-params": "question", "only-state": "question",
    "modified-id-token-hint": "id-token-hint", "bad-id-token-hint": "id-token-hint",
}  # fmt: skip
"""Modules that share a test with others, by the end of its name."""

EXPECTED = {
    **dict.fromkeys(
        (
            *("prompt-login", "max-age-1", "response-type-missing", "ensure-registered-redirect-uri"),
            "ensure-request-object-with-redirect-uri",
            *("bad-post-logout-redirect-uri", "query-added-to-post-logout-redirect-uri", "modified-id-token-hint"),
            *("bad-id-token-hint", "no-id-token-hint", "no-params", "only-state", "no-post-logout-redirect-uri"),
            "ensure-unsigned-authorization-request-without-using-par-fails",
            *("par-attempt-to-use-expired-request_uri", "par-attempt-to-use-request_uri-for-different-client"),
        ),
        "REVIEW",
    ),
    "unsigned-request-object-supported-correctly-or-rejected-as-unsupported": "SKIPPED",
    "par-attempt-reuse-request_uri": "WARNING",
    "attempt-reuse-authorization-code-after-one-second": "WARNING",
}
"""The results other than PASSED, by the end of the module's id. docs/certification.md says why."""

Row = tuple[str, str]
PLANS: Mapping[str, tuple[tuple[str, ...], tuple[Row, ...]]] = {
    "Config OP": (
        ("test_config.py",), (("oidcc-discovery-endpoint-verification", "oidcc-discovery-endpoint-verification"),)
    ),
    "Basic OP and Form Post OP": (
        ("test_basic.py",), tuple((f"oidcc-{name}", f"oidcc-{SHARED.get(name, name)}") for name in BASIC)
    ),
    "RP-Initiated Logout OP": (
        ("test_logout.py",),
        tuple(
            ("-".join(filter(None, ["oidcc-rp-initiated-logout", name])),
             "-".join(filter(None, ["oidcc-rp-initiated-logout", SHARED.get(name, name)])))
            for name in LOGOUT
        ),
    ),
    "Back-Channel Logout OP": (
        ("test_backchannel.py",),
        tuple(
            (name, name)
            for name in ("oidcc-backchannel-logout-discovery-endpoint-verification",
                         "oidcc-backchannel-rp-initiated-logout")
        ),
    ),
    "FAPI 2.0 Security Profile": (
        ("test_fapi2.py", "test_fapi2_tokens.py"), tuple((f"{FAPI}-{name}", f"fapi2-{name}") for name in FAPI2)
    ),
}  # fmt: skip
"""By plan: the files of its tests, and each module with the name of its test."""


def docstrings(file: str) -> dict[str, str]:
    """Return the docstring of each test in the test module `file`, by the name of the test."""
    parsed = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {
        node.name: " ".join((ast.get_docstring(node) or "").split())
        for node in parsed.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def rows(files: tuple[str, ...], modules: tuple[Row, ...]) -> Iterator[str]:
    """Yield the table rows of a plan. Raises KeyError if a module of the plan has no test.

    `files` are the names of the plan's test files. `modules` has the id of each module and the name of its test.
    """
    said = {test: (file, text) for file in files for test, text in docstrings(file).items()}
    for module, name in modules:
        test = f"test_{name.replace('-', '_')}"
        file, text = said[test]
        asserted = text.partition(": ")[2] if text.startswith("oidcc-") else text
        yield f"| `{module}` | {asserted} | `{file}`, `{test.removeprefix('test_')}` | {expected(module)} |"


def expected(module: str) -> str:
    """Return the result that the suite is expected to give for a module."""
    return next((result for end, result in EXPECTED.items() if module.endswith(f"-{end}")), "PASSED")


def tables() -> str:
    """Return the Markdown tables of all certification plans."""
    parts = []
    for plan, (files, modules) in PLANS.items():
        head = f"### {plan}: {len(modules)} module{'s' if len(modules) > 1 else ''}"
        parts += [
            head,
            "",
            "| module | what it asserts | test | expected |",
            "|---|---|---|---|",
            *rows(files, modules),
            "",
        ]
    return "\n".join(parts)


START, END = "<!-- The tables are written by tests.conformance.table. -->\n", "<!-- End of the tables. -->\n"


def page() -> str:
    """Return the text of docs/certification.md, with new tables."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    return f"{before}{START}\n{tables()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

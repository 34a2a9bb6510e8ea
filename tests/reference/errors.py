"""The documentation page about the errors of issuer and API, made from the code that raises them."""

import ast
from collections.abc import Iterator

from resources.errors import ProofReason, Reason
from tests.reference.markdown import MADE, angles, table
from tests.reference.settings import ROOT
from tests.source_trees import tree, walk

CODES = (
    "invalid_ unsupported_ unauthorized_ access_ login_ consent_ interaction_ server_ temporarily_ use_ slow_ expired_"
)
STARTS = (*CODES.split(), "authorization_pending", "insufficient_", "unmet_", "request_", "account_")
HEAD = f"""# Errors

{MADE}

[grants.md](../grants.md#errors-that-one-meets-first) explains those that one meets first.

## The issuer

The JSON has `error` and `error_description` (RFC 6749 section 5.2), or the answer to the redirect URI has them. A …
stands for what the code fills in.

"""
AT_AN_API = """
## An API refuses a token

401 with `WWW-Authenticate: Bearer error="invalid_token"`. If the keys or the feed cannot be had, the answer is 503.

"""
AT_A_PROOF = """
## An API refuses a DPoP proof

401 with `WWW-Authenticate: DPoP error="invalid_dpop_proof"`.

"""


def subclasses() -> dict[str, str]:
    """Return the first paragraph of the docstring of each subclass of OAuthError in the issuer, by class name."""
    names, summaries = {"OAuthError"}, {}
    paths = sorted((ROOT / "tokens").rglob("*.py"))
    classes = [node for path in paths for node in walk(tree(path)) if isinstance(node, ast.ClassDef)]
    for _ in range(5):  # a subclass of a subclass of …
        for node in classes:
            bases = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
            if bases & names and node.name not in names:
                names.add(node.name)
                summaries[node.name] = (ast.get_docstring(node) or "").partition("\n\n")[0]
    return summaries


def calls() -> Iterator[tuple[str, str, int, str]]:
    """Yield the code, the description, the HTTP status and the module of each error that the issuer raises."""
    for path in sorted((ROOT / "tokens").rglob("*.py")):
        for node in walk(tree(path)):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            if getattr(node.func, "id", getattr(node.func, "attr", "")) not in {"OAuthError", "__init__"}:
                continue
            error, description = node.args[0], node.args[1]
            if not isinstance(error, ast.Constant) or not str(error.value).startswith(STARTS):
                continue
            status = next((keyword.value for keyword in node.keywords if keyword.arg == "status"), None)
            code = status.value if isinstance(status, ast.Constant) else 400
            yield str(error.value), text_of(description), int(str(code)), path.relative_to(ROOT).as_posix()


def text_of(node: ast.expr) -> str:
    """Return the text of a literal or f-string in the code. Each placeholder of an f-string becomes "…"."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(value.value) if isinstance(value, ast.Constant) else "…" for value in node.values)
    return "…"


def page() -> str:
    """Return the documentation page about the errors, in Markdown."""
    issuer = sorted({(f"`{code}`", str(status), angles(text), f"`{module}`") for code, text, status, module in calls()})
    kinds = [(f"`{name}`", angles(text)) for name, text in sorted(subclasses().items())]
    reasons = [(f"`{reason.name}`", reason.value) for reason in Reason]
    proofs = [(f"`{reason.name}`", reason.value) for reason in ProofReason]
    return "".join(
        (
            HEAD,
            table(("error", "status", "error_description", "module"), issuer),
            "\nExceptions with a meaning of their own:\n\n",
            table(("exception", "meaning"), kinds),
            AT_AN_API,
            table(("reason", "error_description"), reasons),
            AT_A_PROOF,
            table(("reason", "error_description"), proofs),
        )
    )

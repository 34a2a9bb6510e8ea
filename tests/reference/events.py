"""The documentation page about the events of the audit trail, made from the code that records them."""

import ast
import re
from collections import defaultdict

from django.contrib import admin

from tests.reference.markdown import MADE, table
from tests.reference.settings import ROOT
from tests.source_trees import tree, walk

HEAD = f"""# Audit events

{MADE}

Each is a JSON line of the logger `tokens.audit`. Rare ones are rows of the audit trail as well ([admin.md](../admin.md)
and the command `audit`). A line has `at`, `action`, `actor`, `subject` and `details`, and no token or secret.

"""
EVENT = re.compile(r"[a-z]+(?:_[a-z]+)*\.(?:[a-z]+_)*[a-z]+")
NO_EVENTS = {
    *("export.csv", "foreign.invalid", "manage.py", "tokens.audit", "tokens.hashing"),
    *("tokens.add_client", "tokens.change_api", "tokens.change_logoutmessage", "tokens.change_usergrant"),
    *("tokens.grant_jwt_bearer", "tokens.grant_token_exchange", "tokens.redirect_anywhere"),
    *("tokens.register_first_party", "tokens.revoke_key", "tokens.rotate_key", "tokens.view_auditevent"),
    *("tokens.view_ring", "tokens.view_signingkey"),
}
"""Texts of this form that name something else: permissions, loggers, files, a host."""
DONE = ("created", "changed", "deleted")
"""What the admin records of each thing that it can add, change and delete."""
TEMPLATES = {
    "exchange_policy.{}": [f"exchange_policy.{done}" for done in DONE],
    "{}.{}": [],  # the admin's, by `noun`
}


def admin_events() -> set[str]:
    """Return the events that the admin records. The name of each event begins with the noun of its admin page."""
    names = set()
    for page in admin.site._registry.values():
        if noun := getattr(page, "noun", ""):
            names |= {f"{noun}.{done}" for done in DONE}
    return names


def events() -> dict[str, set[str]]:
    """Return the modules that record each event, by the name of the event.

    Raises LookupError if a module makes the name of an event with an f-string that is not in TEMPLATES.
    """
    modules: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tokens").rglob("*.py")):
        if "migrations" in path.parts:
            continue
        module = path.relative_to(ROOT).as_posix()
        parsed = tree(path)
        for event in _admin_pages(parsed) if module.startswith("tokens/admin/") else ():
            modules[event].add(module)
        for node in walk(parsed):
            for event in _literals(node):
                modules[event].add(module)
            for template in _templates(node):
                if template not in TEMPLATES:
                    raise LookupError(
                        f"{module} records {template!r}: add it to TEMPLATES in tests/reference/events.py."
                    )
                for event in TEMPLATES[template]:
                    modules[event].add(module)
    for event in admin_events():
        modules[event].add("tokens/admin/")
    return dict(modules)


def _literals(node: ast.AST) -> list[str]:
    """Return the names of audit events that are string literals in a call or an assignment."""
    if isinstance(node, ast.Call):
        values = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in {"action", "refused"})]
    elif isinstance(node, ast.Assign):
        values = [*node.value.elts] if isinstance(node.value, ast.Tuple) else [node.value]
    else:
        return []
    texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return [text for text in texts if EVENT.fullmatch(text) and text not in NO_EVENTS]


def _admin_pages(parsed: ast.Module) -> set[str]:
    """Return the events that a module of the admin records with `self.record(request, word, …)`.

    The name of such an event is `noun.word`, in which `noun` is an attribute of the admin page.
    """
    nouns, done = [], []
    for node in walk(parsed):
        if (
            isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", "") == "noun"
            and isinstance(node.value, ast.Constant)
        ):
            nouns.append(str(node.value.value))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "record" and len(node.args) > 1:
            word = node.args[1]
            if isinstance(word, ast.Constant) and "." not in str(word.value):
                done.append(str(word.value))
    return {f"{noun}.{word}" for noun in nouns for word in done}


def _templates(node: ast.AST) -> list[str]:
    """Return the f-strings that are the first argument of `record` or `log`.

    Each placeholder of an f-string becomes {}.
    """
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.JoinedStr):
        return []
    if getattr(node.func, "id", getattr(node.func, "attr", "")) not in {"record", "log"}:
        return []
    return ["".join(str(value.value) if isinstance(value, ast.Constant) else "{}" for value in node.args[0].values)]


def page() -> str:
    """Return the documentation page about the audit events, in Markdown."""
    rows = [
        (f"`{event}`", ", ".join(f"`{module}`" for module in sorted(modules)))
        for event, modules in sorted(events().items())
    ]
    return HEAD + table(("event", "recorded by"), rows)

"""The documentation page about the settings.

It is made from the environment variables in .env.example, and from the defaults of RESOURCE_SERVER and ISSUER.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.reference.markdown import MADE, angles, table

ROOT = Path(__file__).resolve().parent.parent.parent
HEAD = f"""# Settings

{MADE}

## Variables of the environment

`NAME_FILE=/path` reads any of them from a file ([deploy.md](../deploy.md#secrets)). The value is that of
`.env.example`: the default, or an example if the variable is required.
"""
VARIABLE = re.compile(r"^([A-Z0-9_]+)=(.*)$")
ENTRY = re.compile(r'^    "([A-Z0-9_]+)": (.+?),(?:  # (.+))?$')


def sections() -> dict[str, list[tuple[str, str, str]]]:
    """Return the variables of .env.example, by section. A variable is a tuple of name, value and description."""
    by_title: dict[str, list[tuple[str, str, str]]] = {}
    rows, comment, fresh = by_title.setdefault("every process", []), "", False
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        if title := re.fullmatch(r"# --- (.+) ---", line):
            rows, comment = by_title.setdefault(title[1], []), ""
        elif line.startswith("#"):
            comment = f"{'' if fresh else comment} {line[1:].strip()}"
            fresh = False
        elif variable := VARIABLE.match(line):
            rows.append((variable[1], variable[2], comment.strip()))
            fresh = True  # variables below one comment share it
        else:
            comment = ""
    return by_title


def entries(path: str, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield each entry of the dictionary `name` in the Python file `path`: its name, its default, and its comment.

    The comment is above or beside the entry. It is empty if the entry has none of its own.
    """
    text = (ROOT / path).read_text(encoding="utf-8")
    body = text.partition(f"\n{name}: dict[str, Any] = {{\n")[2].partition("\n}")[0]
    comment = ""
    for line in body.splitlines():
        if line.startswith("    #"):
            comment = f"{comment} {line.strip()[1:].strip()}"
            continue
        if entry := ENTRY.match(line):
            yield entry[1], entry[2], entry[3] or comment.strip()
        comment = ""


def page() -> str:
    """Return the documentation page about the settings, in Markdown."""
    parts = [HEAD]
    for title, rows in sections().items():
        head = ("variable", "value", "meaning")
        lines = [(f"`{name}`", f"`{value}`" if value else "", angles(text)) for name, value, text in rows]
        parts.append(f"\n### {title[0].upper()}{title[1:]}\n\n{table(head, lines)}")
    for title, path, name in (
        ("RESOURCE_SERVER", API_DEFAULTS, "DEFAULTS"),
        ("RESOURCE_SERVER: an entry of ISSUERS", API_DEFAULTS, "ISSUER_DEFAULTS"),
        ("RESOURCE_SERVER: LOCAL_USERS", API_DEFAULTS, "LOCAL_USERS_DEFAULTS"),
        ("ISSUER", "tokens/settings/defaults.py", "DEFAULTS"),
    ):
        rows = [(f"`{entry}`", f"`{default}`", angles(text)) for entry, default, text in entries(path, name)]
        parts.append(f"\n## {title}\n\n{INTRODUCTIONS[path, name]}\n\n{table(('entry', 'default', 'meaning'), rows)}")
    return "".join(parts)


API_DEFAULTS = "resources/settings/defaults.py"
INTRODUCTIONS = {
    (API_DEFAULTS, "DEFAULTS"): "Entries of `RESOURCE_SERVER` in the Django settings of your API"
    " ([resource-server.md](../resource-server.md)).",
    (API_DEFAULTS, "ISSUER_DEFAULTS"): "Entries for one issuer, if `ISSUERS` has a dictionary for it.",
    (API_DEFAULTS, "LOCAL_USERS_DEFAULTS"): "Entries that make `request.user` a user of your project.",
    ("tokens/settings/defaults.py", "DEFAULTS"): "Entries of `ISSUER` in the issuer's settings."
    " `project/settings/issuer.py` fills them from the variables above.",
}

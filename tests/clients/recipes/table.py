"""The table in docs/clients/README.md: the steps that each client completed in the last run of the tests.

python -m tests.clients.recipes.table           writes the table
python -m tests.clients.recipes.table --check   exits with 1 if the page has a different table
"""

import json
import re
import sys

from tests.clients.recipes import environments, pages
from tests.clients.recipes.steps import STEPS

README = pages.FOLDER / "README.md"
START, END = "<!-- The table is written by tests.clients.recipes.table. -->\n", "<!-- End of the table. -->\n"
# The package of each page: its name in an environment of Python, or in hosts/node.
PACKAGES = {
    "allauth": ("django", "django-allauth"),
    "authjs": ("node", "@auth/express"),
    "authlib": ("django", "authlib"),
    "express-openid-connect": ("node", "express-openid-connect"),
    "google-auth": ("libraries", "google-auth"),
    "idpyoidc": ("libraries", "idpyoidc"),
    "jupyterhub": ("jupyterhub", "oauthenticator"),
    "mcp-python": ("mcp", "mcp"),
    "mcp-typescript": ("node", "mcp-remote"),
    "mozilla-django-oidc": ("django", "mozilla-django-oidc"),
    "msal": ("libraries", "msal"),
    "oidc-client-ts": ("node", "oidc-client-ts"),
    "openid-client": ("node", "openid-client"),
    "passport-openidconnect": ("node", "passport-openidconnect"),
    "requests-oauth2client": ("libraries", "requests-oauth2client"),
    "requests-oauthlib": ("libraries", "requests-oauthlib"),
    "social-auth": ("django", "social-auth-core"),
    "synapse": ("synapse", "matrix-synapse"),
}


def version(name: str) -> str:
    """Return the version of the client that the documentation page `name` uses, as a lock file pins it."""
    environment, package = PACKAGES[name]
    if environment == "node":
        lock = json.loads((environments.NODE / "package-lock.json").read_text(encoding="utf-8"))
        return str(lock["packages"][f"node_modules/{package}"]["version"])
    lock = (environments.LOCKS / f"{environment}.txt").read_text(encoding="utf-8")
    return re.search(rf"^{package}==(\S+)", lock, re.MULTILINE)[1]


def title(name: str) -> str:
    """Return the heading of a documentation page."""
    return (pages.FOLDER / f"{name}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def row(name: str) -> str:
    """Return the table row of a client from the stored results of its test. Fails if there are no results."""
    outcomes = json.loads((environments.folder() / "results" / f"{name}.json").read_text(encoding="utf-8"))
    cells = [outcomes.get(step, "no") for step in STEPS]
    package = f"{PACKAGES[name][1]} {version(name)}"
    return f"| [{title(name)}]({name}.md) | {package} | {' | '.join(cells)} |\n"


def head() -> str:
    """Return the first two lines of the Markdown table, which name the columns."""
    return f"| client | tested | {' | '.join(STEPS)} |\n|---|---|{'---|' * len(STEPS)}\n"


def parts() -> tuple[str, str, str]:
    """Return three parts of docs/clients/README.md: the text before the table, the table, and the text after it."""
    before, _, rest = README.read_text(encoding="utf-8").partition(START)
    table, _, after = rest.partition(END)
    return before + START, table, END + after


if __name__ == "__main__":
    first, old, last = parts()
    new = head() + "".join(map(row, pages.names()))
    if sys.argv[1:] != ["--check"]:
        README.write_text(first + new + last, encoding="utf-8")
    elif new != old:
        sys.exit("docs/clients/README.md: the table is not that of this run. Write it with: make client-table")

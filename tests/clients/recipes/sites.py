"""Runs websites that are made from the code blocks of a documentation page."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.clients.recipes import environments, programs
from tests.clients.recipes.pages import Page
from tests.clients.recipes.stack import Stack


@contextmanager
def django(page: Page, client: Mapping[str, str], keyturn: Stack, folder: Path, url: str) -> Iterator[Path]:
    """Run a Django website with the settings and URLs of the documentation page, and yield the path of its log."""
    for name, number in (("site_settings", 0), ("site_urls", 1)):
        (folder / f"{name}.py").write_text(page.code("python", number=number, **client), encoding="utf-8")
    command = [environments.python("django"), str(programs.HOSTS / "django_site.py"), url.rpartition(":")[2]]
    with programs.website(command, folder, keyturn.trust(), url=url) as log:
        yield log


@contextmanager
def node(page: Page, client: Mapping[str, str], keyturn: Stack, folder: Path, url: str) -> Iterator[Path]:
    """Run the Express application of the documentation page, and yield the path of its log."""
    place = environments.node()
    (folder / "node_modules").symlink_to(place / "node_modules")
    (folder / "site.mjs").write_text(page.code("js", **client), encoding="utf-8")
    own = keyturn.trust() | {"SESSION_SECRET": "a long and secret text of a test"}
    command = ["node", str(place / "site.mjs"), url.rpartition(":")[2]]
    with programs.website(command, folder, own, url=f"{url}/favicon.ico") as log:
        yield log

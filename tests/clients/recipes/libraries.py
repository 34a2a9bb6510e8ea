"""Runs the code block of a documentation page as a program.

A test calls a function of the code block for each step of a client, such as login and logout.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.clients.recipes import environments, programs
from tests.clients.recipes.pages import Page
from tests.clients.recipes.programs import Dialogue
from tests.clients.recipes.stack import Stack


@contextmanager
def running(page: Page, client: Mapping[str, str], keyturn: Stack, folder: Path) -> Iterator[Dialogue]:
    """Run the Python or JavaScript code block of the documentation page as a program, and yield a dialogue with it."""
    if "```js" in page.text:
        place = environments.node()
        (folder / "node_modules").symlink_to(place / "node_modules")
        recipe, command = ("recipe.mjs", "js"), ["node", str(place / "library.mjs")]
    else:
        recipe, command = (
            ("recipe.py", "python"),
            [environments.python("libraries"), str(programs.HOSTS / "library.py")],
        )
    (folder / recipe[0]).write_text(page.code(recipe[1], **client), encoding="utf-8")
    with programs.dialogue(command, folder, keyturn.trust()) as program:
        yield program

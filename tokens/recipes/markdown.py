"""The page of a recipe in docs/, as Markdown. Pure.

The page of a recipe for a login or a machine is in docs/clients/. The page of a resource server is in
docs/resource-servers/.
"""

import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby

from tokens.recipes import options
from tokens.recipes.schema import Passage, Recipe, Step

FOLDERS = {"login": "clients", "machine": "clients", "resource server": "resource-servers"}
PROMPTS = {"clients": "$ python manage.py ", "resource-servers": "$ manage.py "}
CREATE = {"clients": "What to create", "resource-servers": "At the issuer"}
SETTINGS = "The client's settings"


def folder(recipe: Recipe) -> str:
    """Return the folder of the recipe's page under docs/: `clients` or `resource-servers`.

    The recipe's kind decides (FOLDERS). But if one of the recipe's tests is in tests/servers/, the folder is
    `resource-servers`.
    """
    if any(path.startswith("tests/servers/") for path in recipe.tests):
        return "resource-servers"
    return FOLDERS[recipe.kind]


def page(recipe: Recipe) -> str:
    """Return the page of the recipe as Markdown."""
    parts = [f"# {recipe.title}", recipe.summary, introduction(recipe), f"## {CREATE[folder(recipe)]}", *_steps(recipe)]
    parts += [recipe.note] if recipe.note else []
    parts += [text for block in recipe.blocks for text in _block(block)]
    if recipe.loosens:
        parts += ["## What it loosens", recipe.loosens]
    if recipe.trust:
        parts += ["## How long it trusts", recipe.trust]
    if recipe.cannot:
        parts += ["## What it cannot do", "\n".join(map(_item, recipe.cannot))]
    return "\n\n".join(parts) + "\n"


def introduction(recipe: Recipe) -> str:
    """Return sentences about the recipe: how it was tested, and which command registers its client or API."""
    command = "create_api" if recipe.kind == "resource server" else "create_client"
    short = f"`manage.py {command} --for {recipe.name}` registers it and prints this configuration with its values."
    if recipe.tests:
        names = [f"`{path}`" for path in recipe.tests]
        return f"Tested with {recipe.version} by {' and '.join(names)}. {short}"
    return (
        f"Tried by hand with {recipe.version}, {recipe.tried:%B %Y}; its requests are replayed by"
        f" `tests/tokens/recipes/test_replay.py`. {short}"
    )


def _steps(recipe: Recipe) -> Iterator[str]:
    """Yield Markdown: for each step, its text and a code block with its command.

    The command of a step without a text is added to the code block of the step before it.
    """
    prompt = PROMPTS[folder(recipe)]
    for text, steps in groupby(_with_text(recipe.steps), key=lambda pair: pair[0]):
        yield from [text] if text else []
        yield _fenced("console", "\n".join(options.lines(step, prompt=prompt) for _, step in steps))


def _with_text(steps: Iterable[Step]) -> Iterator[tuple[str, Step]]:
    """Yield each step with its text. A step without a text gets the text of the step before it."""
    text = ""
    for step in steps:
        text = step.text or text
        yield text, step


def _block(block: Passage) -> Iterator[str]:
    if block.heading:
        yield f"## {block.heading}"
    if block.text:
        yield block.text
    elif block.file:
        yield f"In `{block.file}`:"
    if block.code:
        yield _fenced(block.language, block.code.rstrip("\n"))


def _fenced(language: str, code: str) -> str:
    return f"```{language}\n{code}\n```"


def _item(text: str) -> str:
    """Return the text as an item of a Markdown list, wrapped into lines."""
    return textwrap.fill(f"- {text}", 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)

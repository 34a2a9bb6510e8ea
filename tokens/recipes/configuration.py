"""Fills a recipe's configuration with the values of a registered client or API, and formats it for a terminal. Pure.

A recipe shows how to configure a program, with placeholders such as CLIENT_ID and example values (`example`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from tokens.recipes import markdown, options
from tokens.recipes.example import RealValues, fill
from tokens.recipes.schema import Recipe, Step

LINK = re.compile(r"\[([^]]+)\]\(([^)#]+)[^)]*\)")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the configuration: a heading, an instruction, the name of a file, and the content of that file."""

    heading: str
    text: str
    file: str
    language: str
    code: str

    def as_dict(self) -> dict[str, str]:
        """Return this part of the configuration as a dict, for JSON."""
        return asdict(self)


def parts(recipe: Recipe, values: RealValues, *, variant: str = "") -> list[Part]:
    """Return the blocks of the recipe that apply to `variant`, with `values` in place of placeholders and examples.

    A block that names no variant applies to every variant. If `variant` is "", only the blocks without a variant are
    returned.
    """
    blocks = [block for block in recipe.blocks if block.variant in ("", variant)]
    return [
        Part(block.heading, fill(block.text, values), block.file, block.language, fill(block.code, values))
        for block in blocks
        if block.code or block.text
    ]


def commands(recipe: Recipe, done: Step, values: RealValues) -> list[str]:
    """Return the recipe's commands that the operator has not run yet, with the real values.

    `done` is the step of the recipe (a command) that already ran. For example, if that step registered an API, a step
    that registers a client of the API can remain. Leaves out each step that belongs to a variant. If `done` registered
    an API together with a client, also leaves out the step that would register this client.
    """
    own = done.options.get("client")
    others = [step for step in recipe.steps if step is not done and not step.variant]
    open_steps = [step for step in others if own is None or step.options.get("client_id") != own]
    return [fill(options.lines(step, prompt="manage.py "), values) for step in open_steps]


def printed(recipe: Recipe, filled: Sequence[Part], others: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the configuration for a terminal. Texts become comments, so that all lines can be pasted.

    `filled` is the result of `parts`, and `others` is the result of `commands`.
    """
    yield ""
    yield from _comment(recipe.summary)
    if others:
        yield from ("", "# The recipe has these commands, too, with example names:")
    for command in others:
        yield from command.splitlines()
    for part in filled:
        yield ""
        if part.heading and part.heading != markdown.SETTINGS:
            yield f"# {part.heading}"
        yield from _comment(part.text)
        if part.file:
            yield f"# {part.file}"
        yield from part.code.rstrip("\n").splitlines()


def _comment(text: str) -> Iterator[str]:
    """Yield the lines of a text as comments. A link to another page is replaced by the name of the page."""
    named = LINK.sub(_place, text)
    yield from (f"# {line}" for line in named.splitlines() if line.strip())


def _place(link: re.Match[str]) -> str:
    page = link[2].replace("../", "docs/")
    return page if link[1].endswith(".md") else f"{link[1]} ({page})"

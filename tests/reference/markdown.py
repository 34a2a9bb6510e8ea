"""Markdown for docs/reference/: makes tables, and escapes text."""

from collections.abc import Iterable, Sequence

MADE = "<!-- Made from the code by `python -m tests.reference`. Changes by hand are lost. -->"


def cell(text: str) -> str:
    """Return a text as a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with this head and these rows. The text ends with a line feed."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def angles(text: str) -> str:
    """Return the text with `&lt;` in place of each `<`, so that no `<` begins an HTML tag."""
    return text.replace("<", "&lt;")

"""Markdown of the reference: tables, and text that its syntax does not change."""

from collections.abc import Iterable, Sequence

MADE = "<!-- Made from the code by `python -m tests.reference`. Changes by hand are lost. -->"


def cell(text: str) -> str:
    """Return a text as a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. It ends with a line feed."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def angles(text: str) -> str:
    """Return a text without tags: `<` would begin one."""
    return text.replace("<", "&lt;")

"""Prints the seven steps in order, each with the module that carries it (`make story`).

The steps are read off the tree: a module that carries one says so in the first line of its docstring ("Step 6. …").
Needs nothing but Python itself.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("tokens", "resources", "examples")
STEP = re.compile(r"Step (\d)\. (.+)")
STEPS = 7


def steps(root: Path = ROOT) -> Iterator[tuple[int, str, str]]:
    """Every step that is told: its number, its sentence, and the module's path from the root."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            first_line = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
            if told := STEP.match(first_line):
                yield int(told[1]), told[2], path.relative_to(root).as_posix()


def main() -> None:
    """Print the story; exit 1 when a step is missing or told twice."""
    story = sorted(steps())
    for number, sentence, path in story:
        print(f"{number}. {sentence}\n   {path}")
    if [number for number, _, _ in story] != list(range(1, STEPS + 1)):
        sys.exit("The story is broken: each of the seven steps must be told by exactly one module.")


if __name__ == "__main__":
    main()

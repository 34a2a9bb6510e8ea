"""`make story`: print the seven steps of README.md in order, each with the module that implements it.

A module implements step 6 if its docstring begins with "Step 6.". Needs only the standard library.
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
    """Find every module whose docstring begins with a step, such as "Step 6. The API finds …".

    Yields the step's number (6) and sentence ("The API finds …"), and the module's path relative to `root`.
    """
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            # Few modules have a step. The others need not be parsed.
            docstring = ast.get_docstring(ast.parse(source)) if STEP.search(source) else None
            if step := STEP.match((docstring or "").partition("\n")[0]):
                yield int(step[1]), step[2], path.relative_to(root).as_posix()


def main() -> None:
    """Print the seven steps of README.md, each with its module.

    Exit with 1 unless each step has exactly one module. The docstring of that module begins with the step.
    """
    story = sorted(steps())
    for number, sentence, path in story:
        print(f"{number}. {sentence}\n   {path}")
    if [number for number, _, _ in story] != list(range(1, STEPS + 1)):
        sys.exit("Exactly one module must begin with each of the seven steps.")


if __name__ == "__main__":
    main()

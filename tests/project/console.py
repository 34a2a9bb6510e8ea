"""Reads the console blocks of a documentation page, and runs their commands in this process."""

import re
import shlex
from io import StringIO
from pathlib import Path

from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent.parent


def page(name: str) -> str:
    """Return the text of the documentation page `name` in docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def commands(text: str) -> list[list[str]]:
    """Return the words after `manage.py` of each command in the console blocks of a page.

    Fails if a line `$ …` does not begin with `python manage.py`.
    """
    blocks = "".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = re.findall(r"^\$ (.+)$", blocks, re.MULTILINE)
    foreign = [line for line in lines if not line.startswith("python manage.py ")]
    assert foreign == [], foreign
    return [shlex.split(line, comments=True)[2:] for line in lines]


def block(text: str, language: str) -> str:
    """Return the first code block in this language of a page's text. Fails if there is none."""
    match = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert match, language
    return match[1]


def run(words: list[str]) -> str:
    """Run a command of manage.py, and return what it prints. Raises CommandError if it fails."""
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()

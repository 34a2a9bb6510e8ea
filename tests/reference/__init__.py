"""The documentation pages in docs/reference/, which are made from the code. `python -m tests.reference` writes them.

tests/project/test_reference.py compares each page with the code.
"""

from collections.abc import Callable
from pathlib import Path

from tests.reference import commands, endpoints, errors, events, settings

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings.page,
    "commands.md": commands.page,
    "endpoints.md": endpoints.page,
    "errors.md": errors.page,
    "audit-events.md": events.page,
}

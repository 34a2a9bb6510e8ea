"""A page of docs/clients/: the commands that register the client, and the code blocks that readers copy."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokens.recipes import catalog

FOLDER = Path(__file__).resolve().parent.parent.parent.parent / "docs" / "clients"
ISSUER, API, APP = "https://issuer.example", "https://api.example/", "https://app.example"
ISSUER_WITH_PATH = f"{ISSUER}/sso"
COMMAND = "python manage.py "


@dataclass(frozen=True, slots=True)
class Page:
    """A documentation page in docs/clients/.

    `addresses` maps each address on the page to the address that the test uses instead.
    """

    name: str
    addresses: Mapping[str, str]

    @property
    def text(self) -> str:
        return (FOLDER / f"{self.name}.md").read_text(encoding="utf-8")

    def commands(self) -> list[list[str]]:
        """Return the arguments of each `manage.py` command on the documentation page."""
        console = "\n".join(self._blocks("console")).replace("\\\n", " ")
        lines = [line.partition(COMMAND)[2] for line in console.splitlines() if line.startswith(f"$ {COMMAND}")]
        return [shlex.split(self._here(line)) for line in lines]

    def code(self, language: str, *, number: int = 0, **credentials: str | None) -> str:
        """Return the code block number `number` (from 0) in this language.

        `credentials` are the values for the placeholders CLIENT_ID and CLIENT_SECRET.
        """
        code = self._here(self._blocks(language)[number])
        for name, value in credentials.items():
            code = re.sub(rf"\b{name.upper()}\b", str(value or ""), code)
        return code

    def _blocks(self, language: str) -> list[str]:
        return re.findall(rf"^```{language}\n(.*?)^```", self.text, re.DOTALL | re.MULTILINE)

    def _here(self, text: str) -> str:
        for there, here in self.addresses.items():
            text = text.replace(there, here)
        return text


def names() -> list[str]:
    """Return the names of the documentation pages whose client is tested by a test in tests/clients/."""
    recipes = catalog.recipes().items()
    return [name for name, recipe in recipes if any(path.startswith("tests/clients/") for path in recipe.tests)]

"""Reads a documentation page of docs/resource-servers/.

The tests run the commands and use the configurations on the page.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "resource-servers"
ISSUER = "https://issuer.example"


@dataclass(frozen=True, slots=True)
class Page:
    """A documentation page of docs/resource-servers/. `name` is its file name without `.md`."""

    name: str

    @property
    def text(self) -> str:
        """Return the text of the documentation page."""
        return (FOLDER / f"{self.name}.md").read_text(encoding="utf-8")

    def block(self, language: str, number: int = 0) -> str:
        """Return the code block number `number` (from 0) in this language."""
        blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", self.text, re.DOTALL | re.MULTILINE)
        return blocks[number]

    def files(self) -> dict[str, str]:
        """Return the page's Python code blocks by file name. A block's first line is a comment with its file name.

        Blocks without such a comment are not returned.
        """
        blocks: list[tuple[str, str]] = re.findall(
            r"^```python\n(# ([\w.]+)\n.*?)^```", self.text, re.DOTALL | re.MULTILINE
        )
        return {name: block for block, name in blocks}

    def commands(self) -> list[list[str]]:
        """Return the arguments of each `manage.py` command in the section "At the issuer". Fails if there is none."""
        section = self.text.partition("## At the issuer\n")[2].partition("\n## ")[0]
        (block,) = re.findall(r"^```console\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
        lines = block.replace("\\\n", " ").splitlines()
        commands = [shlex.split(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]
        assert commands
        assert all(command[0] == "manage.py" for command in commands)
        return [command[1:] for command in commands]


def adapted(config: str, changes: Mapping[str, object]) -> str:
    """Return a code block with the addresses, files and secrets of the test.

    `changes` maps texts of the block to the texts that replace them. Fails if a text to replace is not in the block.
    """
    for printed, used in changes.items():
        assert printed in config, printed
        config = config.replace(printed, str(used))
    return config

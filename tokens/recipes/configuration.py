"""The configuration of the program with real values, as the commands print it. Pure."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tokens.recipes.example import RealValues, fill
from tokens.recipes.schema import Recipe


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the configuration: what to do with it, the name of its file, and its text."""

    text: str
    file: str
    language: str
    code: str

    def as_dict(self) -> dict[str, str]:
        """Return the piece for JSON."""
        return asdict(self)


def parts(recipe: Recipe, values: RealValues, *, variant: str = "") -> list[Part]:
    """Return the recipe's blocks of this variant, with the real values."""
    blocks = [block for block in recipe.blocks if block.variant in ("", variant)]
    return [
        Part(fill(block.text, values), block.file, block.language, fill(block.code, values))
        for block in blocks
        if block.code or block.text
    ]


def printed(found: list[Part]) -> Iterator[str]:
    """Yield the lines of the configuration for a terminal. Texts are comments, so that the lines can be pasted."""
    for part in found:
        yield ""
        yield from (f"# {line}" for line in part.text.splitlines() if line.strip())
        if part.file:
            yield f"# {part.file}"
        yield from part.code.rstrip("\n").splitlines()

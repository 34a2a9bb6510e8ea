"""The languages of the issuer's pages, and which of them is meant by a list of language tags. Pure.

The texts in the code are the English catalogue. The others are in `tokens/locale/`; `python -m tests.catalogue` adds
what is new in the code, and compiles them.
"""

from collections.abc import Collection, Iterable, Mapping

LANGUAGES = ("en", "de")
"""The languages that have a catalogue. The first is that of the code."""


class MalformedLanguages(ValueError):
    """The setting LANGUAGES is empty, or names a language without a catalogue."""


def parse(names: Collection[str]) -> tuple[str, ...]:
    """Return the languages that an operator offers. Raises MalformedLanguages."""
    if not names or not set(names) <= set(LANGUAGES):
        raise MalformedLanguages(f"LANGUAGES must name one or more of: {', '.join(LANGUAGES)}.")
    return tuple(dict.fromkeys(names))


def preferred(tags: Iterable[str], offered: Collection[str]) -> str | None:
    """Return the language of the first tag (BCP 47, such as `de-AT`) that is offered. Returns None if none is."""
    named = (tag.lower().partition("-")[0] for tag in tags)
    return next((name for name in named if name in offered), None)


def gettext_noop(text: str) -> str:
    """Return the text unchanged. Marks it for the catalogue if it is translated elsewhere."""
    return text


class Sentence(str):
    """A text in English that a page can translate: it keeps its template and values. Commands and logs print it."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object]


def sentence(template: str, **values: object) -> Sentence:
    """Return the template with its values filled in, as by `str.format`. Marks the template for the catalogue."""
    text = Sentence(template.format(**values))
    text.template, text.values = template, values
    return text

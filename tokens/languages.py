"""The languages of the issuer's pages, and the choice of a language by language tags. Pure.

The texts in the code are English. The catalogues with the translations are in `tokens/locale/`. The command `python -m
tests.catalogue` adds new texts of the code to these catalogues, and compiles them.
"""

from collections.abc import Collection, Iterable, Mapping

LANGUAGES = ("en", "de")
"""The languages that have a catalogue. The first is the language of the texts in the code."""


class MalformedLanguages(ValueError):
    """The setting LANGUAGES is empty, or names a language without a catalogue."""


def parse(names: Collection[str]) -> tuple[str, ...]:
    """Return the languages in `names`, the setting LANGUAGES, without repetitions.

    Raises MalformedLanguages if `names` is empty, or has a language without a catalogue.
    """
    if not names or not set(names) <= set(LANGUAGES):
        raise MalformedLanguages(f"LANGUAGES must name one or more of: {', '.join(LANGUAGES)}.")
    return tuple(dict.fromkeys(names))


def preferred(tags: Iterable[str], offered: Collection[str]) -> str | None:
    """Return the language of the first tag (BCP 47, such as `de-AT`) whose language is offered, or None."""
    named = (tag.lower().partition("-")[0] for tag in tags)
    return next((name for name in named if name in offered), None)


def gettext_noop(text: str) -> str:
    """Return the text unchanged. The call marks the text for the catalogue; a page translates the text later."""
    return text


class Sentence(str):
    """An English text for commands and logs. Its template and values are kept, so that a page can translate it."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object]


def sentence(template: str, **values: object) -> Sentence:
    """Return the template filled with `values` (`str.format`). The call marks the template for the catalogue."""
    text = Sentence(template.format(**values))
    text.template, text.values = template, values
    return text

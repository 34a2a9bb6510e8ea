"""The languages of the issuer's pages, and the choice of one of them by language tags. Pure.

The texts in the code are the English catalogue. The other catalogues are in `tokens/locale/`; `python -m
tests.catalogue` adds new texts of the code to these catalogues, and compiles them.
"""

from collections.abc import Collection, Iterable, Mapping

LANGUAGES = ("en", "de")
"""The languages that have a catalogue. The first is the language of the texts in the code."""


class MalformedLanguages(ValueError):
    """The setting LANGUAGES is empty, or names a language without a catalogue."""


def parse(names: Collection[str]) -> tuple[str, ...]:
    """Return the languages that an operator offers, without repetitions.

    Raises MalformedLanguages if `names` is empty, or one of them has no catalogue.
    """
    if not names or not set(names) <= set(LANGUAGES):
        raise MalformedLanguages(f"LANGUAGES must name one or more of: {', '.join(LANGUAGES)}.")
    return tuple(dict.fromkeys(names))


def preferred(tags: Iterable[str], offered: Collection[str]) -> str | None:
    """Return the first language of the tags (BCP 47, such as `de-AT`) that is offered, or None."""
    named = (tag.lower().partition("-")[0] for tag in tags)
    return next((name for name in named if name in offered), None)


def gettext_noop(text: str) -> str:
    """Return the text unchanged. The call marks a text for the catalogue that is translated when it is shown."""
    return text


class Sentence(str):
    """An English text, which commands and logs print. It keeps template and values, so that a page can translate."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object]


def sentence(template: str, **values: object) -> Sentence:
    """Return the template with its values filled in, as by `str.format`. The call marks it for the catalogue."""
    text = Sentence(template.format(**values))
    text.template, text.values = template, values
    return text

"""Texts of the rooms below in the language of the page. There they are English: commands and logs show them, too."""

from collections.abc import Mapping
from enum import StrEnum

from django.utils.translation import gettext

from tokens.languages import Sentence


def translated(text: object) -> str:
    """Return a text, or that of an error, in the language of the page. A text that is no Sentence stays."""
    message = text.args[0] if isinstance(text, BaseException) and text.args else text
    if isinstance(message, Sentence):
        return _filled(gettext(message.template), message.values)
    return gettext(message.value) if isinstance(message, StrEnum) else str(message)


def _filled(template: str, values: Mapping[str, object]) -> str:
    texts = (Sentence, StrEnum, BaseException)
    return template.format(
        **{name: translated(value) if isinstance(value, texts) else value for name, value in values.items()}
    )

"""Translates texts of the lower packages, such as `keys`, into the language of the page.

The lower packages return English texts, because commands and logs show these texts, too.
"""

from collections.abc import Mapping
from enum import StrEnum

from django.utils.translation import gettext

from tokens.languages import Sentence


def translated(text: object) -> str:
    """Return `text` in the language of the page. If `text` is an exception, return the translation of its message.

    Only a `languages.Sentence` and a StrEnum are translated. Any other text is returned unchanged.
    """
    message = text.args[0] if isinstance(text, BaseException) and text.args else text
    if isinstance(message, Sentence):
        return _filled(gettext(message.template), message.values)
    return gettext(message.value) if isinstance(message, StrEnum) else str(message)


def _filled(template: str, values: Mapping[str, object]) -> str:
    texts = (Sentence, StrEnum, BaseException)
    return template.format(
        **{name: translated(value) if isinstance(value, texts) else value for name, value in values.items()}
    )

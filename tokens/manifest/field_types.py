"""The types of the fields of a manifest: a check of each, and the words for it in a message. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]
BOUND = 10**9
"""Seconds: more than any lifetime may have."""


def is_text(value: Any) -> bool:
    """Return True if `value` is a text that the database can store: without NUL and without a lone surrogate."""
    return isinstance(value, str) and not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)


def is_flag(value: Any) -> bool:
    """Return True if `value` is a boolean."""
    return isinstance(value, bool)


def is_seconds(value: Any) -> bool:
    """Return True if `value` is a number of seconds above zero and below BOUND."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < BOUND


def is_texts(value: Any) -> bool:
    """Return True if `value` is a list of different texts."""
    return isinstance(value, list) and all(map(is_text, value)) and len(set(value)) == len(value)


def is_words(value: Any) -> bool:
    """Return True if `value` is a list of different texts, each without a space."""
    return is_texts(value) and all(text.split() == [text] for text in value)


def is_keys(value: Any) -> bool:
    """Return True if `value` has the form of public keys: a JWKS or JWK, or a text with PEM."""
    return isinstance(value, dict) or is_text(value)


TYPES: Mapping[Check, str] = {
    is_text: "a text (put it in quotes)",
    is_flag: "true or false",
    is_seconds: "a number of seconds",
    is_texts: "a list of texts, each once",
    is_words: "a list of texts without spaces, each once",
    is_keys: "public keys: a JWKS, or PEM as a text",
}

"""Parses strict JSON (RFC 7493). Pure.

- No object has the same member twice.
- No text has NUL or a lone surrogate, which a database or a page cannot take.
- A number is finite, and an integer has at most MAX_DIGITS digits.
- Objects and lists are nested at most MAX_DEPTH deep, so that recursive code cannot fail.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

MAX_DIGITS = 20
MAX_DEPTH = 32  # levels of objects and lists


class NotStrict(ValueError):
    """The text is not strict JSON. The message gives the reason, and quotes nothing of the text."""


def parse(text: str) -> Any:
    """Parse JSON and return its value. Raises NotStrict if `text` breaks a rule of this module."""
    try:
        value = _DECODER.decode(text)
    except NotStrict:
        raise
    except RecursionError:
        raise NotStrict("it is nested too deep") from None
    except ValueError:  # `from None`: the error contains the whole document
        raise NotStrict("it is no JSON") from None
    # Every presented token and assertion is parsed here. Only few texts need the two checks.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_depth(value)
    if "\\u" in text or not text.isascii():
        _refuse_what_no_database_takes(value)
    return value


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    if any(isinstance(deepest, dict | list) for deepest in level):
        raise NotStrict("it is nested too deep")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_what_no_database_takes(value: Any) -> None:
    """Raise NotStrict if a text holds a lone surrogate or NUL."""
    # A lone surrogate has no UTF-8, and PostgreSQL stores no NUL. The escapes of both are decoded by now.
    try:
        written = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotStrict("a text in it has a lone surrogate or NUL") from None
    if rb"\u0000" in written.replace(rb"\\", b""):
        raise NotStrict("a text in it has a lone surrogate or NUL")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrict("a member in it is repeated")
    return members


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAX_DIGITS:
        raise NotStrict("a number in it is too large")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotStrict("a number in it is too large")
    return number


def _refuse(constant: str) -> Any:
    raise NotStrict(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite, parse_constant=_refuse)

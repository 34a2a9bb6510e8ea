"""Strict JSON: UTF-8 only, no repeated members, no NaN, no numbers or strings that something later could choke on."""

import json
import math
from collections.abc import Iterable
from typing import Any

MAX_DIGITS = 20
MAX_DEPTH = 32  # levels of objects and lists: whatever later walks the value will not run out of stack


class Repeated(dict[str, Any]):
    """An object in which a member name was repeated: kept apart, so that one bad entry need not spoil a document."""


def parse(raw: bytes) -> Any:
    """The value that `raw` encodes; raises ValueError when it is not strict JSON (RFC 7493)."""
    return _parse(raw, _STRICT)


def parse_leniently(raw: bytes) -> Any:
    """As `parse`, but an object with repeated members becomes a `Repeated`, for its reader to judge alone."""
    return _parse(raw, _LENIENT)


def _parse(raw: bytes, decoder: json.JSONDecoder) -> Any:
    try:
        text = raw.decode("utf-8")
        value = decoder.decode(text)
        if text.count("[") + text.count("{") > MAX_DEPTH:
            _check_depth(value)
        if "\\u" in text:  # an escaped lone surrogate is a string that no database or log can encode
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        # `from None`: a JSONDecodeError carries the whole document.
        raise ValueError("not strict JSON") from None
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    if any(isinstance(deepest, dict | list) for deepest in level):
        raise ValueError("nested too deep")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else Repeated(members)


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("an integer is too long")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def _refuse(_constant: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite, parse_constant=_refuse)
_LENIENT = json.JSONDecoder(object_pairs_hook=_marked, parse_int=_integer, parse_float=_finite, parse_constant=_refuse)

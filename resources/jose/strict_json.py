"""A parser for strict JSON (RFC 7493).

- UTF-8 only, and no lone surrogates, which databases and logs cannot encode.
- No repeated members, because two parsers can use different values of a repeated member.
- No NaN or Infinity, no integer of more than MAX_DIGITS digits, at most MAX_DEPTH levels.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

MAX_DIGITS = 20  # of an integer; int() takes quadratic time
MAX_DEPTH = 32  # levels of objects and lists; recursive code that reads the value needs a bound


class Repeated(dict[str, Any]):
    """A JSON object that has a member name twice. Only `parse_leniently` returns it."""


def parse(raw: bytes) -> Any:
    """Return the value of `raw`. Raises ValueError if it is not strict JSON (RFC 7493)."""
    return _parse(raw, _STRICT)


def parse_leniently(raw: bytes) -> Any:
    """Return the value of `raw`, with a `Repeated` for each object with repeated members.

    The caller must refuse each `Repeated`. So it can refuse one entry of a JWKS and use the other entries. Raises
    ValueError if `raw` breaks another rule of this module.
    """
    return _parse(raw, _LENIENT)


def _parse(raw: bytes, decoder: json.JSONDecoder) -> Any:
    """Return the value of `raw`. `decoder` refuses or marks objects with repeated members.

    Raises ValueError if `decoder` refuses `raw`, or if `raw` breaks another rule of this module.
    """
    try:
        text = raw.decode("utf-8")
        value = _decoded(text, decoder)
        if text.count("[") + text.count("{") > MAX_DEPTH:  # cheap, and seldom true
            _check_depth(value)
        if "\\u" in text:  # an escaped lone surrogate passes the decoder
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        # `from None`, because a JSONDecodeError contains the whole document.
        raise ValueError("not strict JSON") from None
    return value


def _decoded(text: str, decoder: json.JSONDecoder) -> Any:
    # `decode` also searches for whitespace around the value, which takes as long as parsing a short value.
    if text[:1] == "{":
        value, end = decoder.raw_decode(text)
        if end == len(text):
            return value
    return decoder.decode(text)


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

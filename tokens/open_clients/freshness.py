"""Computes how long a document is used before it is fetched again, from its headers, within bounds (RFC 9111). Pure.

| headers                                   | time until the next fetch                     |
|-------------------------------------------|-----------------------------------------------|
| Cache-Control: no-store, no-cache         | LEAST                                         |
| Cache-Control: max-age=N, with Age: M     | N - M, but at least LEAST and at most MOST    |
| Expires, with Date                        | Expires - Date, with the same two bounds      |
| none of these                             | UNSTATED                                      |

If the document cannot be fetched after this time, the old document is used during a further period, GRACE. After GRACE,
the client is refused.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

LEAST = timedelta(minutes=1)
UNSTATED = timedelta(minutes=5)
MOST = timedelta(hours=1)
"""The longest time until a changed document takes effect, for example until a removed key is refused."""
GRACE = timedelta(hours=1)
MAX_AGE = re.compile(r"max-age=\"?([0-9]{1,9})\"?")


def lifetime(headers: Mapping[str, str]) -> timedelta:
    """Return for how long a document with these response headers is fresh.

    The names of the headers must be in lower case.
    """
    directives = [directive.strip().lower() for directive in headers.get("cache-control", "").split(",")]
    if {"no-store", "no-cache"} & set(directives):
        return LEAST
    if (stated := _max_age(directives)) is not None:
        return _bounded(stated - _seconds(headers.get("age", "")))
    if "expires" in headers:
        return _bounded(_until_expiry(headers))
    return UNSTATED


def _max_age(directives: list[str]) -> timedelta | None:
    matches = [match for directive in directives if (match := MAX_AGE.fullmatch(directive))]
    return timedelta(seconds=int(matches[0][1])) if matches else None


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=int(text)) if re.fullmatch(r"[0-9]{1,9}", text) else timedelta()


def _until_expiry(headers: Mapping[str, str]) -> timedelta:
    """Return the time from the header Date to Expires. Returns zero if either header cannot be parsed."""
    try:
        return parsedate_to_datetime(headers["expires"]) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):  # a date without a time zone cannot be subtracted from one with it
        return timedelta()


def _bounded(stated: timedelta) -> timedelta:
    return min(max(stated, LEAST), MOST)

"""Finds the place of an IP address in a database of the operator, such as GeoLite2 City. Sends no request.

- The database is a file in MaxMind's format (MMDB). It is opened for each page, so the operator can replace it.
- Names are in the language of the page, else in English.
- Private and unknown addresses have no place.
- While the database cannot be read, no address has a place. The log then has one warning for each cause. The system
  check names the remedy (tokens/checks/place.py).
- A database that has only IPv4 gives no place to an IPv6 address.
"""

import ipaddress
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from tokens import conf

logger = logging.getLogger(__name__)
KINDS = re.compile("City|Country|Enterprise|Insights")
"""Kinds of databases with places, as in the metadata of the file: `GeoLite2-City`, `DBIP-Country-Lite`."""
LEVELS = ("city", "country")


class UnusablePlaces(Exception):
    """The database of places cannot be used. The message gives the cause and the remedy."""


_warned: set[str] = set()
"""The causes that this process has logged."""
_lock = Lock()


def places(addresses: Iterable[str], *, language: str) -> dict[str, str]:
    """Return the place of each address that has one, such as "Vienna, Austria", by address. Names are in `language`.

    `addresses` are IP addresses or networks, as sessions store them. Returns {} if the database of places is not
    configured or cannot be used.
    """
    path = conf.issuer().session_places
    public = {address: first for address in addresses if (first := _public(address))} if path else {}
    if path is None or not public:
        return {}
    try:
        with _opened(path) as reader:
            named = {address: _place(_record(reader, first), language) for address, first in public.items()}
    except UnusablePlaces as error:
        _warn(str(error))
        return {}
    except Exception as error:  # noqa: BLE001 (the library raises many types for a damaged file)
        _warn(f"{path} is damaged: {type(error).__name__}")
        return {}
    return {address: place for address, place in named.items() if place}


def problem(path: Path) -> str:
    """Return why the database of places at `path` cannot be used, and the remedy. Returns "" if it can be used."""
    try:
        with _opened(path) as reader:
            kind = str(reader.metadata().database_type)
    except UnusablePlaces as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (the library raises many types for a damaged file)
        return f"{path} is damaged ({type(error).__name__}): download it again"
    if not KINDS.search(kind):
        return f"{path} has no places (its type is {kind}): use a database of cities or countries"
    return ""


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open the database of places for a `with` block, and yield its reader.

    Raises UnusablePlaces if the package maxminddb is missing or the file cannot be opened.
    """
    try:
        import maxminddb  # noqa: PLC0415 (optional)
    except ImportError as error:
        raise UnusablePlaces("the package maxminddb is not installed: install keyturn[place]") from error
    try:
        # Read, not mapped: a mapped file that is overwritten can crash the process.
        reader = maxminddb.open_database(path, maxminddb.MODE_FILE)
    except OSError as error:
        raise UnusablePlaces(f"{path} cannot be read ({error.strerror}): correct path or permissions") from error
    except maxminddb.InvalidDatabaseError as error:
        raise UnusablePlaces(f"{path} is no database in MaxMind's format: download it again") from error
    with reader:
        yield reader


def _public(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an IP address, or a network such as `2001:db8::/64`. Return the address, or the network's first address.

    Returns None if `address` is malformed, or if the result is not in the public internet.
    """
    try:
        first = ipaddress.ip_network(address, strict=False).network_address
    except ValueError:  # a proxy can send any text
        return None
    return first if first.is_global else None


def _record(reader: Any, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Any:
    """Return the record of the address, or None if the database has none."""
    # Some databases have only IPv4. Their reader raises an error for IPv6, which would hide all places of the page.
    return reader.get(address) if address.version <= reader.metadata().ip_version else None


def _place(record: Any, language: str) -> str:
    return ", ".join(filter(None, (_name(record, level, language) for level in LEVELS)))


def _name(record: Any, level: str, language: str) -> str:
    """Return the name of the city or country (`level`) of `record`, in `language`, else in English, else ""."""
    entry = record.get(level) if isinstance(record, Mapping) else None
    names = entry.get("names") if isinstance(entry, Mapping) else None
    if not isinstance(names, Mapping):
        return ""
    return next((name for code in (language, "en") if isinstance(name := names.get(code), str)), "")


def _warn(cause: str) -> None:
    """Log `cause`, unless this process has logged the same cause before."""
    with _lock:
        is_new = cause not in _warned
        _warned.add(cause)
    if is_new:
        logger.warning("The places of sessions are not shown: %s", cause)

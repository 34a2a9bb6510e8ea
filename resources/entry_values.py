"""Read single entries of RESOURCE_SERVER. Wrong entries are refused with ImproperlyConfigured."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def complete(entries: Mapping[str, Any], defaults: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return `entries`, with `defaults` for missing names. Raises ImproperlyConfigured if a name is not in `defaults`.

    `where` is the text by which the error message names `entries`, such as the name of the setting.
    """
    if unknown := entries.keys() - defaults.keys():
        raise ImproperlyConfigured(f"{where} has unknown entries: {', '.join(sorted(unknown))}.")
    return {**defaults, **entries}


def strings(name: str, value: str | Sequence[str]) -> list[str]:
    """Return the value of the entry `name`, which is one string or several, as a list.

    Raises ImproperlyConfigured if an item is empty or not a string.
    """
    listed = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(string, str) and string for string in listed):
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be a list of strings.")
    return listed


def paths(value: str | Sequence[str]) -> tuple[str, ...]:
    """Return the entry PATHS as a tuple. Raises ImproperlyConfigured if a path does not begin with a slash."""
    listed = strings("PATHS", value)
    if wrong := [path for path in listed if not path.startswith("/")]:
        raise ImproperlyConfigured(f"RESOURCE_SERVER['PATHS'] must contain paths such as '/api/', not {wrong[0]!r}.")
    return tuple(listed)


def one_of(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value`, the value of the entry `name`. Raises ImproperlyConfigured if it is not one of `choices`."""
    if value not in choices:
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be one of {', '.join(choices)}.")
    return value


def positive(name: str, values: Mapping[str, Any]) -> float:
    """Return `values[name]`, a number of seconds. Raises ImproperlyConfigured unless it is a number above zero."""
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be a positive number of seconds.")
    return float(value)


def is_url(value: str) -> bool:
    """Return True if `value` is an http or https URL."""
    parts = urlsplit(value)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)

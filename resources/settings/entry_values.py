"""Read single entries of RESOURCE_SERVER. Wrong entries are refused with ImproperlyConfigured."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .entry_types import EntryType, is_word


def complete(
    entries: Mapping[str, Any], defaults: Mapping[str, Any], types: Mapping[str, EntryType], where: str
) -> dict[str, Any]:
    """Return `entries`, with `defaults` for missing names. `types` has the type of each name in `defaults`.

    `where` is the text by which the error message names `entries`, such as the name of the setting. Raises
    ImproperlyConfigured if a name is not in `defaults`, or if a value has another type.
    """
    if not isinstance(entries, Mapping):
        raise ImproperlyConfigured(f"{where} must be a dictionary, not {type(entries).__name__}.")
    if unknown := entries.keys() - defaults.keys():
        raise ImproperlyConfigured(f"{where} has unknown entries: {', '.join(sorted(map(str, unknown)))}.")
    for name, value in entries.items():
        _refuse_other_type(f"{where}[{name!r}]", value, types[name])
    return {**defaults, **entries}


def _refuse_other_type(name: str, value: object, expected: EntryType) -> None:
    """Raise ImproperlyConfigured if `value` is not of the expected type."""
    if expected.accepts(value):
        return
    if isinstance(value, str | Mapping) and not value:
        raise ImproperlyConfigured(
            f"{name} must be {expected.name}, and it is empty. Set the environment variable that it is read from, or"
            " remove the entry."
        )
    # The message does not repeat the value, because some entries are secrets.
    remedy = " Convert the value of an environment variable first." if isinstance(value, str) else ""
    raise ImproperlyConfigured(f"{name} must be {expected.name}, not this {type(value).__name__}.{remedy}")


def function(name: str, path: str) -> Callable[..., Any]:
    """Return the function at the dotted `path`. Raises ImproperlyConfigured if there is none.

    `name` is the text by which the error message names the entry.
    """
    try:
        imported = import_string(path)
    except (ImportError, TypeError, ValueError) as error:  # importlib raises the last two for a path such as ".deny"
        raise ImproperlyConfigured(f"{name} cannot be imported: {error}") from error
    if not callable(imported):
        raise ImproperlyConfigured(f"{name} must be the dotted path of a function, and {path} is none.")
    return imported  # type: ignore[no-any-return]


def strings(value: str | Sequence[str]) -> list[str]:
    """Return the strings of an entry as a list. `value` is one string or several."""
    return [value] if isinstance(value, str) else list(value)


def paths(value: str | Sequence[str]) -> tuple[str, ...]:
    """Return the entry PATHS as a tuple.

    Raises ImproperlyConfigured if a path does not begin with a slash, or contains a comma or white space.
    """
    listed = strings(value)
    # A comma: "/a/,/b/" would be one path, so that neither /a/ nor /b/ would be protected.
    if wrong := [path for path in listed if not path.startswith("/") or not is_word(path)]:
        raise ImproperlyConfigured(
            f'RESOURCE_SERVER[\'PATHS\'] must be a list of paths such as ["/api/", "/pages/"], and {wrong[0]!r} is no'
            " path. Split the value of an environment variable first."
        )
    return tuple(listed)


def uri(name: str, value: str) -> str:
    """Return `value`, the value of the entry `name`. Raises ImproperlyConfigured if it is a malformed URI."""
    try:
        urlsplit(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] is a malformed URI: {error}.") from error
    return value


def one_of(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value`, the value of the entry `name`. Raises ImproperlyConfigured if it is not one of `choices`."""
    if value not in choices:
        raise ImproperlyConfigured(f"RESOURCE_SERVER[{name!r}] must be one of {', '.join(choices)}.")
    return value

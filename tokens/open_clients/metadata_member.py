"""Reads single members of client metadata (RFC 7591 section 2), and refuses members of the wrong type. Pure."""

from collections.abc import Mapping
from typing import Any


class InvalidMetadata(ValueError):
    """The metadata is refused. `error` is the code of RFC 7591 section 3.2.2, the message says why."""

    def __init__(self, description: str, *, error: str = "invalid_client_metadata") -> None:
        super().__init__(description)
        self.error = error


def text(members: Mapping[str, Any], name: str) -> str:
    """Return a text member, or "" if it is missing or null. Raises InvalidMetadata if it has another type."""
    value = members.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidMetadata(f"{name} must be a text.")
    return value


def truth(members: Mapping[str, Any], name: str) -> bool:
    """Return a boolean member, or False if it is missing or null. Raises InvalidMetadata if it has another type."""
    value = members.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidMetadata(f"{name} must be true or false.")
    return bool(value)


def texts(members: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts, or [] if the member is missing or null. Raises InvalidMetadata if it has another type."""
    value = members.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise InvalidMetadata(f"{name} must be a list of texts.")
    return value

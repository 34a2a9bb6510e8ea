"""Read a variable from the environment, or from the file that `NAME_FILE` names.

- Only one of NAME and NAME_FILE may be set.
- The file must have one line. The newline at its end does not belong to the value.
- No message contains the content of a file or of a variable.
"""

import stat
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SUFFIX = "_FILE"
LARGEST = 64 * 1024
"""The most bytes of a file. A longer file is probably the wrong file."""


def value(name: str, environ: Mapping[str, str]) -> str:
    """Return the variable `name`, or the content of the file that `NAME_FILE` names, or "" if neither is set.

    Raises ImproperlyConfigured, which names the variable and the remedy, if both are set or the file is unusable.
    """
    direct, path = environ.get(name, "").strip(), environ.get(f"{name}{SUFFIX}", "").strip()
    if direct and path:
        raise ImproperlyConfigured(f"{name} and {name}{SUFFIX} are both set. Remove one of them.")
    return _content(f"{name}{SUFFIX}", Path(path)) if path else direct


def _content(name: str, path: Path) -> str:
    """Return the value in the file. `name` is the variable that names the file, for messages."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes() if stat.S_ISREG(mode) and path.stat().st_size <= LARGEST else None
    except OSError as error:
        raise _unusable(
            name, path, f"cannot be read: {error.strerror}. Name a file that the user of this process can read."
        ) from None
    if content is None:
        raise _unusable(name, path, "is not a file of at most 64 KiB. Name a file with only the value.")
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise _unusable(name, path, "is not UTF-8 text. Write the value into it as text.") from None
    if not text:
        raise _unusable(name, path, "is empty. Write the value into it, or remove the variable.")
    if len(text.splitlines()) > 1:
        raise _unusable(name, path, "has several lines. Write the value into it as one line.")
    return text


def _unusable(name: str, path: Path, problem: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} names {path}, which {problem}")

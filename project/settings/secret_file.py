"""Read a secret from its variable, or from the file that `NAME_FILE` names.

- Only one of both may be set.
- The file has one line. The newline at its end does not belong to the secret.
- No message contains the content of a file or of a variable.
"""

import stat
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SUFFIX = "_FILE"
LARGEST = 64 * 1024
"""Bytes of a file. A longer one is probably another file."""


def value(name: str, environ: Mapping[str, str]) -> str:
    """Return the secret of the variable `name`, or of the file that `NAME_FILE` names; "" if neither is set.

    Raises ImproperlyConfigured, which names the variable and the remedy, if both are set or the file is unusable.
    """
    direct, path = environ.get(name, "").strip(), environ.get(f"{name}{SUFFIX}", "").strip()
    if direct and path:
        raise ImproperlyConfigured(f"{name} and {name}{SUFFIX} are both set. Remove one of them from the environment.")
    return _content(f"{name}{SUFFIX}", Path(path)) if path else direct


def is_set(name: str, environ: Mapping[str, str]) -> bool:
    """Return True if the variable `name` or `NAME_FILE` is set."""
    return any(environ.get(candidate, "").strip() for candidate in (name, f"{name}{SUFFIX}"))


def _content(name: str, path: Path) -> str:
    """Return the secret in the file. `name` is the variable that names the file, for messages."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes() if stat.S_ISREG(mode) and path.stat().st_size <= LARGEST else None
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}: {path} cannot be read ({error.strerror}). Name a file that the user of this process can read."
        ) from None
    if content is None:
        raise ImproperlyConfigured(f"{name}: {path} is not a file of at most 64 KiB. Name a file with only the secret.")
    try:
        secret = content.decode().strip()
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{name}: {path} is not UTF-8 text. Write the secret into it as text.") from None
    if not secret:
        raise ImproperlyConfigured(f"{name}: {path} is empty. Write the secret into it, or remove the variable.")
    if len(secret.splitlines()) > 1:
        raise ImproperlyConfigured(f"{name}: {path} has several lines. Write the secret into it as one line.")
    return secret

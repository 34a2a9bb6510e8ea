"""A folder of an issuer's public keys as PEM files, for programs that read key files. Each file is named by its kid.

1. Files of usable keys are written before files of other keys are removed, so that a reader never lacks a usable key.
2. Each file is replaced as a whole, so that a reader never reads half a file.
3. Only files with public keys are removed. Other files in the folder stay, including a draft of another process
   (`.KID.…`).
4. A kid that could name a file outside of the folder is refused.
"""

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..jose.jwk import Key

FIRST_LINE = b"-----BEGIN PUBLIC KEY-----\n"
MODE = 0o644
"""The permissions of a file, under any umask, because the program that reads the files can run as another user."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")


class UnsafeName(ValueError):
    """The kid is not safe as the name of a file."""


@dataclass(frozen=True, slots=True)
class PemChange:
    """The kids whose files were written, and the kids whose files were removed."""

    written: tuple[str, ...]
    removed: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """Return a line for each file that changed."""
        return (*(f"written  {kid}" for kid in self.written), *(f"removed  {kid}" for kid in self.removed))


def update(folder: Path, keys: Sequence[Key]) -> PemChange:
    """Write the PEM files of `keys` into the folder, and remove the files of other public keys.

    Raises UnsafeName, before any change, if a kid cannot be a file name, and OSError if the folder cannot be read or
    written.
    """
    if unsafe := [key.kid for key in keys if not NAME.fullmatch(key.kid)]:
        raise UnsafeName(f"the kid {unsafe[0]!r} is not a file name of letters, digits, - and _")
    wanted = {key.kid: pem(key) for key in keys}
    present = {path.name: path.read_bytes() for path in _own(folder)}
    written = tuple(kid for kid, text in wanted.items() if present.get(kid) != text)
    _write(folder, {kid: wanted[kid] for kid in written})
    old = sorted(name for name, text in present.items() if name not in wanted and text.startswith(FIRST_LINE))
    for name in old:
        (folder / name).unlink(missing_ok=True)
    return PemChange(written, tuple(old))


def pem(key: Key) -> bytes:
    """Return a public key as PEM (SubjectPublicKeyInfo, RFC 7468 section 13)."""
    public: bytes = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public


def _own(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write each file as a draft, then rename the drafts. If a draft cannot be written, no file changes."""
    drafts = {folder / f".{name}.{secrets.token_hex(8)}": folder / name for name in files}
    try:
        for draft, path in drafts.items():
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
                os.fchmod(file.fileno(), MODE)
                file.write(files[path.name])
        for draft, path in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)

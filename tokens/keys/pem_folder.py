"""Write public keys as PEM files, for programs that read key files (HAProxy, Dovecot). Each file's name is a kid.

1. Files of published keys are written before files of other keys are removed, so that no published key is missing.
2. Each file is written under a temporary name (a draft, `.KID.…`) and then renamed, so that a reader never sees half
   a file.
3. Only files with a public key are removed. Every other file stays, including the drafts of other processes.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

from tokens.keys.publication import PublicKey

FIRST_LINE = b"-----BEGIN PUBLIC KEY-----\n"
MODE = 0o644
"""The permissions of a file, under any umask, because the program that reads the file runs as another user."""


@dataclass(frozen=True, slots=True)
class PemChange:
    """The kids whose files were written, and those whose files were removed."""

    written: tuple[str, ...]
    removed: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """Return a line for each file that changed."""
        return (*(f"written  {kid}" for kid in self.written), *(f"removed  {kid}" for kid in self.removed))


def update(folder: Path, keys: Sequence[PublicKey]) -> PemChange:
    """Write a PEM file for each of `keys`, and remove the PEM files of other keys.

    Raises OSError if a file cannot be read, written or removed.
    """
    wanted = {key.kid: pem(key.jwk) for key in keys}
    present = {path.name: path.read_bytes() for path in _own(folder)}
    written = tuple(kid for kid, text in wanted.items() if present.get(kid) != text)
    _write(folder, {kid: wanted[kid] for kid in written})
    old = sorted(name for name, text in present.items() if name not in wanted and _is_public_key(text))
    for name in old:
        (folder / name).unlink(missing_ok=True)
    return PemChange(written, tuple(old))


def pem(jwk: Mapping[str, str]) -> bytes:
    """Return a public key as PEM (SubjectPublicKeyInfo, RFC 7468 section 13)."""
    public: bytes = PyJWK(dict(jwk)).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public


def _own(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files as drafts, then rename the drafts. If a draft cannot be written, no file changes.

    `files` has the content of each file by its name, which is a kid.
    """
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


def _is_public_key(text: bytes) -> bool:
    return text.startswith(FIRST_LINE)

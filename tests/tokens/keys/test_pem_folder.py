"""The folder of PEM files, which the command `keys --pem` updates."""

import errno
import json
import os
from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.core.management import CommandError, call_command

from tokens.jose.key_format import ALGORITHMS, public_jwk
from tokens.keys import keyring
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("keys", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return error.value.returncode, str(error.value)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def kids(ring: str = "default") -> set[str]:
    return set(SigningKey.objects.filter(ring__name=ring).values_list("kid", flat=True))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_published_key_is_a_file_that_is_named_by_its_kid_and_has_no_private_half(algorithm, tmp_path):
    call_command("rotate_keys", stdout=StringIO())
    call_command("rotate_keys", "--ring", "own", "--algorithm", algorithm, stdout=StringIO())
    printed = run("--ring", "own", "--pem", str(tmp_path))
    assert names(tmp_path) == kids("own") | kids()
    assert kids("own")
    for kid in kids("own"):
        text = (tmp_path / kid).read_bytes()
        assert text.startswith(b"-----BEGIN PUBLIC KEY-----\n")
        assert public_jwk(load_pem_public_key(text), algorithm)["kid"] == kid
        assert f"written  {kid}\n" in printed


def test_a_second_run_changes_and_prints_nothing(tmp_path):
    call_command("rotate_keys", stdout=StringIO())
    assert run("--pem", str(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert run("--pem", str(tmp_path)) == ""
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert json.loads(run("--pem", str(tmp_path), "--json")) == {"written": [], "removed": []}


def test_a_revoked_key_s_file_is_removed_and_the_files_of_others_stay(tmp_path):
    call_command("rotate_keys", stdout=StringIO())
    run("--pem", str(tmp_path))
    (tmp_path / "notes.txt").write_text("-----BEGIN CERTIFICATE-----\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / ".draft").write_text("-----BEGIN PUBLIC KEY-----\n")
    signing = SigningKey.objects.exclude(signs_at=None).get().kid
    call_command("revoke_key", signing, "--reason", "x", "--yes", "--accept-outage", stdout=StringIO())
    keyring.snapshots.forget()
    assert f"removed  {signing}\n" in run("--pem", str(tmp_path))
    assert names(tmp_path) == {"notes.txt", "folder", ".draft", *(kids() - {signing})}


def test_other_users_may_read_the_files_under_any_umask(tmp_path):
    call_command("rotate_keys", stdout=StringIO())
    before = os.umask(0o077)
    try:
        run("--pem", str(tmp_path))
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}


def test_a_damaged_file_is_written_again(tmp_path):
    call_command("rotate_keys", stdout=StringIO())
    run("--pem", str(tmp_path))
    damaged = min(kids())
    (tmp_path / damaged).write_text("")
    assert run("--pem", str(tmp_path)) == f"written  {damaged}\n"
    assert (tmp_path / damaged).read_text()


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    call_command("rotate_keys", stdout=StringIO())
    code, message = refused("--pem", str(tmp_path / "absent"))
    assert (code, message) == (2, f"{tmp_path / 'absent'} cannot be used: No such file or directory")
    (tmp_path / "file").touch()
    assert refused("--pem", str(tmp_path / "file"))[0] == 2


def test_no_file_is_changed_if_one_cannot_be_written(tmp_path, monkeypatch):
    call_command("rotate_keys", stdout=StringIO())
    (tmp_path / "old").write_text("-----BEGIN PUBLIC KEY-----\n")
    outcomes = iter([None, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])

    def fchmod(_file, _mode):
        if error := next(outcomes):
            raise error

    monkeypatch.setattr(os, "fchmod", fchmod)
    assert len(kids()) > 1
    assert refused("--pem", str(tmp_path)) == (2, f"{tmp_path} cannot be used: No space left on device")
    assert names(tmp_path) == {"old"}


def test_no_file_is_removed_if_there_is_no_key(tmp_path):
    (tmp_path / "old").write_text("-----BEGIN PUBLIC KEY-----\n")
    assert refused("--pem", str(tmp_path))[0] == 3
    assert names(tmp_path) == {"old"}


def test_an_unknown_ring_is_refused(tmp_path):
    call_command("rotate_keys", stdout=StringIO())
    assert refused("--ring", "nowhere", "--pem", str(tmp_path))[0] == 2


def test_pem_and_check_exclude_each_other(tmp_path):
    assert "not allowed with" in refused("--check", "--pem", str(tmp_path))[1]

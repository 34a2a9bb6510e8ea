"""`key_backup`: one file with the signing keys and their encryption keys.

The keys are restored from it only with its passphrase.
"""

import json
import secrets
import stat
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Browser

from tokens import conf
from tokens.handover import key_backup
from tokens.models import AuditEvent, Ring, SigningKey

pytestmark = pytest.mark.django_db
REAL = key_backup.Scrypt


def run(*words):
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a passphrase and a backup of the issuer's keys. The issuer still has the keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(key_backup, "Scrypt", quick)
    (tmp_path / "passphrase.txt").write_text(secrets.token_urlsafe(32) + "\n")
    run("rotate_keys")
    run("rotate_keys", "--ring", "orders", "--algorithm", "ES256")
    run("key_backup", "save", "keys.backup", "--passphrase-file", "passphrase.txt")
    return tmp_path


def quick(**kinds):
    """Return a scrypt object with these arguments, but with the cost n = 2, which is fast. Replaces the constructor."""
    return REAL(**kinds | {"n": 2})


def rows():
    """Return every column of every signing key's row."""
    return list(SigningKey.objects.order_by("pk").values())


def lose_keys():
    """Delete the signing keys, as if the database were new.

    The triggers that forbid this are dropped before, and created again afterwards.
    """
    with connection.cursor() as cursor:
        for table in ("tokens_signingkey", "tokens_ring"):
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            cursor.execute(f"DELETE FROM {table}")
            for _, sql in triggers:
                cursor.execute(sql.replace("%", "%%"), None)


def test_keys_are_restored_unchanged(folder):
    before = rows()
    jwks = Browser().get("/.well-known/jwks.json").json()
    assert stat.S_IMODE((folder / "keys.backup").stat().st_mode) == 0o600
    lose_keys()
    restored = json.loads(run("key_backup", "restore", "keys.backup", "--passphrase-file", "passphrase.txt", "--json"))
    assert restored == {"restored": [row["kid"] for row in before]}
    assert rows() == before
    assert run("keys", "--check").strip() == "the signing keys are healthy"
    assert Browser().get("/.well-known/jwks.json").json() == jwks
    assert AuditEvent.objects.latest("pk").action == "key.restored"
    with pytest.raises(CommandError, match="has signing keys already"):
        run("key_backup", "restore", "keys.backup", "--passphrase-file", "passphrase.txt")


def test_the_encrypting_keys_are_restored_too(folder, monkeypatch):
    run("key_backup", "open", "keys.backup", "--passphrase-file", "passphrase.txt", "--to", "encryption-keys.txt")
    assert (folder / "encryption-keys.txt").read_text() == ",".join(conf.issuer().key_encryption_keys) + "\n"
    assert stat.S_IMODE((folder / "encryption-keys.txt").stat().st_mode) == 0o600
    lose_keys()
    wrong = replace(conf.issuer(), key_encryption_keys=(secrets.token_urlsafe(32),))
    with monkeypatch.context() as patch:
        patch.setattr(conf, "issuer", lambda: wrong)
        with pytest.raises(CommandError) as caught:
            run("key_backup", "restore", "keys.backup", "--passphrase-file", "passphrase.txt")
    assert caught.value.returncode == 5
    assert not Ring.objects.exists()
    run("key_backup", "restore", "keys.backup", "--passphrase-file", "passphrase.txt")


def test_another_passphrase_or_a_changed_file_is_refused(folder):
    (folder / "other.txt").write_text(secrets.token_urlsafe(32))
    content = (folder / "keys.backup").read_bytes()
    with pytest.raises(CommandError, match="passphrase is wrong") as caught:
        run("key_backup", "restore", "keys.backup", "--passphrase-file", "other.txt")
    assert caught.value.returncode == 3
    for changed in (content[:-1] + bytes([content[-1] ^ 1]), content[:-20], content[: len(key_backup.MAGIC) + 3]):
        (folder / "changed").write_bytes(changed)
        with pytest.raises(CommandError, match="passphrase is wrong, or the file was changed"):
            run("key_backup", "open", "changed", "--passphrase-file", "passphrase.txt", "--to", "x")
    (folder / "changed").write_bytes(b"other" + content)
    with pytest.raises(CommandError, match="not a backup"):
        run("key_backup", "restore", "changed", "--passphrase-file", "passphrase.txt")
    assert not (folder / "x").exists()


def test_the_file_shows_no_key(folder):
    content = (folder / "keys.backup").read_bytes()
    assert content.startswith(key_backup.MAGIC)
    assert not any(kid.encode() in content for kid in SigningKey.objects.values_list("kid", flat=True))


def test_a_weak_passphrase_and_a_file_that_exists_are_refused(folder):
    (folder / "short.txt").write_text("short")
    with pytest.raises(CommandError, match="16 characters or more"):
        run("key_backup", "save", "new.backup", "--passphrase-file", "short.txt")
    with pytest.raises(CommandError, match="File exists"):
        run("key_backup", "save", "keys.backup", "--passphrase-file", "passphrase.txt")
    with pytest.raises(CommandError, match="No such file"):
        run("key_backup", "restore", "none.backup", "--passphrase-file", "passphrase.txt")
    with pytest.raises(CommandError, match="not a terminal"):
        run("key_backup", "restore", "keys.backup")

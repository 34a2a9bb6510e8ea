"""Keys that are revoked in the audit journal, but live in a database that was restored from an older backup."""

import json
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection

from tests.tokens.keys.rows import ROWS, written
from tokens.keys import lost_revocation, store
from tokens.keys.errors import Unsafe
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db

AT = datetime(2031, 1, 1, tzinfo=UTC)


def test_only_revoked_keys_that_can_still_be_published_are_listed_and_a_standby_comes_first():
    with connection.cursor() as cursor:
        for statement in ROWS:
            cursor.execute(written(statement, connection.vendor))
    revoked = [*SigningKey.objects.exclude(kid="signing").values_list("kid", flat=True), "of no row"]
    revived = [key.kid for key in lost_revocation.revived(revoked, now=AT)]
    assert revived == ["standby", "last", "next", "planned", "spent", "superseded"]
    before = datetime(2029, 1, 1, tzinfo=UTC)
    assert {key.kid for key in lost_revocation.revived(revoked, now=before)} - set(revived) == {"retired"}


def test_only_the_ring_of_a_key_whose_revocation_was_lost_is_refused(settings, tmp_path):
    for arguments in ((), ("--ring", "orders", "--algorithm", "ES256")):
        call_command("rotate_keys", *arguments, verbosity=0)
    kid, now = SigningKey.objects.get(ring__name="orders", signs_at=None).kid, store.database_now()
    event = {"at": now.isoformat(), "action": "key.revoked", "subject": f"key:{kid}", "details": {}}
    settings.ISSUER = {**settings.ISSUER, "AUDIT_JOURNAL": tmp_path / "audit.jsonl"}
    lost_revocation.require_none("orders", now=now)
    (tmp_path / "audit.jsonl").write_text(json.dumps(event) + "\n")
    lost_revocation.require_none("default", now=now)
    with pytest.raises(Unsafe, match=rf"{kid} was revoked at .* run manage.py after_restore"):
        lost_revocation.require_none("orders", now=now)


def test_a_row_counts_as_revoked_and_the_log_says_so_only_if_its_revocation_was_lost(caplog):
    call_command("rotate_keys", verbosity=0)
    first, second = store.load("default")
    assert lost_revocation.as_revoked(first, {second.key.kid: AT}) is first
    assert "AUDIT_JOURNAL" not in caplog.text
    marked = lost_revocation.as_revoked(first, {first.key.kid: AT})
    assert marked.key.revoked_at == AT
    assert f"Signing key {first.key.kid} is revoked in AUDIT_JOURNAL" in caplog.text
    assert lost_revocation.as_revoked(marked, {first.key.kid: datetime(2032, 1, 1, tzinfo=UTC)}) is marked

"""The audit journal: a file with every row of the audit trail.

If the database lacks an event of the journal, the issuer concludes that the database was restored from a backup.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.utils import timezone

from tokens.audit import journal, trail
from tokens.audit.journal import Entry
from tokens.keys import keyring, publication, store
from tokens.keys.errors import NotReady
from tokens.models import AuditEvent, SigningKey

NOW = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def path(tmp_path, settings):
    settings.ISSUER = {**settings.ISSUER, "AUDIT_JOURNAL": str(tmp_path / "audit.jsonl")}
    return tmp_path / "audit.jsonl"


def record(action="client.created", subject="client:webapp", now=NOW, **details):
    return trail.record(action, actor="user:alice", subject=subject, details=details, now=now)


@pytest.mark.django_db
def test_each_row_of_the_audit_trail_is_a_line_of_a_file_with_mode_0600(path):
    record(grants=["authorization_code"])
    record("client.changed", now=NOW + timedelta(seconds=1))
    trail.log("token.issued", actor="client:webapp", subject="token:1", now=NOW)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["action"] for line in lines] == ["client.created", "client.changed"]
    assert lines[0] == {
        "at": NOW.isoformat(),
        "action": "client.created",
        "actor": "user:alice",
        "subject": "client:webapp",
        "details": {"grants": ["authorization_code"]},
    }
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_an_event_that_is_rolled_back_is_not_written(path, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        record()
        assert not path.exists()
    assert path.exists()


@pytest.mark.django_db
def test_without_a_journal_no_event_is_written_and_none_is_lost(tmp_path):
    record()
    assert (journal.entries(), journal.lost()) == ((), None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_a_journal_that_cannot_be_written_is_logged_and_the_event_is_recorded(tmp_path, settings, caplog):
    settings.ISSUER = {**settings.ISSUER, "AUDIT_JOURNAL": str(tmp_path / "nowhere" / "audit.jsonl")}
    assert AuditEvent.objects.filter(pk=record().pk).exists()
    assert "cannot be written, and lacks" in caplog.text


@pytest.mark.django_db
def test_the_newest_event_is_lost_only_if_the_database_lacks_it(path):
    line = json.dumps({"at": NOW.isoformat(), "action": "client.changed", "subject": "client:webapp"})
    path.write_text(f"{line}\n")
    assert journal.lost() == Entry(at=NOW, action="client.changed", subject="client:webapp")
    record(now=NOW + timedelta(seconds=1))
    assert journal.lost() is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2030-01-01 INFO django.request: {}",
        '{"at": "2030-01-01T12:00:00", "action": "a", "subject": "s"}',
        '{"at": "soon", "action": "a", "subject": "s"}',
        '{"at": "2030-01-01T12:00:00Z", "action": "key.revo',
        '{"at": "2030-01-01T12:00:00Z", "action": 7, "subject": "s"}',
        '["at"]',
        '{"at": "2030-01-01T12:00:00Z", "action": "a", "subject": "s", "details": 7}',
    ],
)
def test_a_line_that_is_no_event_is_skipped(line):
    good = '{"at": "2030-01-01T12:00:00Z", "action": "a", "subject": "s"}'
    assert [event.subject for event in journal.parse([line, good, f"issuer-1  | {good}"])] == ["s", "s"]


@pytest.mark.django_db
def test_an_event_is_found_by_a_log_that_keeps_milliseconds(path):
    record()
    logged = Entry(at=NOW.replace(microsecond=123000), action="client.created", subject="client:webapp")
    assert logged.is_in_database()
    assert not Entry(at=NOW + timedelta(seconds=1), action="client.created", subject="client:webapp").is_in_database()
    assert not Entry(at=NOW, action="client.created", subject="client:other").is_in_database()


# a key that the journal calls revoked and the database does not


@pytest.fixture
def restored_kid(path, db):
    """Return the kid of a signing key that the journal reports as revoked, but the database does not."""
    call_command("rotate_keys", verbosity=0)
    kid = keyring.signer(now=timezone.now()).kid
    entry = {"at": timezone.now().isoformat(), "action": "key.revoked", "subject": f"key:{kid}", "details": {}}
    with path.open("a") as file:
        file.write(json.dumps(entry) + "\n")
    keyring.snapshots.forget()
    return kid


def test_a_restored_revoked_key_neither_signs_nor_is_published_and_no_older_key_replaces_it(restored_kid, caplog):
    with pytest.raises(NotReady):
        keyring.signer(now=timezone.now())
    published = {key.kid for key in publication.published(now=timezone.now())}
    assert restored_kid not in published
    assert published, "the standby still is"
    assert f"Signing key {restored_kid} is revoked in AUDIT_JOURNAL" in caplog.text


def test_a_restored_revoked_key_stops_no_command_that_is_needed_first(restored_kid):
    call_command("migrate", database="default", verbosity=0, skip_checks=False)


def test_rotate_keys_refuses_the_ring_of_a_restored_revoked_key_and_names_the_remedy(restored_kid):
    for arguments in ((), ("--now",), ("--dry-run",), ("--rewrap",)):
        with pytest.raises(CommandError, match=r"run manage\.py after_restore") as refused:
            call_command("rotate_keys", *arguments, verbosity=0)
        assert refused.value.returncode == 3
    assert SigningKey.objects.count() == 2


def test_keys_check_and_the_start_up_report_a_restored_revoked_key(restored_kid, capsys):
    with pytest.raises(CommandError, match=rf"{restored_kid} is revoked in AUDIT_JOURNAL.*after_restore") as refused:
        call_command("keys", "--check")
    assert refused.value.returncode == 3
    messages = run_checks(tags=["keys"], databases=["default"])
    assert {message.id for message in messages} == {"tokens.W307"}


def test_a_key_that_is_revoked_in_the_database_too_is_no_problem(path, db):
    call_command("rotate_keys", verbosity=0)
    kid = keyring.signer(now=timezone.now()).kid
    call_command("revoke_key", kid, "--reason", "leaked", "--yes", "--accept-outage", verbosity=0)
    assert journal.revoked_keys() == {kid: SigningKey.objects.get(kid=kid).revoked_at}
    call_command("keys", "--check")
    call_command("rotate_keys", verbosity=0)
    keyring.snapshots.forget()
    assert keyring.signer(now=store.database_now()).kid != kid


def test_a_journal_that_cannot_be_read_is_reported_and_stops_no_signing(path, db, caplog):
    call_command("rotate_keys", verbosity=0)
    path.unlink()
    path.mkdir()
    keyring.snapshots.forget()
    assert keyring.signer(now=timezone.now())
    assert "AUDIT_JOURNAL cannot be read" in caplog.text
    with pytest.raises(CommandError, match="AUDIT_JOURNAL cannot be read"):
        call_command("keys", "--check")


# start-up


def deployment():
    return {message.id for message in run_checks(tags=["keys"], databases=(), include_deployment_checks=True)}


def test_production_is_warned_without_a_journal_or_with_one_that_cannot_be_written(settings, tmp_path):
    assert deployment() == {"tokens.W308"}
    settings.ISSUER = {**settings.ISSUER, "AUDIT_JOURNAL": str(tmp_path / "audit.jsonl")}
    assert deployment() == set()
    settings.ISSUER = {**settings.ISSUER, "AUDIT_JOURNAL": "/proc/nowhere/audit.jsonl"}
    assert deployment() == {"tokens.E309"}

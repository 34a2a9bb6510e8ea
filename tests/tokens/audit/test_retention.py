"""How long rows of the audit trail are kept."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from tokens.audit import retention, trail
from tokens.models import AuditEvent

pytestmark = pytest.mark.django_db
KEPT = timedelta(days=40)


@pytest.fixture
def kept(settings):
    settings.ISSUER = {**settings.ISSUER, "AUDIT_RETENTION": KEPT}


def event(age, name="thing.done"):
    return trail.record(name, actor="user:ada", subject="client:shop", now=timezone.now() - age)


def purge(*options):
    out = StringIO()
    call_command("purge_tokens", "--json", *options, stdout=out)
    return json.loads(out.getvalue())["removed"]["audit events"]


def test_events_older_than_the_retention_are_deleted_and_the_purge_is_an_event(kept):
    old, young = event(KEPT + timedelta(hours=1)), event(KEPT - timedelta(hours=1))
    event(timedelta(0))
    assert purge("--dry-run") == 1
    assert purge() == 1
    assert not AuditEvent.objects.filter(pk=old.pk).exists()
    assert AuditEvent.objects.filter(pk=young.pk).exists()
    done = AuditEvent.objects.get(action="audit.purged")
    assert done.details["rows"] == 1
    assert old.at < retention.purged_before() < young.at
    assert purge() == 0
    assert AuditEvent.objects.filter(action="audit.purged").count() == 1


def test_events_are_deleted_in_batches(kept):
    for _ in range(5):
        event(KEPT + timedelta(days=1))
    event(timedelta(0))
    assert purge("--batch", "2") == 5


def test_without_a_retention_events_are_kept():
    event(timedelta(days=4000))
    event(timedelta(0))
    assert purge() == 0
    assert AuditEvent.objects.count() == 2


def test_the_newest_event_is_kept_however_old_it_is(kept):
    event(KEPT + timedelta(days=2))
    newest = event(KEPT + timedelta(days=1))
    assert list(retention.ended(timezone.now())) != []
    assert newest not in retention.ended(timezone.now())


def test_the_database_refuses_to_delete_an_event_of_the_last_thirty_days():
    young, old = event(timedelta(days=29)), event(timedelta(days=31))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=young.pk).delete()
    AuditEvent.objects.filter(pk=old.pk).delete()
    assert list(AuditEvent.objects.all()) == [young]


def test_a_purged_event_of_the_journal_is_not_taken_for_a_lost_one(kept, settings, tmp_path):
    settings.ISSUER = {**settings.ISSUER, "AUDIT_JOURNAL": str(tmp_path / "audit.jsonl")}
    at = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    line = json.dumps({"at": at, "action": "user.disabled", "subject": "user:ada"}) + "\n"

    def lost():
        (tmp_path / "audit.jsonl").write_text(line)
        out = StringIO()
        call_command("after_restore", "--dry-run", "--json", stdout=out)
        return json.loads(out.getvalue())["records"]

    event(KEPT + timedelta(days=1))
    event(timedelta(0))
    assert lost() == 1
    purge()
    assert lost() == 0

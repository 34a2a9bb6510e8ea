"""System checks compare the database with the newest state recorded in the cache.

They report a database that is older than that state, and no other database.
"""

import logging
import secrets
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from tests.tokens.factories import make_client
from tokens.audit import trail
from tokens.issued import revocation_record
from tokens.keys import store
from tokens.models import AuditEvent, Publication, RegistryVersion, RevocationLog
from tokens.revoking import feed_publisher, high_water, high_water_marks
from tokens.revoking.feed_log import Version
from tokens.revoking.high_water import EVERY, Recorder
from tokens.revoking.high_water_marks import Event, Marks

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


class Remembered:
    """A replacement for Redis, in memory. It stores the newest known state of the database."""

    def __init__(self):
        self.marks, self.replaced, self.answers, self.writes = Marks(), set(), True, 0

    def read(self, *, now):
        return self.marks if self.answers else None

    def was_replaced(self, registry, *, now):
        return registry in self.replaced

    def write(self, state, *, over, now):
        self.writes += 1
        if over.registry and over.registry != state.registry:
            self.replaced.add(over.registry)
        self.marks = state

    def reset(self, *, now):
        self.marks, self.replaced = (Marks(), set()) if self.answers else (self.marks, self.replaced)
        return self.answers


@pytest.fixture
def remembered(monkeypatch):
    fake = Remembered()
    for name in ("read", "was_replaced", "write", "reset"):
        monkeypatch.setattr(high_water_marks, name, getattr(fake, name))
    return fake


def record():
    Recorder().record(now=NOW)


def event(at=NOW):
    return trail.record("client.created", actor="user:alice", subject="client:webapp", now=at)


def publish():
    revocation_record.revoke_token(secrets.token_hex(8), expires_at=timezone.now() + timedelta(minutes=5))
    feed_publisher.publish_all(now=store.database_now())


def report():
    return high_water.report(now=NOW)


def test_a_database_that_only_moves_forward_is_never_reported(remembered):
    make_client("a", "client_credentials")
    for change in (event, publish, lambda: make_client("b", "client_credentials")):
        record()
        change()
        assert report() == ""
    record()
    assert remembered.marks.feed.number == 1
    assert remembered.marks.event.at == NOW
    assert remembered.marks.registry == RegistryVersion.objects.get().value
    assert remembered.replaced


def test_without_marks_or_redis_nothing_is_reported(remembered):
    event()
    assert report() == ""
    remembered.marks, remembered.answers = Marks(event=Event(7, NOW)), False
    assert report() == ""
    assert high_water.lost_event(now=NOW) is None


@pytest.mark.parametrize("unlike", [None, "number", "instant"])
def test_an_event_that_the_trail_lacks_is_reported_even_if_later_events_exist(remembered, unlike):
    newest = event()
    event(NOW + timedelta(days=1))
    by = {None: (0, 0), "number": (7, 0), "instant": (0, 1)}[unlike]
    at = NOW + timedelta(microseconds=by[1])
    remembered.marks = Marks(event=Event(newest.pk + by[0], at))
    assert ("audit trail lacks the event of 2030-01-01 12:00:00 UTC" in report()) == (unlike is not None)
    assert high_water.lost_event(now=NOW) == (at if unlike else None)


@pytest.mark.parametrize(
    ("number", "tag", "is_reported"),
    [(1, "its own", False), (1, "another", True), (2, "its own", False), (2, "another", True), (3, "another", True)],
)
def test_a_feed_with_a_lower_version_or_another_tag_is_reported(remembered, number, tag, is_reported):
    publish()
    publish()
    own = Publication.objects.filter(version=number).values_list("tag", flat=True).first()
    remembered.marks = Marks(feed=Version(number, own if tag == "its own" else "AAAAAAAAAAA"))
    head = RevocationLog.objects.get()
    problem = f"its revocation feed is at {head}, and was at {remembered.marks.feed}"
    assert (problem in report()) == is_reported


def test_an_emptied_feed_is_reported_and_purged_versions_are_not(remembered):
    publish()
    remembered.marks = Marks(feed=Version(0, "AAAAAAAAAAA"))
    assert "its revocation feed is at 1." in report()
    Publication.objects.filter(version=0).delete()
    assert report() == ""
    remembered.marks = Marks(feed=Version(1, "AAAAAAAAAAA"))
    RevocationLog.objects.all().delete()
    assert "its revocation feed is at 0., and was at 1.AAAAAAAAAAA" in report()


def test_a_replaced_version_of_the_registry_is_reported_and_an_unknown_one_is_not(remembered):
    make_client("a", "client_credentials")
    former = RegistryVersion.objects.get().value
    record()
    make_client("b", "client_credentials")
    record()
    assert report() == ""
    RegistryVersion.objects.update(value=former)
    assert "clients, secrets or APIs are of an earlier version" in report()
    RegistryVersion.objects.update(value="another")
    assert report() == ""


def test_a_version_that_another_process_replaced_after_it_was_read_is_not_reported(remembered, monkeypatch):
    make_client("a", "client_credentials")
    record()
    former = RegistryVersion.objects.get().value

    def replaced(registry, *, now):
        make_client("b", "client_credentials")  # another process, between this process's reading and its question
        return registry == former

    monkeypatch.setattr(high_water_marks, "was_replaced", replaced)
    remembered.marks = Marks(registry="a version before")
    assert report() == ""


def test_while_the_database_is_older_no_mark_is_written_and_the_log_says_so_once(remembered, caplog):
    recorder, marks = Recorder(), Marks(event=Event(7, NOW))
    remembered.marks = marks
    for seconds in (0, 60, 120):
        event(NOW + timedelta(seconds=seconds))
        recorder.record(now=NOW + timedelta(seconds=seconds))
    assert remembered.marks is marks
    errors = [line for line in caplog.records if line.levelno == logging.ERROR]
    assert [line.getMessage() for line in errors] == [f"The database went back in time: {report()}"]
    high_water.reset(now=NOW)
    recorder.record(now=NOW + timedelta(seconds=180))
    assert remembered.marks.event.at == NOW + timedelta(seconds=120)


def test_the_recorder_reads_at_most_once_in_its_interval_and_writes_only_changes(remembered):
    recorder = Recorder()
    recorder.record(now=NOW)
    event()
    recorder.record(now=NOW + EVERY - timedelta(microseconds=1))
    assert remembered.marks.event is None
    recorder.record(now=NOW + EVERY)
    assert (remembered.marks.event.at, remembered.writes) == (NOW, 2)
    recorder.record(now=NOW + 2 * EVERY)
    assert remembered.writes == 2
    event(NOW - timedelta(days=1))
    recorder.record(now=NOW - timedelta(days=1))  # the clock was set back
    assert remembered.writes == 3


def test_an_outage_of_the_database_changes_no_mark(remembered, monkeypatch):
    def refuse():
        raise OperationalError("gone")

    monkeypatch.setattr(high_water, "_state", refuse)
    record()
    assert remembered.writes == 0


def older(remembered):
    call_command("rotate_keys", verbosity=0)
    remembered.marks = Marks(event=Event(10_000, NOW))


def test_keys_check_and_the_system_check_report_it_and_no_request_is_refused(remembered):
    older(remembered)
    with pytest.raises(
        CommandError, match=r"older than the state recorded in Redis.*after_restore.*docs/restore\.md"
    ) as error:
        call_command("keys", "--check", stdout=StringIO())
    assert error.value.returncode == 3
    (warning,) = [
        message for message in run_checks(tags=["keys"], databases=["default"]) if message.id == "tokens.W307"
    ]
    assert "older than the state recorded in Redis" in warning.msg
    call_command("rotate_keys", verbosity=0)


@pytest.mark.urls("project.urls.issuer")
def test_readyz_reports_it_and_stays_ready(remembered, client, signer, monkeypatch):
    assert client.get("/readyz").json() == {"status": "ok"}
    remembered.marks = Marks(event=Event(10_000, NOW))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["attention"]) == (200, [report()])

    def refuse():
        raise OperationalError("gone")

    monkeypatch.setattr(high_water, "_state", refuse)
    assert client.get("/readyz").json() == {"status": "ok"}


def after_restore(*options):
    out, err = StringIO(), StringIO()
    call_command("after_restore", *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_after_restore_reports_it_and_resets_the_marks_and_a_dry_run_does_not(remembered):
    older(remembered)
    out, err = after_restore("--dry-run")
    assert "older than the state recorded in Redis" in out
    assert f"an event of {NOW.isoformat()} that neither AUDIT_JOURNAL nor --from has" in err
    assert report()
    assert "older than the state recorded in Redis" in after_restore("--yes")[0]
    assert report() == ""
    record()
    assert remembered.marks.event.id == AuditEvent.objects.latest("id").pk
    out, err = after_restore("--yes")
    assert ("older than" in out, "Redis" in err) == (False, False)


def test_after_restore_reports_no_missing_event_if_a_log_has_it(remembered, tmp_path):
    older(remembered)
    log = tmp_path / "issuer.log"
    log.write_text('INFO {"at": "2030-01-01T12:00:00.123Z", "action": "client.created", "subject": "client:a"}\n')
    out, err = after_restore("--dry-run", "--from", str(log))
    assert ("older than the state recorded in Redis" in out, "neither AUDIT_JOURNAL" in err) == (True, False)


def test_after_restore_warns_if_redis_did_not_delete_the_marks(remembered):
    older(remembered)
    remembered.answers = False
    out, err = after_restore("--yes")
    assert ("older" in out, "Redis did not forget the newer database" in err) == (False, True)

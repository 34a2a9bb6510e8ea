"""The log of the revocation feed: concurrent writers and readers on SQLite, and the rules of publication."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from tests import prepared
from tests.tokens.feed_reader import entries_of, key
from tokens.issued import revocation_record
from tokens.keys import store
from tokens.models import Publication, RevocationLog
from tokens.revoking import feed_log, feed_publisher
from tokens.revoking.feed_log import LogSize, Version

ROOT = Path(__file__).resolve().parents[3]

WRITE = """
import random, time
from django.db import transaction
from tokens.keys import store
from tokens.issued import revocation_record
from tokens.keys import store
for number in range({first}, {first} + 50):
    with transaction.atomic():
        revocation_record.revoke_token("t-%d" % number, expires_at=store.database_now())
        time.sleep(random.random() / 200)
"""
READ = """
import sys, time
from django.utils import timezone
from tokens.revoking import feed_log, feed_publisher
entries, since, end = [], None, time.monotonic() + 100
while len(entries) < 100 and time.monotonic() < end:
    feed_publisher.publish(now=timezone.now())
    changes = feed_log.changes(since, now=timezone.now(), sealed=0)
    entries += [changes.entries[start:start + 24].hex() for start in range(0, len(changes.entries), 24)]
    since = changes.version
print(since.number, len(entries), len(set(entries)))
"""


@pytest.mark.processes
@pytest.mark.xdist_group("run")
def test_on_sqlite_readers_get_each_entry_of_two_concurrent_writers_exactly_once(tmp_path, tmp_path_factory):
    prepared.databases(tmp_path_factory, tmp_path)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'issuer.sqlite3'}",
    }

    def start(*arguments):
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    def shell(script):
        return start("shell", "-v", "0", "--no-imports", "-c", script)

    def printed(process):
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        return out.split()

    writers = [shell(WRITE.format(first=first)) for first in (0, 50)]
    readers = [shell(READ) for _ in range(2)]
    for writer in writers:
        printed(writer)
    assert [printed(reader)[1:] for reader in readers] == [["100", "100"]] * 2


@pytest.mark.django_db
def test_a_waiting_entry_is_in_no_answer_before_its_publication():
    now = timezone.now()
    revocation_record.revoke_token("a", expires_at=now)
    before = feed_log.head()
    assert (before.has_waiting, feed_log.changes(None, now=now, sealed=0).entries) == (True, b"")
    feed_publisher.publish(now=now)
    after = feed_log.head()
    assert (after.version.number, after.has_waiting) == (before.version.number + 1, False)
    assert set(entries_of(feed_log.changes(before.version, now=now, sealed=0).entries)) == {key("jti", "a")}


@pytest.mark.django_db
def test_a_publication_without_waiting_entries_makes_no_version():
    before = feed_log.head()
    feed_publisher.publish(now=timezone.now())
    assert feed_log.head() == before
    assert Publication.objects.count() == 1


@pytest.mark.django_db
def test_a_publication_returns_the_state_that_the_next_statement_reads():
    for name in "ab":
        revocation_record.revoke_token(name, expires_at=timezone.now())
        published = feed_publisher.publish(now=timezone.now())
        assert published == feed_log.head()
    assert published.version.number == 2


@pytest.mark.django_db
def test_a_full_publication_says_that_more_can_wait_and_one_that_is_not_full_says_no(monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    now = timezone.now()
    revocation_record.revoke_users("abc", now=now)
    assert feed_publisher.publish(now=now, batches=1).has_waiting
    assert not feed_publisher.publish(now=now, batches=1).has_waiting
    assert feed_log.head().sealed == 1


@pytest.mark.django_db
def test_one_publication_makes_at_most_the_permitted_number_of_versions(monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    now, before = timezone.now(), feed_log.head().version.number
    revocation_record.revoke_users("abcdefghi", now=now)
    assert [feed_publisher.publish(now=now, batches=most).version.number - before for most in (1, 2)] == [1, 3]
    assert feed_publisher.publish(now=now).version.number - before == 5


@pytest.mark.django_db
def test_a_publication_creates_the_log_of_a_database_that_was_emptied_by_hand():
    RevocationLog.objects.all().delete()
    Publication.objects.all().delete()
    assert feed_log.size() == LogSize(0, 0)
    revocation_record.revoke_token("a", expires_at=timezone.now())
    assert feed_publisher.publish(now=timezone.now()).version.number == 1
    assert feed_log.size() == LogSize(1, 1)
    assert set(entries_of(feed_log.changes(None, now=timezone.now(), sealed=0).entries)) == {key("jti", "a")}


@pytest.mark.django_db
def test_the_state_is_dated_by_the_clock_of_the_database():
    assert feed_log.head().waiting_at is None
    revocation_record.revoke_token("a", expires_at=timezone.now())
    before, at, after = store.database_now(), feed_log.head().waiting_at, store.database_now()
    assert before <= at <= after


@pytest.mark.django_db
def test_the_changes_of_ones_own_publication_are_those_that_the_log_has():
    first = feed_log.head().version
    heads = []
    for name in "ab":
        revocation_record.revoke_token(name, expires_at=timezone.now())
        heads.append(feed_publisher.publish(now=timezone.now()))
    for since in (first, heads[0].version, heads[1].version, Version(1, "A" * 11), None):
        now = timezone.now()
        assert feed_log.changes_to(heads[1], since, now=now) == feed_log.changes(since, now=now, sealed=0)
    assert feed_log.changes_to(heads[1], heads[0].version, now=timezone.now()).entries != b""
    later = timezone.now() + timedelta(days=1)
    assert feed_log.changes_to(heads[1], heads[0].version, now=later).entries == b""


@pytest.mark.django_db
def test_every_version_has_a_tag_of_its_own_and_another_tag_is_unknown():
    for name in "abc":
        revocation_record.revoke_token(name, expires_at=timezone.now())
        feed_publisher.publish(now=timezone.now())
    tags = set(Publication.objects.values_list("tag", flat=True))
    assert len(tags) == 4
    assert RevocationLog.objects.get().tag in tags
    other = Version(1, RevocationLog.objects.get().tag)
    assert feed_log.changes(other, now=timezone.now(), sealed=0) is None


@pytest.mark.django_db
def test_a_reader_of_a_lost_version_gets_no_delta_by_segments(monkeypatch):
    """A failover lost version 1, and the log has another version 1 now, whose entries are in a segment."""
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    now = timezone.now()
    revocation_record.revoke_users("abcdefg", now=now)
    feed_publisher.publish_all(now=now)
    sealed = feed_log.head().sealed
    current = Version(1, Publication.objects.get(version=1).tag)
    assert feed_log.changes(current, now=now, sealed=sealed).segments
    assert feed_log.changes(Version(1, "A" * 11), now=now, sealed=sealed) is None


@pytest.mark.django_db
def test_up_to_a_segment_of_entries_is_returned_inline(monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    versions = [feed_log.head().version]
    for name in "abc":
        revocation_record.revoke_token(name, expires_at=timezone.now())
        versions.append(feed_publisher.publish(now=timezone.now()).version)
    now, sealed = timezone.now(), feed_log.head().sealed
    inline = [feed_log.changes(version, now=now, sealed=sealed).segments == () for version in versions]
    assert (sealed, inline) == (2, [False, True, True, True])
    assert feed_log.changes(versions[1], now=now, sealed=sealed).version == versions[3]


@pytest.mark.django_db
def test_at_most_a_segment_of_entries_is_read_at_once(monkeypatch):
    versions = [feed_log.head().version]
    for name in "abc":
        revocation_record.revoke_token(name, expires_at=timezone.now())
        versions.append(feed_publisher.publish(now=timezone.now()).version)
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    last, bodies, first = feed_log.published(0, now=timezone.now())
    assert (first, last, len(bodies)) == (versions[0], versions[2], 2)
    assert len(feed_log.published(versions[2].number, now=timezone.now())[1]) == 1


@pytest.mark.django_db
def test_publish_all_publishes_more_entries_than_one_request_does(monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    revocation_record.revoke_users(map(str, range(25)), now=timezone.now())
    feed_publisher.publish_all(now=timezone.now())
    assert not feed_log.head().has_waiting
    assert connection.vendor != "sqlite" or Publication.objects.count() > 10

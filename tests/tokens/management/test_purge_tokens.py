"""`purge_tokens` deletes expired rows, and keeps rows that can still be needed."""

import json
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.tokens.factories import API
from tokens.issued import revocation_key, revocation_record
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import (
    AuditEvent,
    AuthorizationCode,
    BrowserSession,
    Client,
    DeviceCode,
    EndedSession,
    InitialAccessToken,
    LogoutMessage,
    OpenClient,
    Publication,
    PushedRequest,
    RefreshToken,
    Revocation,
    Segment,
    SessionClient,
    UsedAssertion,
    UsedProof,
    UserGrant,
)
from tokens.revoking import purge

MARGIN = 2 * PRODUCTION.clock_error + timedelta(minutes=1)


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command("purge_tokens", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def rows(user, webapp, settings):
    """Create two rows in each table: an expired row and a row that is still needed."""
    now = timezone.now()
    old = now - revocation_record.acceptance_after_issue() - MARGIN
    settings.ISSUER = {**settings.ISSUER, "AUDIT_RETENTION": timedelta(days=30)}
    for at in (now - timedelta(days=31), now):
        AuditEvent.objects.create(at=at, actor="user:ada", action="thing.done", subject="client:webapp")
    for name, at in (("ended", now - MARGIN), ("live", now + MARGIN)):
        fresh = {"user": user, "client": webapp, "audience": API, "scope": "notes:read", "auth_time": now}
        grant = UserGrant.objects.create(**fresh, created_at=now, ends_at=now)
        AuthorizationCode.objects.create(digest=name, grant=grant, expires_at=at)
        RefreshToken.objects.create(
            digest=name, grant=grant, created_at=old, expires_at=at - revocation_record.acceptance_after_issue()
        )
        common = {"client": webapp, "audience": API, "created_at": now, "interval": 5}
        DeviceCode.objects.create(digest=name, user_code_digest=name, expires_at=at, **common)
        ends = old if name == "ended" else old + 2 * MARGIN
        UserGrant.objects.create(**fresh, created_at=old, ends_at=ends)
        UsedAssertion.objects.create(digest=name.encode(), expires_at=at)
        UsedProof.objects.create(digest=name.encode(), expires_at=at)
        PushedRequest.objects.create(digest=name, client=webapp, query="", expires_at=at)
        Revocation.objects.create(
            key=revocation_key.key("jti", name), kind="jti", issued_before=0, until=at.timestamp()
        )
        number, before = len(name), old if name == "ended" else now
        Segment.objects.create(digest=name, version=number, count=1, until=at.timestamp(), body=b"")
        Publication.objects.create(version=number, tag=name, at=before, count=1, until=at.timestamp(), body=b"")
        Session.objects.create(session_key=name, expire_date=at)
        key = "live" if name == "live" else "session that was deleted before"
        BrowserSession.objects.create(user=user, session_key=key, began_at=old, last_seen_at=now - timedelta(days=1))
        InitialAccessToken.objects.create(digest=name, created_at=now, expires_at=at, registrations_left=1)
        stranger = Client.objects.create(client_id=name, registered_by="dynamic")
        OpenClient.objects.create(client=stranger, created_at=now, ends_at=at)
        EndedSession.objects.create(sid=name, at=at - purge.ENDED_FOR)
        SessionClient.objects.create(sid=name, user=user, client=webapp, last_at=at - purge.REMEMBERED_FOR)
        message = {"client": webapp, "sub": "u-1", "created_at": now, "give_up_at": now}
        LogoutMessage.objects.create(sid=name, delivered_at=at - purge.DELIVERED_FOR, **message)
        LogoutMessage.objects.create(sid=name, dead_at=at - purge.DEAD_FOR, **message)
    LogoutMessage.objects.create(sid="pending", due_at=old, **message | {"created_at": old - purge.DEAD_FOR})


def test_expired_rows_are_deleted_and_other_rows_stay(rows):
    out, err = run()
    assert [line.split()[-2:] for line in out.splitlines()] == [["1", "deleted"]] * len(purge.TABLES)
    assert err.count("…") == len(purge.TABLES)
    assert [authorization_code.pk for authorization_code in AuthorizationCode.objects.all()] == ["live"]
    assert [refresh_token.pk for refresh_token in RefreshToken.objects.all()] == ["live"]
    assert [device_code.pk for device_code in DeviceCode.objects.all()] == ["live"]
    assert UserGrant.objects.count() == 3
    assert [bytes(used_assertion.digest) for used_assertion in UsedAssertion.objects.all()] == [b"live"]
    assert [bytes(used_proof.digest) for used_proof in UsedProof.objects.all()] == [b"live"]
    assert [pushed_request.digest for pushed_request in PushedRequest.objects.all()] == ["live"]
    assert [revocation.key for revocation in Revocation.objects.filter(kind="jti")] == [
        revocation_key.key("jti", "live")
    ]
    assert [segment.digest for segment in Segment.objects.all()] == ["live"]
    assert [publication.tag for publication in Publication.objects.exclude(version=0)] == ["live"]
    assert [session.pk for session in Session.objects.all()] == ["live"]
    assert [browser_session.session_key for browser_session in BrowserSession.objects.all()] == ["live"]
    assert [initial_access_token.digest for initial_access_token in InitialAccessToken.objects.all()] == ["live"]
    assert [client.client_id for client in Client.objects.exclude(registered_by=None)] == ["live"]
    assert [ended_session.sid for ended_session in EndedSession.objects.all()] == ["live"]
    assert [session_client.sid for session_client in SessionClient.objects.all()] == ["live"]
    assert sorted(logout_message.sid for logout_message in LogoutMessage.objects.all()) == ["live", "live", "pending"]


def test_a_redeemed_code_stays_while_its_grant_exists(rows):
    now, old = timezone.now(), timezone.now() - MARGIN
    living, over = UserGrant.objects.order_by("-ends_at")[:1].get(), UserGrant.objects.order_by("ends_at")[:1].get()
    for name, grant in (("kept", living), ("gone", over)):
        AuthorizationCode.objects.filter(grant=grant).delete()
        AuthorizationCode.objects.create(digest=name, grant=grant, expires_at=old, redeemed_at=old)
        common = {"client": grant.client, "audience": API, "created_at": now, "interval": 5}
        DeviceCode.objects.create(
            digest=name, user_code_digest=name, grant=grant, expires_at=old, redeemed_at=old, **common
        )
    run()
    for codes in (AuthorizationCode, DeviceCode):
        assert "kept" in codes.objects.values_list("pk", flat=True)
        assert "gone" not in codes.objects.values_list("pk", flat=True)


def test_a_dry_run_counts_and_removes_nothing(rows):
    out, err = run("--dry-run", "--json")
    assert json.loads(out) == {"dry_run": True, "removed": dict.fromkeys(purge.TABLES, 1)}
    assert (err, Revocation.objects.count()) == ("", 2)
    assert json.loads(run("--json")[0]) == {"dry_run": False, "removed": dict.fromkeys(purge.TABLES, 1)}
    assert json.loads(run("--json")[0])["removed"] == dict.fromkeys(purge.TABLES, 0)


@pytest.mark.django_db
def test_the_next_run_continues_an_interrupted_run():
    ended = timezone.now() - MARGIN
    until = int(ended.timestamp())
    Revocation.objects.bulk_create(
        Revocation(key=UUID(int=n), kind="jti", issued_before=0, until=until) for n in range(5)
    )
    batches = purge.purge("revocations", now=timezone.now(), batch=2)
    assert next(batches) == 2
    batches.close()
    assert Revocation.objects.count() == 3
    assert list(purge.purge("revocations", now=timezone.now(), batch=2)) == [2, 1]


@pytest.mark.parametrize("batch", ["0", "-1", "x", "100001"])
def test_an_invalid_batch_size_is_refused(batch):
    with pytest.raises(CommandError, match="not a number of rows"):
        run("--batch", batch)


@pytest.mark.django_db
def test_rows_stay_while_a_slow_clock_can_need_them():
    UsedAssertion.objects.create(digest=b"used", expires_at=timezone.now() - PRODUCTION.clock_error)
    run()
    assert UsedAssertion.objects.exists()


def test_every_table_is_read_by_an_index(rows):
    for table, ended in purge.TABLES.items():
        plan = ended(timezone.now())[:10].explain()
        assert "INDEX" in plan, (table, plan)

"""The counts of issued tokens and refused requests per client, which a background thread stores.

For each client, the last token and the last refusal are stored with their times.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError

from tests.tokens.factories import basic, post
from tokens.audit import jobs, tally, trail
from tokens.audit.tally import KEPT, OTHER, Tally, of_day, total
from tokens.audit.trail import Noted
from tokens.models import ClientActivity, DailyCount, JobRun

NOW = datetime(2030, 1, 1, 23, 59, 59, tzinfo=UTC)
DAY = date(2030, 1, 1)


@pytest.fixture(autouse=True)
def nothing_counted():
    trail.recent.clear()
    trail.last_seen.clear()
    yield
    trail.recent.clear()
    trail.last_seen.clear()


def issued(client="client:service", name="client_credentials", at=NOW):
    return Noted(at, "token.issued", name, client)


def test_lines_are_added_up_by_day_action_and_name():
    refused = Noted(NOW, "token.refused", "no such client", "client:unknown")
    counts = total([issued(), issued(at=NOW + timedelta(seconds=1)), issued(), refused]).counts
    assert counts == {
        (DAY, "token.issued", "client_credentials"): 2,
        (DAY + timedelta(days=1), "token.issued", "client_credentials"): 1,
        (DAY, "token.refused", "no such client"): 1,
    }


def test_more_names_than_a_flush_keeps_are_counted_together():
    counts = total([issued(name=f"reason {n}") for n in range(KEPT + 7)]).counts
    assert len(counts) == KEPT + 1
    assert counts[DAY, "token.issued", OTHER] == 7
    assert sum(counts.values()) == KEPT + 7


@pytest.mark.django_db
def test_an_issued_and_a_refused_token_are_counted_and_their_client_remembered(client, service, signer):
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    assert post(client, "/oauth/token", form, **basic("service", service.plain)).status_code == 200
    assert post(client, "/oauth/token", form, **basic("service", "wrong")).status_code == 401
    assert post(client, "/oauth/token", form, **basic("stranger", "wrong")).status_code == 401
    assert not DailyCount.objects.exists(), "the requests themselves write nothing"
    Tally().flush(now=NOW)
    counts = {(row.action, row.name): row.number for row in DailyCount.objects.all()}
    assert counts.pop(("token.issued", "client_credentials")) == 1
    assert sum(counts.values()) == 2
    (row,) = ClientActivity.objects.all()
    assert (row.client_id, row.grant_type) == ("service", "client_credentials")
    assert row.token_at is not None
    assert row.refusal
    assert service.plain not in row.refusal


@pytest.mark.django_db
def test_a_second_flush_adds_to_the_first_and_waits_for_its_time():
    counting = Tally()
    for later, expected in ((timedelta(0), 1), (tally.EVERY / 2, 1), (tally.EVERY, 3)):
        trail.recent.append(issued())
        counting.flush(now=NOW + later)
        assert of_day(DAY, "token.issued", limit=9) == [("client_credentials", expected)]


@pytest.mark.django_db
def test_counts_are_kept_if_the_database_does_not_answer(monkeypatch):
    counting = Tally()
    trail.recent.extend([issued(name="first"), issued(name="second")])
    with monkeypatch.context() as patch:
        patch.setattr(tally, "write", lambda _: (_ for _ in ()).throw(DatabaseError()))
        counting.flush(now=NOW)
    assert [entry.name for entry in trail.recent] == ["first", "second"]
    counting.flush(now=NOW + tally.EVERY)
    assert sum(DailyCount.objects.values_list("number", flat=True)) == 2


@pytest.mark.django_db
def test_a_poll_of_the_feed_is_recorded(client, signer):
    assert client.get("/oauth/revocations").status_code in {200, 503}
    Tally().flush(now=NOW)
    assert JobRun.objects.get().name == jobs.POLLED


@pytest.mark.django_db
def test_names_are_listed_the_greatest_number_first():
    for name, number in (("a", 1), ("b", 3), ("c", 2)):
        DailyCount.objects.create(day=DAY, action="token.refused", name=name, number=number)
    assert of_day(DAY, "token.refused", limit=2) == [("b", 3), ("c", 2)]

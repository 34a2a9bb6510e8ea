"""The audit trail in the admin: its filter, the link to older events, and the export."""

import csv
from datetime import UTC, datetime, timedelta

import pytest

from tokens.admin import audit
from tokens.admin.long_list import BoundedPaginator
from tokens.models import AuditEvent, User

pytestmark = pytest.mark.django_db
PAGE = "/admin/tokens/auditevent/"
EXPORT = f"{PAGE}export.csv"
NOW = datetime(2030, 1, 1, 12, 0, 7, tzinfo=UTC)


def make(number=1, **fields):
    defaults = {"actor": "user:ada", "action": "thing.done", "subject": "client:shop"}
    for n in range(number):
        AuditEvent.objects.create(**{"at": NOW + timedelta(seconds=n)} | defaults | fields)


@pytest.fixture
def events(admin):
    """Create three audit events for the tests."""
    make(actor="user:ada")
    make(actor="user:eve", action="key.revoked", subject="key:k", at=NOW + timedelta(hours=1))
    make(actor="client:shop", action="grant.revoked", subject="grant:g", at=NOW + timedelta(hours=2))


def listed(browser, **query):
    page = browser.get(PAGE, query)
    assert page.status_code == 200
    return [row.action for row in page.context["cl"].result_list]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"actor": "user:eve"}, ["key.revoked"]),
        ({"actor": "user:e"}, []),
        ({"client": "shop"}, ["grant.revoked", "thing.done"]),
        ({"event": "key.revoked"}, ["key.revoked"]),
        ({"since": "2030-01-01T13:00:08"}, ["grant.revoked"]),
        ({"since": "2030-01-01T13:00", "until": "2030-01-01T14:00:07"}, ["key.revoked"]),
        ({"client": "shop", "q": "grant"}, ["grant.revoked"]),
        ({"since": "yesterday"}, []),
    ],
)
def test_the_filter_limits_the_list(admin, events, query, expected):
    assert listed(admin, **query) == expected


def test_the_filter_shows_what_it_is_set_to_with_a_label_for_each_field(admin, events):
    page = admin.get(PAGE, {"actor": "user:eve"}).content.decode()
    assert 'value="user:eve"' in page
    for name in ("actor", "client", "event", "since", "until"):
        assert f'<label for="id_{name}"' in page
    assert '<option value="key.revoked">' in page


def test_a_wrong_time_is_reported_and_does_not_widen_the_list(admin, events):
    assert "Enter a valid date/time." in admin.get(PAGE, {"since": "yesterday"}).content.decode()


def test_the_actor_is_the_first_column_and_the_instant_has_seconds(admin, events):
    page = admin.get(PAGE, {"actor": "user:eve"}).content.decode()
    assert page.index("column-actor") < page.index("column-action") < page.index("column-at_second")
    assert "2030-01-01 13:00:07" in page


def test_older_events_follow_each_once(admin, monkeypatch):
    monkeypatch.setattr(audit.AuditEventAdmin, "list_per_page", 2)
    make(5, at=NOW)
    make(2, actor="user:eve", at=NOW)
    seen, query = [], "?actor=user:ada"
    while query:
        page = admin.get(PAGE + query)
        seen += [row.pk for row in page.context["cl"].result_list]
        query = page.context["cl"].next_page
    expected = AuditEvent.objects.filter(actor="user:ada").order_by("-at", "-id")
    assert seen == list(expected.values_list("pk", flat=True))


def test_the_export_of_a_page_by_key_has_the_whole_list(admin, events):
    oldest = AuditEvent.objects.filter(action="thing.done").get()
    page = admin.get(PAGE, {"precedes": oldest.pk, "client": "shop"})
    assert [row.action for row in page.context["cl"].result_list] == ["grant.revoked"]
    rows = b"".join(admin.get(EXPORT + page.context["export_query"])).decode().splitlines()
    assert len(rows) == 3


def test_a_long_list_counts_no_more_rows_than_it_shows(admin, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr("tokens.admin.long_list.LIMIT", 3)
    make(5)
    with django_assert_num_queries(1) as captured:
        pages = BoundedPaginator(AuditEvent.objects.order_by("-at", "-id"), 2)
        assert (pages.count, pages.num_pages, pages.has_more) == (3, 2, True)
    assert "LIMIT 4" in captured.captured_queries[0]["sql"]
    assert "more than 3" in admin.get(PAGE).content.decode()


def test_the_export_has_the_events_of_the_list_and_is_an_event(admin, events):
    answer = admin.get(EXPORT, {"client": "shop"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer.headers["Cache-Control"]
    _, *rows = csv.reader(b"".join(answer).decode().splitlines())
    assert [row[2] for row in rows] == ["grant.revoked", "thing.done"]
    made = AuditEvent.objects.get(action="audit.exported")
    assert (made.actor, made.details) == ("user:root", {"client": "shop"})


def test_the_export_is_bounded(admin, events, monkeypatch):
    monkeypatch.setattr(audit, "EXPORTED", 2)
    assert len(b"".join(admin.get(EXPORT)).decode().splitlines()) == 3


def test_a_name_in_the_export_is_no_formula(admin):
    make(actor="=cmd|'/c calc'!A1")
    assert b"'=cmd" in b"".join(admin.get(EXPORT))


def test_an_administrator_who_may_not_see_events_exports_none(client, events):
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    answer = client.get(EXPORT)
    assert (answer.status_code, getattr(answer, "streaming", False)) == (403, False)
    assert not AuditEvent.objects.filter(action="audit.exported").exists()

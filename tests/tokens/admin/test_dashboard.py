"""The dashboard on the start page of the admin, which shows the state of the issuer."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.utils import timezone

from tests.tokens.factories import make_client, operation
from tokens.audit import jobs, trail
from tokens.keys import rotation
from tokens.models import ClientActivity, DailyCount, GrantType, JobRun, Segment, User

pytestmark = pytest.mark.django_db


def board(browser):
    answer = browser.get("/admin/")
    assert answer.status_code == 200
    return answer.context["dashboard"], answer.content.decode()


def test_a_new_issuer_says_what_to_run(admin):
    shown, page = board(admin)
    assert shown["rings"] == []
    assert "Run manage.py rotate_keys" in page
    assert [job.overdue for job in shown["jobs"]] == [True, True]
    assert page.count("has not run yet") == 2


def test_a_ring_shows_its_next_step_and_its_standby(admin):
    rotation.rotate(operation())
    shown, page = board(admin)
    (ring,) = shown["rings"]
    assert (ring.name, ring.has_standby, ring.overdue) == ("default", True, False)
    assert ring.step in page
    assert "A standby is ready." in page


def test_a_key_that_cannot_be_decrypted_is_named(admin, settings):
    rotation.rotate(operation())
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["b" * 43]}
    shown, page = board(admin)
    assert {problem.code for problem in shown["problems"]} & {"cannot_open", "not_genuine"}
    assert "Every key can be decrypted" not in page


def test_jobs_that_ran_are_not_overdue_until_they_are(admin):
    call_command("rotate_keys", stdout=StringIO())
    call_command("purge_tokens", stdout=StringIO(), stderr=StringIO())
    assert [(job.name, job.overdue) for job in board(admin)[0]["jobs"]] == [
        ("rotate_keys", False),
        ("purge_tokens", False),
    ]
    JobRun.objects.filter(name="rotate_keys").update(ended_at=timezone.now() - timedelta(days=1, hours=1))
    assert [job.overdue for job in board(admin)[0]["jobs"]] == [True, False]


@pytest.mark.parametrize("options", [["--dry-run"], ["--ring", "default"]])
def test_only_a_whole_run_of_rotate_keys_counts(options):
    call_command("rotate_keys", stdout=StringIO())
    JobRun.objects.all().delete()
    call_command("rotate_keys", *options, stdout=StringIO())
    assert not JobRun.objects.exists()
    call_command("purge_tokens", "--dry-run", stdout=StringIO(), stderr=StringIO())
    assert not JobRun.objects.exists()


def test_the_feed_shows_its_entries_and_its_last_reader(admin):
    Segment.objects.create(digest="a", version=1, count=40, until=0, body=b"")
    Segment.objects.create(digest="b", version=2, count=2, until=0, body=b"")
    jobs.note(jobs.POLLED, now=timezone.now())
    feed = board(admin)[0]["feed"]
    assert feed.entries == 42
    assert feed.polled_at is not None


def test_tokens_and_refusals_of_today_are_shown_by_name(admin):
    today = timezone.now().date()
    DailyCount.objects.create(day=today, action="token.issued", name="client_credentials", number=7)
    DailyCount.objects.create(day=today, action="token.refused", name="no such client", number=3)
    DailyCount.objects.create(day=today - timedelta(days=1), action="token.issued", name="refresh_token", number=9)
    shown, page = board(admin)
    assert shown["issued"] == [(GrantType.CLIENT_CREDENTIALS.label, 7)]
    assert shown["refused"] == [("no such client", 3)]
    assert "no such client" in page


@pytest.mark.parametrize(
    ("permission", "shown", "hidden"),
    [("view_ring", "rings", "issued"), ("view_auditevent", "issued", "rings"), (None, "now", "rings")],
)
def test_an_administrator_sees_only_the_panels_that_the_permissions_allow(client, permission, shown, hidden):
    clerk = User.objects.create_user("clerk", is_staff=True)
    if permission:
        clerk.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(clerk)
    panels, _ = board(client)
    assert shown in panels
    assert hidden not in panels


def test_the_dashboard_asks_the_database_a_bounded_number_of_times(admin, django_assert_max_num_queries):
    rotation.rotate(operation())
    with django_assert_max_num_queries(40):
        board(admin)


def test_the_page_of_a_client_shows_what_it_did_last(admin):
    made = make_client("shop", "client_credentials")
    now = timezone.now()
    ClientActivity.objects.create(
        client_id="shop", token_at=now, grant_type="client_credentials", refused_at=now, refusal="wrong secret"
    )
    for n in range(12):
        trail.record(f"thing.done{n}", actor="user:root", subject="client:shop", now=now + timedelta(seconds=n))
    trail.record("grant.revoked", actor="client:shop", subject="grant:g", now=now + timedelta(minutes=1))
    trail.record("other.done", actor="user:root", subject="client:shopping", now=now)
    page = admin.get(f"/admin/tokens/client/{made.pk}/change/")
    names = [event.action for event in page.context["activity"].events]
    assert names == ["grant.revoked", *(f"thing.done{n}" for n in range(11, 2, -1))]
    text = page.content.decode()
    assert "wrong secret" in text
    assert str(GrantType.CLIENT_CREDENTIALS.label) in text


@pytest.mark.parametrize(
    "page", ["usergrant", "devicecode", "client", "auditevent", "signingkey", "initialaccesstoken"]
)
def test_the_inspection_of_a_token_is_linked_from_each_page_that_names_tokens(admin, page):
    assert 'href="/admin/tokens/signingkey/inspect/"' in admin.get(f"/admin/tokens/{page}/").content.decode()


def test_the_inspection_is_linked_from_the_page_of_a_client_only_to_whom_may_inspect(admin, client):
    path = f"/admin/tokens/client/{make_client('shop').pk}/change/"
    assert "Inspect a token" in admin.get(path).content.decode()
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_client"))
    client.force_login(clerk)
    assert "Inspect a token" not in client.get(path).content.decode()

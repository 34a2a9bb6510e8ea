"""The messages to clients about logouts, in the admin.

They are listed by state. Administrators with the permission can send them again.
"""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.tokens.factories import make_client
from tokens.models import AuditEvent, LogoutMessage, User

pytestmark = pytest.mark.django_db
PAGE = "/admin/tokens/logoutmessage/"


@pytest.fixture
def given_up(db):
    now = timezone.now()
    return LogoutMessage.objects.create(
        client=make_client("app", public=True, scopes=()),
        sub="u-1",
        sid="s-1",
        created_at=now - timedelta(days=1),
        give_up_at=now,
        dead_at=now,
        attempts=30,
        failure="app.example: it answered 500",
    )


def send_again(browser, message, *permissions):
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser.force_login(staff)
    return browser.post(PAGE, {"action": "send_again", "_selected_action": [str(message.pk)]})


@pytest.mark.parametrize(("state", "shown"), [("", True), ("dead", True), ("pending", False), ("delivered", False)])
def test_messages_are_listed_by_state_with_the_reason_of_the_failure(admin_client, given_up, state, shown):
    page = admin_client.get(PAGE, {"state": state} if state else {})
    assert page.status_code == 200
    assert ("it answered 500" in page.content.decode()) is shown


def test_an_administrator_resends_a_message_that_was_given_up(client, given_up):
    assert send_again(client, given_up, "view_logoutmessage", "change_logoutmessage").status_code == 302
    given_up.refresh_from_db()
    assert (given_up.dead_at, given_up.attempts, given_up.due_at is not None) == (None, 0, True)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject) == ("logout.sent_again", "user:staff", "client:app")


def test_an_administrator_who_may_only_view_messages_cannot_send_them(client, given_up):
    send_again(client, given_up, "view_logoutmessage")
    given_up.refresh_from_db()
    assert given_up.dead_at is not None
    assert not AuditEvent.objects.exists()


def test_a_message_cannot_be_changed_or_deleted(admin_client, given_up):
    assert admin_client.post(f"{PAGE}{given_up.pk}/change/", {"sub": "u-2"}).status_code == 403
    assert admin_client.post(f"{PAGE}{given_up.pk}/delete/", {"post": "yes"}).status_code == 403

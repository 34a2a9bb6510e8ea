"""Users in the admin: each change is an audit event, without passwords."""

import json
from unittest.mock import patch

import pytest

from tests.tokens.events import events
from tokens.models import User
from tokens.registry_lock import RegistryLocked

pytestmark = pytest.mark.django_db
LIST = "/admin/tokens/user/"
DATES = {f"{name}_{part}": "" for name in ("last_login", "date_joined") for part in (0, 1)}


def test_creating_changing_disabling_and_deleting_a_user_are_audit_events(admin):
    form = {"username": "eve", "usable_password": "true", "password1": "correct horse", "password2": "correct horse"}
    assert admin.post(f"{LIST}add/", form).status_code == 302
    eve = User.objects.get(username="eve")
    page = f"{LIST}{eve.pk}/change/"
    assert admin.post(page, {"username": "eve", "email": "eve@example.org", "is_active": "on"}).status_code == 302
    assert admin.post(page, {"username": "eve", "email": "eve@example.org"}).status_code == 302
    assert admin.post(f"{LIST}{eve.pk}/delete/", {"post": "yes"}).status_code == 302
    actor, subject, sub = "user:root", "user:eve", {"sub": str(eve.sub)}
    assert events() == [
        ("user.created", actor, subject, sub),
        ("user.changed", actor, subject, {"email": ["", "eve@example.org"]}),
        ("user.changed", actor, subject, {"is_active": ["True", "False"]}),
        ("user.deleted", actor, subject, sub),
    ]


def test_a_new_password_is_an_event_without_the_password(admin):
    eve = User.objects.create_user("eve", password="correct horse")
    form = {"usable_password": "true", "password1": "battery staple", "password2": "battery staple"}
    path = f"{LIST}{eve.pk}/password/"
    assert admin.post(path, form | {"password2": "another"}).status_code == 200
    assert events() == []
    assert admin.post(path, form).status_code == 302
    assert [event[0] for event in events()] == ["user.password_changed"]
    assert "battery" not in json.dumps(events())


def test_a_refused_change_of_a_password_ends_no_session_and_is_no_event(admin):
    eve = User.objects.create_user("eve", password="correct horse")
    sessions, path = eve.session_epoch, f"{LIST}{eve.pk}/password/"
    # Django redirects, because the button of the form does not fit its choice.
    answer = admin.post(path, {"usable_password": "false"})
    eve.refresh_from_db()
    assert (answer.status_code, answer.url) == (302, path)
    assert (eve.session_epoch, eve.check_password("correct horse"), events()) == (sessions, True, [])
    admin.post(path, {"usable_password": "false", "unset-password": "on"})
    eve.refresh_from_db()
    assert (eve.session_epoch == sessions, eve.has_usable_password()) == (False, False)
    assert [event[0] for event in events()] == ["user.password_changed"]


@pytest.mark.parametrize("pk", ["1000000", "eve"])
def test_the_password_of_a_user_who_does_not_exist_cannot_be_changed(admin, pk):
    form = {"usable_password": "true", "password1": "battery staple", "password2": "battery staple"}
    assert admin.post(f"{LIST}{pk}/password/", form).status_code == 404


@pytest.mark.parametrize(
    ("page", "form"),
    [
        ("password/", {"usable_password": "true", "password1": "correct horse", "password2": "correct horse"}),
        ("verify-email/", {"email": "eve@example.org"}),
        ("change/", {"username": "eve", "email": "eve@example.org"}),
    ],
)
def test_a_change_of_a_user_that_does_not_get_its_locks_in_time_is_answered_with_503(admin, page, form):
    eve = User.objects.create_user("eve", "eve@example.org")
    with patch("tokens.registry_lock.bounded_wait", side_effect=RegistryLocked("another transaction holds a lock")):
        answer = admin.post(f"{LIST}{eve.pk}/{page}", form)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_error_reports_hide_a_new_password_also_if_an_error_comes_before_djangos_page(admin):
    eve = User.objects.create_user("eve")
    with patch("tokens.registry_lock.bounded_wait", side_effect=RegistryLocked("another transaction holds a lock")):
        answer = admin.post(f"{LIST}{eve.pk}/password/", {"password1": "battery staple"})
    assert answer.wsgi_request.sensitive_post_parameters == "__ALL__"

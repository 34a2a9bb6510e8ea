"""The transaction that ends a login session also stores a logout message for each client of the session.

No other client gets a message.
"""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import allow, authorization, log_in, make_client, make_user, parameters, redeem
from tokens.authorize import login_session
from tokens.back_channel import session_end
from tokens.issued import user_grant
from tokens.models import EndedSession, LogoutMessage, SessionClient, User, UserGrant
from tokens.revoking import access, bulk, everywhere
from tokens.revoking.bulk import BulkTarget

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
SCOPE = "openid notes:read"
GRANTS = ("authorization_code", "refresh_token")
URI = "https://client.example/logged-out"


@pytest.fixture
def app(apis):
    return make_client("app", *GRANTS, public=True, backchannel_logout_uri=URI, always_gets_refresh_token=True)


@pytest.fixture
def other_app(apis):
    return make_client("other", *GRANTS, public=True, backchannel_logout_uri=f"{URI}/other")


def in_session(user, *clients, scope=SCOPE):
    """Return a browser in which the user has logged in and has used each of these clients."""
    browser = Browser()
    log_in(browser, user)
    for client in clients:
        assert "code" in parameters(allow(browser, authorization(client, scope=scope)))
    return browser


def sid_of(browser):
    return browser.session[login_session.SID]


def notified():
    return {(message.client.client_id, message.sid) for message in LogoutMessage.objects.select_related("client")}


def test_each_client_of_the_session_gets_one_message(user, app, other_app):
    browser = in_session(user, app, app, other_app)
    sid = sid_of(browser)
    assert session_end.end_session(user, sid, now=timezone.now()) == 2
    assert notified() == {("app", sid), ("other", sid)}
    assert {message.sub for message in LogoutMessage.objects.all()} == {str(user.sub)}


def test_a_client_without_an_address_or_without_an_id_token_gets_none(user, app, apis):
    silent = make_client("silent", *GRANTS, public=True)
    browser = in_session(user, silent)
    assert "code" in parameters(allow(browser, authorization(app, scope="notes:read")))
    assert session_end.end_session(user, sid_of(browser), now=timezone.now()) == 0


def test_a_client_of_another_session_gets_none(user, app, other_app):
    ended, goes_on = in_session(user, app), in_session(user, app, other_app)
    session_end.end_session(user, sid_of(ended), now=timezone.now())
    assert notified() == {("app", sid_of(ended))}
    assert SessionClient.objects.filter(sid=sid_of(goes_on)).count() == 2


def test_the_sid_of_another_user_ends_nothing(user, app):
    browser = in_session(user, app)
    assert session_end.end_session(make_user("eve"), sid_of(browser), now=timezone.now()) == 0
    assert SessionClient.objects.count() == 1


def test_a_session_without_a_sid_ends_no_session_without_one(user, app):
    assert session_end.end_session(user, "", now=timezone.now()) == 0
    assert not EndedSession.objects.exists()


def test_a_session_that_ended_before_notifies_no_client_again(user, app):
    sid = sid_of(in_session(user, app))
    assert [session_end.end_session(user, sid, now=timezone.now()) for _ in range(2)] == [1, 0]


def test_a_disabled_client_or_one_whose_address_was_removed_gets_none(user, app, other_app):
    browser = in_session(user, app, other_app)
    access.set_active(app, active=False, reason="", actor="test", now=timezone.now())
    other_app.backchannel_logout_uri = None
    other_app.save()
    assert session_end.end_session(user, sid_of(browser), now=timezone.now()) == 0


def test_a_transaction_that_is_rolled_back_leaves_no_message(user, app):
    sid = sid_of(in_session(user, app))
    with transaction.atomic():
        session_end.end_session(user, sid, now=timezone.now())
        transaction.set_rollback(True)
    assert (notified(), session_end.has_ended(sid)) == (set(), False)


def end_by_page(browser, user):
    browser.post("/accounts/logout/")


def end_by_application(browser, user):
    browser.post("/oauth/logout", {"log_out": "true"})


def end_by_admin_page(browser, user):
    User.objects.filter(pk=user.pk).update(is_staff=True)
    browser.post("/admin/logout/")


def end_everywhere(browser, user):
    browser.post("/accounts/everywhere/")


def disable(browser, user):
    access.set_active(user, active=False, reason="", actor="test", now=timezone.now())


def disable_in_code(browser, user):
    user.is_active = False
    user.save()


def change_password(browser, user):
    user.set_password("another horse")
    user.save()


def delete(browser, user):
    user.delete()


def delete_by_query(browser, user):
    User.objects.filter(pk=user.pk).delete()


def end_by_command(browser, user):
    call_command("access", "log_out", "--user", user.username, "--reason", "lost")


def end_all_of_the_issuer(browser, user):
    bulk.revoke(BulkTarget(everything=True), reason="stolen", actor="test")


def end_in_bulk(browser, user):
    bulk.end_sessions_and_tokens_in_batches([user], "stolen")


@pytest.mark.parametrize(
    "end",
    [
        *(end_by_page, end_by_application, end_by_admin_page, end_everywhere, disable, disable_in_code),
        *(change_password, delete, delete_by_query, end_by_command, end_all_of_the_issuer, end_in_bulk),
    ],
)
def test_every_way_to_end_a_session_notifies_its_client_once(end, user, app):
    browser = in_session(user, app)
    sid, sub = sid_of(browser), str(user.sub)
    end(browser, user)
    assert [(message.sid, message.sub) for message in LogoutMessage.objects.all()] == [(sid, sub)]


@pytest.mark.parametrize("end", [end_by_page, end_by_application, end_by_admin_page])
def test_a_logout_of_one_browser_notifies_no_client_of_another(end, user, app):
    browser, other = in_session(user, app), in_session(user, app)
    sid = sid_of(browser)
    end(browser, user)
    assert notified() == {("app", sid)}
    assert "_auth_user_id" in other.session


def test_a_logout_everywhere_notifies_the_clients_of_each_session_and_of_no_other_user(user, app):
    sessions = {("app", sid_of(in_session(user, app))) for _ in range(2)}
    in_session(make_user("eve"), app)
    everywhere.end_sessions_and_tokens(user, "logged out everywhere")
    assert notified() == sessions
    assert SessionClient.objects.count() == 1


def refresh_is_valid(grant):
    return user_grant.problem(UserGrant.objects.select_related("user").get(pk=grant.pk), now=timezone.now()) is None


@pytest.mark.parametrize(("scope", "lives"), [(SCOPE, False), (f"{SCOPE} offline_access", True)])
def test_refresh_tokens_end_with_the_session_unless_they_are_for_offline_access(user, app, scope, lives):
    browser = in_session(user, app, scope=scope)
    end_by_page(browser, user)
    assert refresh_is_valid(UserGrant.objects.get()) is lives


def test_refresh_tokens_of_another_session_and_of_a_client_without_an_address_go_on(user, app, apis):
    silent = make_client("silent", *GRANTS, public=True, always_gets_refresh_token=True)
    in_session(user, app)
    end_by_page(in_session(user, silent), user)
    assert [refresh_is_valid(grant) for grant in UserGrant.objects.all()] == [True, True]


def test_the_id_token_has_the_sid_also_after_a_refresh_and_the_access_token_has_not(client, user, app, decode):
    log_in(client, user)
    issued = redeem(client, app, parameters(allow(client, authorization(app)))["code"]).json()
    form = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"], "client_id": "app"}
    refreshed = client.post("/oauth/token", form).json()
    sids = [decode(tokens["id_token"], "app")[1]["sid"] for tokens in (issued, refreshed)]
    assert sids == [sid_of(client)] * 2
    assert "sid" not in decode(issued["access_token"], "https://api.example/")[1]


def test_a_message_is_given_up_a_day_after_the_session_ended(user, app):
    now = timezone.now()
    session_end.end_session(user, sid_of(in_session(user, app)), now=now)
    message = LogoutMessage.objects.get()
    assert (message.due_at, message.give_up_at) == (now, now + timedelta(days=1))

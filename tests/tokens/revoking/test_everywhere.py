"""A logout everywhere, and disabling a user or client.

All sessions end, and all grants and tokens are revoked. They do not work again later.
"""

import uuid
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client as Browser
from django.utils import timezone

from tests.clock import database_at
from tests.tokens.factories import allow, authorization, log_in, make_client, parameters, post, redeem
from tokens.authorize import authorization_code
from tokens.clients import client_secret
from tokens.conf import issuer
from tokens.issued import revocation_record, token_reader, user_grant
from tokens.keys import keyring, store
from tokens.models import AuditEvent, Consent, DeviceCode, Revocation, User, UserGrant
from tokens.revoking import bulk, everywhere
from tokens.revoking.bulk import BulkTarget

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
SCOPE = "openid notes:read offline_access"
PAGE = "/accounts/everywhere/"


@pytest.fixture
def app(apis):
    return make_client("app", "authorization_code", "refresh_token", public=True)


@pytest.fixture
def issued(client, app, user):
    log_in(client, user)
    return redeem(client, app, parameters(allow(client, authorization(app, scope=SCOPE)))["code"]).json()


def refresh(browser, text):
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": "app"}
    return post(browser, "/oauth/token", form).status_code


def is_revoked(token):
    return revocation_record.is_revoked(token_reader.read(token, now=timezone.now()).claims, kid="test-key")


def is_logged_in(browser):
    return browser.get("/accounts/").context["user"].is_authenticated


def test_a_user_who_logs_out_everywhere_is_asked_first_and_then_every_session_grant_and_token_ends(
    client, app, user, issued
):
    other = Browser()
    log_in(other, user)
    assert "every application loses" in client.get(PAGE).content.decode()
    assert is_logged_in(other)
    assert "logged out everywhere" in client.post(PAGE).content.decode()
    assert not is_logged_in(client)
    assert not is_logged_in(other)
    assert is_revoked(issued["access_token"])
    assert refresh(client, issued["refresh_token"]) == 400
    assert AuditEvent.objects.get(action="user.logged_out_everywhere").subject == "user:ada"


def test_a_request_without_a_login_ends_nothing(client, user, issued):
    stranger = Browser()
    assert parameters(stranger.get(PAGE))["next"] == PAGE
    assert stranger.post(PAGE).status_code == 302
    assert Browser(enforce_csrf_checks=True).post(PAGE).status_code == 403
    assert not is_revoked(issued["access_token"])


def test_an_administrator_logs_users_out_everywhere(client, admin_client, app, user, issued):
    form = {"action": "log_out_everywhere", "_selected_action": [str(user.pk)]}
    assert admin_client.post("/admin/tokens/user/", form).status_code == 302
    assert not is_logged_in(client)
    assert is_logged_in(admin_client)
    assert is_revoked(issued["access_token"])
    assert AuditEvent.objects.get(action="user.logged_out_everywhere").actor == "user:admin"


def test_a_user_who_logs_in_again_gets_accepted_tokens_from_the_next_second_on(client, app, user, issued):
    """A logout everywhere revokes no token that is issued after its second. Until then, the issuer answers 503."""
    everywhere.end_sessions_and_tokens(user, "test")
    [revocation] = Revocation.objects.filter(kind="sub")
    claims = {
        "iss": issuer().url,
        "iat": revocation.issued_before,
        "jti": "new",
        "sub": str(user.sub),
        "client_id": "app",
    }
    assert not revocation_record.is_revoked(claims, kid="test-key")
    assert revocation.issued_before <= store.database_now().timestamp() + 1


def test_a_new_password_ends_sessions_and_tokens_and_a_rehash_of_the_old_one_does_not(client, user, issued, settings):
    hashers = "django.contrib.auth.hashers"
    settings.PASSWORD_HASHERS = [f"{hashers}.ScryptPasswordHasher", f"{hashers}.MD5PasswordHasher"]
    assert Browser().login(username="ada", password="correct horse")
    user.refresh_from_db()
    assert user.password.startswith("scrypt$"), "Django rehashed the password"
    assert not is_revoked(issued["access_token"])
    user.set_password("another")
    user.save()
    assert is_revoked(issued["access_token"])
    assert refresh(client, issued["refresh_token"]) == 400


@pytest.mark.parametrize("whose", ["user", "client"])
def test_tokens_of_a_disabled_user_or_client_stay_revoked_after_it_is_enabled_again(client, app, user, issued, whose):
    account = {"user": user, "client": app}[whose]
    for active in (False, True):
        account.is_active = active
        account.save()
    assert refresh(client, issued["refresh_token"]) == 400
    assert is_revoked(issued["access_token"])
    assert UserGrant.objects.get().revoke_reason == f"its {whose} is disabled"


ENDS = {
    "disable the user": lambda user, _: everywhere.revoke_user(user, "test"),
    "log out everywhere": lambda user, _: everywhere.end_sessions_and_tokens(user, "test"),
    "disable the client": lambda _, app: everywhere.revoke_client(app, "test"),
    "log many users out": lambda user, _: bulk.end_sessions_and_tokens_in_batches([user], "test"),
    "revoke everything": lambda *_: mass("everything", value=True),
    "revoke a client's": lambda _, app: mass("client", value=app),
    "revoke a user's": lambda user, _: mass("user", value=user),
    "revoke a client's of a user": lambda user, app: mass("client", value=app, user=user),
}


def mass(name, *, value, **more):
    bulk.revoke(BulkTarget(**{name: value, **more}), reason="test", actor="test")


@pytest.mark.parametrize("end", ENDS)
def test_a_token_that_was_issued_before_a_slow_commit_is_revoked(app, user, end, django_capture_on_commit_callbacks):
    """A revocation also covers tokens that other nodes issued before its commit.

    A commit can take seconds. Before it, other nodes still see an active user, and issue tokens.
    """
    start = store.database_now()
    seconds = [start.timestamp() + more for more in (3, 4)]
    with django_capture_on_commit_callbacks() as committed:
        ENDS[end](user, app)
    with database_at(start + timedelta(seconds=3)):
        for callback in committed:
            callback()
    claims = {"iss": issuer().url, "jti": "t", "sub": str(user.sub), "client_id": "app"}
    revoked = [revocation_record.is_revoked(claims | {"iat": int(second)}, kid="test-key") for second in seconds]
    assert revoked == [True, False]


def test_a_commit_within_the_second_revokes_nothing_more(user, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as committed:
        everywhere.revoke_user(user, "test")
    before = list(Revocation.objects.values())
    at = datetime.fromtimestamp(Revocation.objects.get().issued_before, UTC)
    with database_at(at - timedelta(milliseconds=1)):
        for callback in committed:
            callback()
    assert list(Revocation.objects.values()) == before


def test_an_error_after_the_commit_does_not_reach_the_caller(django_capture_on_commit_callbacks):
    """An error after the commit is only logged. The change is committed, so it must not be reported as failed."""
    start = store.database_now()
    instants = [start, start + timedelta(seconds=3)]
    called = []

    def revoke(*, now):
        called.append(now)
        if now != start:
            raise OperationalError("the database is gone")

    with database_at(iter(instants)), django_capture_on_commit_callbacks(execute=True):
        everywhere.revoke_until_commit(revoke)
    assert called == instants


def test_a_revocation_with_an_earlier_instant_changes_nothing(user):
    now = store.database_now()
    revocation_record.revoke_users([str(user.sub)], now=now)
    [before] = Revocation.objects.values_list("issued_before", "until")
    revocation_record.revoke_users([str(user.sub)], now=now - timedelta(seconds=40))
    assert list(Revocation.objects.values_list("issued_before", "until")) == [before]


@pytest.mark.parametrize("seconds", [30, -30])
def test_a_token_is_dated_by_the_database_s_clock_and_not_by_the_node_s(client, service, monkeypatch, seconds, at):
    """The database's clock dates both tokens and revocations.

    If a node with a fast clock dated a token, a later revocation could seem older than the token.
    """
    monkeypatch.undo()  # a real ring signs here
    call_command("rotate_keys")
    keyring.snapshots.forget()
    at(timezone.now() + timedelta(seconds=seconds))
    form = {"grant_type": "client_credentials", "scope": "notes:read", "client_id": "service"}
    body = post(client, "/oauth/token", form | {"client_secret": service.plain}).json()
    claims = token_reader.read(body["access_token"], now=timezone.now()).claims
    assert abs(claims["iat"] - store.database_now().timestamp()) < 10
    revocation_record.revoke_client("service", now=store.database_now() + timedelta(seconds=1))
    assert revocation_record.is_revoked(claims, kid="test-key")


def test_a_session_of_another_user_stays(client, user, issued):
    eve, browser = User.objects.create_user("eve"), Browser()
    log_in(browser, eve)
    everywhere.end_sessions_and_tokens(user, "test")
    assert is_logged_in(browser)


def test_saving_a_user_who_was_read_before_the_logout_restores_no_session(client, user, issued):
    stale = User.objects.get(pk=user.pk)
    everywhere.end_sessions_and_tokens(user, "test")
    stale.first_name = "Ada"
    stale.save()
    assert not is_logged_in(client)
    assert User.objects.get(pk=user.pk).logged_out_at == user.logged_out_at


def test_a_grant_from_a_session_that_was_being_ended_gives_no_token(client, app, user):
    """A logout comes after the session of an authorization request was checked, and before the grant is written."""
    log_in(client, user, ago=-60)  # the node's clock is fast
    code = parameters(allow(client, authorization(app, scope=SCOPE)))["code"]
    everywhere.end_sessions_and_tokens(user, "test")
    UserGrant.objects.update(revoked_at=None)
    answer = redeem(client, app, code)
    refusal = {"error": "invalid_grant", "error_description": "The user has logged out everywhere."}
    assert (answer.status_code, answer.json()) == (400, refusal)


def test_a_user_whose_password_an_administrator_removes_is_logged_out_everywhere(admin_client, client, user, issued):
    path = f"/admin/tokens/user/{user.pk}/password/"
    form = {"usable_password": "false", "unset-password": "on"}
    assert admin_client.post(path, form).status_code == 302
    assert not is_logged_in(client)
    assert is_revoked(issued["access_token"])


def test_a_login_at_a_node_with_a_slow_clock_counts_after_a_logout_everywhere(client, app, user, issued):
    """The session epoch, and no clock, decides if a login is later than the logout."""
    everywhere.end_sessions_and_tokens(user, "test")
    with patch("time.time", return_value=timezone.now().timestamp() - 50):
        client.post("/accounts/login/", {"login": "ada", "password": "correct horse"})
    code = parameters(allow(client, authorization(app, scope=SCOPE)))["code"]
    Revocation.objects.all().delete()  # of this second
    fresh = redeem(client, app, code).json()
    assert refresh(client, fresh["refresh_token"]) == 200
    at = UserGrant.objects.get(revoked_at=None).auth_time
    assert abs(at - timezone.now()) < timedelta(seconds=20), "the login is dated by the clock that nodes share"


def test_a_session_that_continues_with_a_new_password_needs_a_new_login_to_authorize(client, app, user, issued):
    """Django keeps the session of a user who changes their own password. The session's login is before the change."""
    user.set_password("battery staple")
    user.save()
    client.force_login(user)
    answer = client.get("/oauth/authorize", authorization(app, scope=SCOPE))
    assert answer["Location"].startswith("/accounts/login/?")


def test_a_logout_everywhere_deletes_consents_so_that_the_user_is_asked_again(client, app, user, issued):
    """Remembered consents are deleted, so that a thief of the user's device cannot use them."""
    page = authorization(make_client("web", "authorization_code"), scope="notes:read")
    allow(client, page)
    assert client.get("/oauth/authorize", page).status_code == 302, "remembered"
    client.post(PAGE)
    user.refresh_from_db()
    log_in(client, user)
    assert client.get("/oauth/authorize", page).status_code == 200


def test_a_logout_by_an_administrator_deletes_consents_too(client, admin_client, user, issued):
    allow(client, authorization(make_client("web", "authorization_code"), scope="notes:read"))
    assert Consent.objects.exists()
    form = {"action": "log_out_everywhere", "_selected_action": [str(user.pk)]}
    assert admin_client.post("/admin/tokens/user/", form).status_code == 302
    assert not Consent.objects.exists()


@pytest.mark.parametrize("gone", ["deleted", "disabled"])
def test_a_user_deleted_or_disabled_during_the_consent_answer_creates_no_grant(client, app, user, gone):
    """The user is deleted or disabled after the view has checked the session.

    The user's row is then locked and checked again, before the grant is created.
    """
    log_in(client, user)
    page = authorization(app, scope=SCOPE)
    real = user_grant.create

    def delete_then_create(of, *arguments, **named):
        User.objects.filter(pk=of.pk).delete() if gone == "deleted" else User.objects.update(is_active=False)
        return real(of, *arguments, **named)

    with patch("tokens.authorize.authorization_code.user_grant.create", delete_then_create):
        answer = parameters(allow(client, page))
    assert answer["error"] == "access_denied"
    assert not UserGrant.objects.exists()


def while_logging_out():
    """Return a context in which the user is logged out everywhere just before a grant is created.

    At that moment, the request that creates the grant has checked the session already.
    """
    real = user_grant.create

    def create(of, *arguments, **named):
        other = User.objects.get(pk=of.pk)
        everywhere.end_sessions_and_tokens(other, "logged out everywhere")
        everywhere.withdraw_consents(other)
        return real(of, *arguments, **named)

    return patch.object(user_grant, "create", create)


@pytest.mark.parametrize("ago", [0, -55], ids=["same clocks", "a fast node"])
def test_a_consent_answered_during_a_logout_everywhere_is_not_stored(client, app, user, caplog, ago):
    caplog.set_level("INFO", "tokens.audit")
    log_in(client, user, ago=ago)
    query = authorization(app, scope=SCOPE)
    page = client.get("/oauth/authorize", query)
    address = f"{page.request['PATH_INFO']}?{page.request['QUERY_STRING']}"
    with while_logging_out():
        answer = client.post(address, {"shown": page.context["form"].initial["shown"], "allow": "true"})
    assert (answer.status_code, answer["Location"]) == (303, address), "to the same request, which leads to the login"
    assert not UserGrant.objects.exists()
    assert not Consent.objects.exists()
    assert "consent.given" not in caplog.text


def test_a_device_approved_during_a_logout_everywhere_gets_no_grant(client, apis, user):
    make_client("tv", "urn:ietf:params:oauth:grant-type:device_code", public=True)
    begun = post(Browser(), "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()
    log_in(client, user, ago=-55)
    path, form = "/oauth/device/verify", {"user_code": begun["user_code"]}
    form["shown"] = client.post(path, form).context["shown"]
    with while_logging_out():
        answer = client.post(path, form | {"allow": "true"})
    assert parameters(answer)["next"] == f"{path}?user_code={begun['user_code']}"
    assert DeviceCode.objects.get().grant is None
    assert not AuditEvent.objects.filter(action="device.allowed").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gone", ["user", "client"])
def test_a_user_or_client_deleted_between_page_and_answer_is_answered_with_access_denied(client, app, user, gone):
    """The consent and the authorization code are stored in one transaction, so neither is stored."""
    log_in(client, user)
    web = make_client("web", "authorization_code")
    assert web.remembers_consent
    going = {"user": user, "client": web}[gone]
    real = authorization_code.issue

    def issue_after_deletion(*arguments, **named):
        type(going).objects.filter(pk=going.pk).delete()
        return real(*arguments, **named)

    with patch("tokens.authorize.authorization_code.issue", issue_after_deletion):
        answer = parameters(allow(client, authorization(web)))
    assert answer["error"] == "access_denied"
    assert not Consent.objects.exists()


def test_introspection_reports_a_refresh_token_of_an_ended_session_as_inactive(client, app, user, issued):
    """Introspection and refresh apply the same rule to the grant of a session that has ended."""
    form = {"token": issued["refresh_token"], "client_id": "app"}
    User.objects.update(session_epoch=uuid.uuid4())
    assert refresh(client, issued["refresh_token"]) == 400
    app.client_type, app.token_endpoint_auth_method = "confidential", "client_secret_post"
    app.save()
    form["client_secret"] = client_secret.create(app, now=timezone.now())
    assert post(client, "/oauth/introspect", form).json() == {"active": False}

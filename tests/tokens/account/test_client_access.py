"""The applications that a user has allowed.

An HTML page lists them. If the user withdraws access, all tokens of the application are revoked.
"""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.tokens.factories import (
    API,
    allow,
    authorization,
    basic,
    log_in,
    make_client,
    make_user,
    post,
    redeem,
    refreshed,
    with_secret,
)
from tests.tokens.factories import parameters as answer_of
from tokens.account import client_access
from tokens.issued import revocation_key
from tokens.models import AuditEvent, Client, Consent, Revocation, User, UserGrant

PAGE = "/accounts/applications/"
SCOPE = "openid profile notes:read offline_access"


@pytest.fixture
def app(apis):
    return with_secret(make_client("app", "authorization_code", "refresh_token"))


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


def connect(browser, app, **changes):
    """Allow the application as the user of the browser, and return the token response.

    `changes` replace parameters of the authorization request.
    """
    issued = answer_of(allow(browser, authorization(app, scope=SCOPE, **changes)))["code"]
    return redeem(browser, app, issued).json()


def listed(user):
    return client_access.applications(user, now=timezone.now())


def test_an_application_is_listed_with_its_apis_and_the_words_of_its_scopes(browser, app, user, signer):
    connect(browser, app)
    page = browser.get(PAGE).content.decode()
    assert f"At {API}" in page
    assert "May notes:read" in page
    assert "Read your name" in page
    [application] = listed(user)
    assert (application.client, application.accesses[API].scopes) == (app, set(SCOPE.split()))
    assert application.since <= application.last_used


def test_an_application_is_listed_since_its_first_grant(browser, app, user, signer):
    connect(browser, app)
    first = timezone.now() - timedelta(days=2)
    UserGrant.objects.update(created_at=first)
    connect(browser, app, prompt="consent")
    [application] = listed(user)
    assert application.since == first
    assert application.last_used > first + timedelta(days=1)


def test_an_application_is_listed_since_a_consent_that_is_earlier_than_its_grants(browser, app, user, signer):
    connect(browser, app)
    first = timezone.now() - timedelta(days=2)
    Consent.objects.update(given_at=first)
    assert [application.since for application in listed(user)] == [first]


def test_several_logins_at_one_client_are_one_application(browser, app, user, signer, django_assert_num_queries):
    for _ in range(5):
        connect(browser, app, prompt="consent")
    assert UserGrant.objects.count() == 5
    with django_assert_num_queries(4):
        assert len(listed(user)) == 1


@pytest.mark.parametrize("rotates", [False, True])
def test_a_refresh_counts_as_use(browser, app, user, signer, at, rotates):
    tokens = connect(browser, app)
    before = listed(user)[0].last_used
    Client.objects.update(rotates_refresh_tokens=rotates)
    with at(timezone.now() + timedelta(hours=1)):
        assert "access_token" in refreshed(browser, app, tokens["refresh_token"]).json()
    assert listed(user)[0].last_used - before >= timedelta(minutes=59)


def test_a_withdrawal_ends_refresh_tokens_access_tokens_and_the_remembered_consent(browser, app, user, signer):
    tokens = connect(browser, app)
    answer = browser.post(PAGE, {"withdraw": "app"})
    assert (answer.status_code, answer["Location"]) == (303, f"{PAGE}?withdrawn=1")
    assert refreshed(browser, app, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    introspected = post(browser, "/oauth/introspect", {"token": tokens["access_token"]}, **basic("app", app.plain))
    assert introspected.json() == {"active": False}
    entry = revocation_key.key("client_sub", revocation_key.client_user("app", str(user.sub)))
    assert Revocation.objects.filter(pk=entry).exists(), "APIs read it from the feed"
    assert not Consent.objects.exists()
    assert listed(user) == []
    assert "No application has access" in browser.get(answer["Location"]).content.decode()
    [event] = AuditEvent.objects.filter(action="consent.withdrawn")
    assert (event.actor, event.subject) == ("user:ada", "client:app")


def test_after_a_withdrawal_the_user_is_asked_again(browser, app, signer):
    connect(browser, app)
    assert browser.get("/oauth/authorize", authorization(app, scope=SCOPE)).status_code == 302, "remembered"
    browser.post(PAGE, {"withdraw": "app"})
    assert browser.get("/oauth/authorize", authorization(app, scope=SCOPE)).status_code == 200


def test_a_withdrawal_touches_no_other_application_and_no_other_user(browser, app, user, signer):
    other, eve = with_secret(make_client("other", "authorization_code", "refresh_token")), make_user("eve")
    connect(browser, app)
    kept = connect(browser, other)
    log_in(browser, eve)
    also = connect(browser, app)
    log_in(browser, user)
    browser.post(PAGE, {"withdraw": "app"})
    assert "access_token" in refreshed(browser, other, kept["refresh_token"]).json()
    assert "access_token" in refreshed(browser, app, also["refresh_token"]).json()
    assert [application.client for application in listed(user)] == [other]


@pytest.mark.parametrize("named", ["", "nobody", "a\0b", "other"])
def test_nothing_is_withdrawn_from_a_client_that_has_nothing(browser, app, signer, named):
    make_client("other", "authorization_code")
    connect(browser, app)
    assert browser.post(PAGE, {"withdraw": named})["Location"] == PAGE
    assert UserGrant.objects.filter(revoked_at=None).count() == 1
    assert not AuditEvent.objects.filter(action="consent.withdrawn").exists()


def test_a_deleted_scope_and_a_deleted_api_break_no_page(browser, app, signer):
    connect(browser, app)
    UserGrant.objects.update(scope="openid gone:read", audience="https://gone.example/")
    assert "At https://gone.example/" in browser.get(PAGE).content.decode()


def test_a_disabled_client_is_listed_only_by_its_consent(browser, app, user, signer):
    connect(browser, app)
    Client.objects.filter(pk=app.pk).update(is_active=False)
    Consent.objects.update(claims="email")
    [application] = listed(user)
    assert application.last_used is None
    assert (application.accesses[API].scopes, application.accesses[API].claims) == (set(SCOPE.split()), {"email"})


def test_a_grant_is_listed_until_it_ends(browser, app, user, signer):
    connect(browser, app)
    Consent.objects.all().delete()
    end = UserGrant.objects.get().ends_at
    before = end - timedelta.resolution
    assert [application.client for application in client_access.applications(user, now=before)] == [app]
    assert client_access.applications(user, now=end) == []


def test_a_grant_of_another_session_epoch_is_not_listed(browser, app, user, signer):
    connect(browser, app)
    Consent.objects.all().delete()
    User.objects.update(session_epoch=uuid.uuid4())
    user.refresh_from_db()
    assert listed(user) == []


def test_a_visitor_is_sent_to_the_login(client):
    assert client.get(PAGE)["Location"].startswith("/accounts/login/?next=")
    assert client.post(PAGE, {"withdraw": "app"})["Location"].startswith("/accounts/login/?next=")


@pytest.fixture
def written_after():
    """Return a function that calls `write` once, as soon as the first statement with the text `part` has run."""

    def after(part, write):
        writes = [write]

        def wrapper(execute, sql, params, many, context):
            result = execute(sql, params, many, context)
            if part in sql and writes:
                writes.pop()()
            return result

        return connection.execute_wrapper(wrapper)

    return after


def test_a_grant_that_another_request_creates_while_the_page_reads_breaks_nothing(
    browser, app, user, signer, written_after
):
    connect(browser, app)
    grant = UserGrant.objects.get()

    def write():
        UserGrant.objects.create(
            id=uuid.uuid4(),
            user=user,
            client=make_client("other", "authorization_code"),
            audience=API,
            scope="openid",
            auth_time=grant.auth_time,
            acr="",
            amr=[],
            session_epoch=user.session_epoch,
            created_at=grant.created_at,
            ends_at=grant.ends_at,
        )

    with written_after('FROM "tokens_usergrant"', write):
        assert [application.client for application in listed(user)] == [app]
    assert len(listed(user)) == 2


@pytest.mark.parametrize("is_remembered", [True, False])
def test_a_client_that_is_deleted_while_the_page_reads_is_not_listed(
    browser, app, user, signer, written_after, is_remembered
):
    connect(browser, app)
    (UserGrant if is_remembered else Consent).objects.all().delete()
    with written_after('FROM "tokens_consent"', app.delete):
        assert listed(user) == []

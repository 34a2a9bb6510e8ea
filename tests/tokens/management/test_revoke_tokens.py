"""`revoke_tokens`: the tokens that each target covers, the confirmation, and the batches in which it revokes."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import API, allow, authorization, basic, log_in, make_client, parameters, post, redeem
from tests.tokens.terminal import piped, typed
from tokens.clients import client_secret
from tokens.issued import revocation_record, token_reader, user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.models import AuditEvent, Client, Revocation, User, UserGrant, WaitingEntry
from tokens.revoking import bulk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

SCOPE = "openid notes:read offline_access"


def run(*arguments, **more):
    out, err = StringIO(), StringIO()
    call_command("revoke_tokens", *arguments, stdout=out, stderr=err, **more)
    return out.getvalue()


@pytest.fixture
def issued(apis, user):
    """Return a mapping from names, such as "ada app" (user and client) or "service", to tokens.

    Each entry is an access token and a refresh token. The service's refresh token is None.
    """
    users = {"ada": user, "bob": User.objects.create_user("bob", "bob@example.org", "correct horse")}
    clients = [make_client(name, "authorization_code", "refresh_token", public=True) for name in ("app", "web")]
    issued_tokens = {}
    for name, owner in users.items():
        for app in clients:
            browser = Browser()
            log_in(browser, owner, ago=5)
            code = parameters(allow(browser, authorization(app, scope=SCOPE)))["code"]
            body = redeem(browser, app, code).json()
            issued_tokens[f"{name} {app.client_id}"] = (body["access_token"], body["refresh_token"])
    service = make_client("service", "client_credentials")
    proof = basic("service", client_secret.create(service, now=timezone.now()))
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    issued_tokens["service"] = (post(Browser(), "/oauth/token", form, **proof).json()["access_token"], None)
    return issued_tokens


def claims(token):
    return token_reader.read(token, now=timezone.now()).claims


def revoked(issued):
    return {name for name, (token, _) in issued.items() if revocation_record.is_revoked(claims(token), kid="test-key")}


def refused(issued):
    """Return the names of those entries of `issued` whose refresh token is refused."""
    ended = set()
    for name, (_, text) in issued.items():
        if text:
            form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": name.split()[1]}
            if post(Browser(), "/oauth/token", form).status_code == 400:
                ended.add(name)
    return ended


USERS = {"ada app", "ada web", "bob app", "bob web"}
COVERED = {
    "--all": (USERS | {"service"}, ["iss"]),
    "--user ada": ({"ada app", "ada web"}, ["sub"]),
    "--user ada@example.org": ({"ada app", "ada web"}, ["sub"]),
    "--client app": ({"ada app", "bob app"}, ["client"]),
    "--client service": ({"service"}, ["client"]),
    "--client app --user bob": ({"bob app"}, ["client_sub"]),
}


@pytest.mark.parametrize("target", COVERED)
def test_a_target_is_revoked_by_one_feed_entry_and_nothing_else_is(issued, target):
    covered, kinds = COVERED[target]
    run(*target.split(), "--yes")
    assert revoked(issued) == covered
    assert refused(issued) == covered - {"service"}
    assert list(Revocation.objects.values_list("kind", flat=True)) == kinds
    assert not WaitingEntry.objects.exists(), "it is published when the command ends"


def test_a_grant_and_a_token_are_revoked_by_their_ids(issued):
    token = claims(issued["ada app"][0])
    run("--jti", token["jti"], "--yes")
    assert (revoked(issued), refused(issued)) == ({"ada app"}, set())
    run("--grant", claims(issued["bob web"][0])["grant_id"], "--yes")
    assert (revoked(issued), refused(issued)) == ({"ada app", "bob web"}, {"bob web"})


def test_a_user_is_named_by_sub_too(issued, user):
    run("--user", str(user.sub), "--yes")
    assert revoked(issued) == {"ada app", "ada web"}


def test_a_logged_out_user_has_no_session_and_can_log_in_again(issued, user):
    browser = Browser()
    log_in(browser, user, ago=5)
    run("--all", "--yes")
    assert "_auth_user_id" not in browser.get("/accounts/").wsgi_request.session
    user.refresh_from_db()
    log_in(browser, user)
    assert browser.get("/accounts/").wsgi_request.user == user


@pytest.mark.parametrize(("target", "counts"), [("--all", (4, 2)), ("--user ada", (2, 1)), ("--client app", (2, 0))])
def test_a_dry_run_counts_and_revokes_nothing(issued, target, counts):
    result = json.loads(run(*target.split(), "--dry-run", "--json"))
    assert (result["dry_run"], result["grants"], result["users"]) == (True, *counts)
    assert not Revocation.objects.exists()
    assert not UserGrant.objects.exclude(revoked_at=None).exists()
    assert json.loads(run(*target.split(), "--yes", "--json")) == result | {"dry_run": False}


def test_the_audit_event_has_the_target_and_the_reason(issued):
    run("--client", "app", "--user", "ada", "--yes", "--reason", "lost phone")
    event = AuditEvent.objects.get(action="tokens.revoked")
    assert (event.actor, event.subject) == ("command:revoke_tokens", "client:app")
    assert event.details == {"reason": "lost phone", "grants": 1, "users": 0, "user": "ada"}
    assert UserGrant.objects.exclude(revoked_at=None).get().revoke_reason == "lost phone"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--yes"],
        ["--all", "--user", "ada", "--yes"],
        ["--jti", "x", "--client", "app", "--yes"],
        ["--user", "nobody", "--yes"],
        ["--client", "nobody", "--yes"],
        ["--grant", "nonsense", "--yes"],
        ["--grant", "0b9f6f0e-6a55-4a5b-9d2d-0c2d9f0c6a11", "--yes"],
        ["--jti", "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl", "--yes"],
        ["--jti", "two words", "--yes"],
        ["--jti", "a" * 256, "--yes"],
    ],
)
def test_a_missing_target_is_wrong_usage(issued, arguments):
    with pytest.raises(CommandError) as raised:
        run(*arguments)
    assert raised.value.returncode == 2
    assert not Revocation.objects.exists()


def test_a_token_in_place_of_its_jti_is_not_repeated(issued):
    token, _ = issued["service"]
    with pytest.raises(CommandError, match="inspect_token") as raised:
        run("--jti", token, "--dry-run")
    assert token not in str(raised.value)


@pytest.mark.parametrize("option", ["--user", "--client", "--grant"])
def test_an_unknown_target_is_an_error_that_names_the_remedy(issued, option):
    with pytest.raises(CommandError) as raised:
        run(option, "nobody", "--yes")
    assert f"there is no {option[2:]} nobody" in str(raised.value)
    assert "shows" in str(raised.value)


def test_the_json_of_a_client_and_a_user_names_both(issued):
    result = json.loads(run("--client", "app", "--user", "ada", "--dry-run", "--json"))
    assert (result["target"], result["user"]) == ("client:app", "ada")
    assert "user" not in json.loads(run("--client", "app", "--dry-run", "--json"))


def test_the_command_asks_on_a_terminal(issued, monkeypatch):
    typed(monkeypatch, "y")
    with pytest.raises(CommandError, match="not confirmed") as raised:
        run("--all")
    assert (raised.value.returncode, Revocation.objects.exists()) == (3, False)
    typed(monkeypatch, "yes")
    run("--all")
    assert Revocation.objects.exists()


def test_a_yes_from_a_pipe_confirms_nothing(issued, monkeypatch):
    piped(monkeypatch, "yes")
    with pytest.raises(CommandError, match="add --yes") as raised:
        run("--all")
    assert (raised.value.returncode, Revocation.objects.exists()) == (2, False)


def test_an_interrupted_run_has_revoked_access_tokens_and_can_be_repeated(issued, monkeypatch):
    def fail(*_args):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_end_grants", fail)
        with pytest.raises(RuntimeError):
            run("--all", "--yes")
    assert revoked(issued) == USERS | {"service"}
    run("--all", "--yes")
    assert refused(issued) == USERS


def test_many_grants_are_revoked_in_batches(issued, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    assert json.loads(run("--all", "--yes", "--json"))["grants"] == 4
    assert refused(issued) == USERS


def test_a_reason_that_cannot_be_stored_is_wrong_usage(issued):
    with pytest.raises(CommandError, match="at most 100 can be stored") as error:
        run("--all", "--yes", "--reason", "r" * 101)
    assert error.value.returncode == 2
    assert not revoked(issued)
    run("--all", "--yes", "--reason", "r" * 100)


def test_a_run_ends_although_users_log_in_again_during_it(issued, user, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    end_grants, later = bulk._end_grants, []

    def end_and_grant(grants, reason):
        assert len(later) < 20, "it goes on as long as users log in"
        later.append(grant_again(Client.objects.get(client_id="app"), user))
        return end_grants(grants, reason)

    monkeypatch.setattr(bulk, "_end_grants", end_and_grant)
    assert json.loads(run("--all", "--yes", "--json"))["grants"] == 4
    assert UserGrant.objects.filter(pk__in=[grant.pk for grant in later], revoked_at=None).count() == 4


def grant_again(app, user):
    """Return a new grant, as of a login that follows the revocation."""
    now = timezone.now()
    target, login = Target(API, ("notes:read",), None), Login(now, "1", ("pwd",))
    return user_grant.create(User.objects.get(pk=user.pk), app, target, login, now=now, lasts=timedelta(days=1))


def test_many_users_are_logged_out_in_batches(issued, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    assert bulk.end_sessions_and_tokens_in_batches(User.objects.all(), "test") == 2
    assert revoked(issued) == refused(issued) == USERS


def test_an_administrator_revokes_the_tokens_of_a_client(issued, admin_client):
    form = {"action": "revoke_tokens", "_selected_action": [Client.objects.get(client_id="app").pk]}
    assert admin_client.post("/admin/tokens/client/", form).status_code == 302
    assert revoked(issued) == refused(issued) == {"ada app", "bob app"}
    assert AuditEvent.objects.get(action="tokens.revoked").actor == "user:admin"

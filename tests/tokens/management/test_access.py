"""The command `access`: disable and enable users and clients, and log a user out everywhere."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.events import events
from tests.tokens.factories import basic, log_in, post, redeem
from tokens.models import Client, Consent, User, UserGrant

pytestmark = pytest.mark.django_db
WHY = ("--reason", "left the company")


def access(*arguments):
    out = StringIO()
    call_command("access", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("whom", ["--user ada", "--user ada@example.org", "--user SUB", "--sub SUB"])
def test_disabling_a_user_revokes_sessions_and_grants(client, user, webapp, code, signer, whom):
    redeem(client, webapp, code(webapp))
    log_in(client, user)
    assert client.get("/accounts/").context["user"] == user
    assert access("disable", *whom.replace("SUB", str(user.sub)).split(), *WHY) == "user:ada disabled\n"
    assert not User.objects.get().is_active
    assert not UserGrant.objects.filter(revoked_at=None).exists()
    assert client.get("/accounts/").context["user"].is_anonymous, "the session has ended"
    assert events() == [("user.disabled", "command:access", "user:ada", {"why": "left the company"})]


@pytest.mark.parametrize("name", ["", " "])
@pytest.mark.parametrize("command", [("access", "disable", *WHY, "--user"), ("revoke_user", *WHY)])
def test_an_empty_name_is_not_the_user_without_an_email_address(user, command, name):
    User.objects.create_user("root")
    with pytest.raises(CommandError, match=r"there is no user|--user is empty") as error:
        call_command(*command, name)
    assert error.value.returncode == 2
    assert User.objects.filter(is_active=True, logged_out_at=None).count() == 2


def test_a_sub_is_never_a_username(user):
    User.objects.create_user(str(user.sub))
    assert access("disable", "--sub", str(user.sub)) == "user:ada disabled\n"
    assert not User.objects.get(username="ada").is_active


def test_a_repeated_action_changes_nothing_and_records_no_event(user):
    assert json.loads(access("disable", "--user", "ada", "--json"))["changed"] is True
    result = {"subject": "user:ada", "done": "disable", "changed": False}
    assert json.loads(access("disable", "--user", "ada", "--json")) == result
    assert access("enable", "--user", "ada") == "user:ada enabled\n"
    assert access("enable", "--user", "ada") == "user:ada was already enabled\n"
    assert User.objects.get().is_active
    assert [action for action, *_ in events()] == ["user.disabled", "user.enabled"]


def test_a_client_is_disabled_and_enabled(client, service, signer):
    def token_status():
        form = {"grant_type": "client_credentials", "scope": "notes:read"}
        return post(client, "/oauth/token", form, **basic("service", service.plain)).status_code

    assert token_status() == 200
    assert access("disable", "--client", "service", *WHY) == "client:service disabled\n"
    assert (token_status(), Client.objects.get().is_active) == (401, False)
    assert access("enable", "--client", "service") == "client:service enabled\n"
    assert Client.objects.get().is_active
    assert [event[0] for event in events()] == ["client.disabled", "client.enabled"]


def test_a_user_is_logged_out_everywhere_and_may_log_in_again(client, user, webapp, code, signer):
    redeem(client, webapp, code(webapp))
    log_in(client, user)
    assert client.get("/accounts/").context["user"] == user
    assert Consent.objects.exists()
    assert access("log_out", "--user", "ada", *WHY) == "user:ada logged out everywhere\n"
    assert client.get("/accounts/").context["user"].is_anonymous
    assert not UserGrant.objects.filter(revoked_at=None).exists()
    assert not Consent.objects.exists()
    assert User.objects.get().is_active
    assert events() == [("user.logged_out_everywhere", "command:access", "user:ada", {"why": "left the company"})]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("disable", "--user", "nobody"), "there is no user nobody"),
        (("disable", "--sub", "5a1b1c9e-8d6f-4d6a-9a51-0c1b1a2f3e4d"), "there is no user 5a1b1c9e"),
        (("disable", "--client", "nobody"), "there is no client nobody"),
        (("log_out", "--client", "service"), "log_out needs a user"),
        (("disable", "--sub", "ada"), "is not a sub"),
        (("disable",), "one of the arguments --user --sub --client is required"),
        (("disable", "--user", "ada", "--client", "service"), "not allowed with argument"),
        (("destroy", "--user", "ada"), "invalid choice"),
    ],
)
def test_wrong_use_exits_with_2_and_changes_nothing(user, service, arguments, why):
    with pytest.raises(CommandError, match=why) as refused:
        access(*arguments)
    assert refused.value.returncode == 2 or "Error: " in str(refused.value)
    assert User.objects.get().is_active
    assert events() == []

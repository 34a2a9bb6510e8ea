"""`initial_token`: create, list and revoke initial access tokens."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tokens.models import AuditEvent, InitialAccessToken
from tokens.open_clients import initial_token

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command("initial_token", *arguments, stdout=out)
    return out.getvalue()


def test_a_token_is_printed_once_listed_and_revoked():
    printed = run("create", "--note", "Ada", "--registrations", "5", "--expires-in", "7d")
    text = printed.split()[1]
    assert initial_token.use(text, now=timezone.now()) is not None
    listed = json.loads(run("list", "--json"))["tokens"]
    assert [(token["note"], token["registrations_left"], token["live"]) for token in listed] == [("Ada", 4, True)]
    assert text not in run("list")
    assert "ended" in run("revoke", "--id", str(listed[0]["id"]))
    assert initial_token.use(text, now=timezone.now()) is None
    assert [event.actor for event in AuditEvent.objects.all()] == ["command:initial_token"] * 2


def test_one_registration_within_a_day_is_the_default():
    made = json.loads(run("create", "--note", "Ada", "--json"))
    token = InitialAccessToken.objects.get(pk=made["id"])
    assert (token.registrations_left, (token.expires_at - token.created_at).days) == (1, 1)


@pytest.mark.parametrize(("mode", "warned"), [("off", True), ("open", True), ("token", False)])
def test_a_token_that_registers_nothing_is_created_with_a_warning(settings, mode, warned):
    settings.ISSUER = settings.ISSUER | {"DYNAMIC_REGISTRATION": mode}
    err = StringIO()
    call_command("initial_token", "create", "--note", "Ada", stdout=StringIO(), stderr=err)
    assert ("DYNAMIC_REGISTRATION=token" in err.getvalue()) is warned
    call_command("initial_token", "list", stdout=StringIO(), stderr=(quiet := StringIO()))
    assert quiet.getvalue() == ""


def test_an_empty_list_says_so():
    assert run("list") == "there is no initial access token\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["create", "--note", "x", "--registrations", "0"], "registrations_left: Enter a number from 1"),
        (["create", "--note", ""], "--note is empty"),
        (["revoke", "--id", "7"], "there is no initial access token 7"),
        (["create", "--note", "x", "--expires-in", "soon"], "not a duration"),
    ],
)
def test_wrong_arguments_are_refused_on_one_line(arguments, problem):
    with pytest.raises(CommandError, match=problem) as error:
        run(*arguments)
    assert "\n" not in str(error.value)
    assert not InitialAccessToken.objects.exists()

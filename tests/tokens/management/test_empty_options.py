"""An option whose value is empty, as "$RING" is if the variable RING is unset, does not count as absent."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tokens.models import SigningKey, User

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    call_command(*arguments, stdout=(output := StringIO()), stderr=StringIO())
    return output.getvalue()


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["rotate_keys", "--now", "--ring", ""], "--ring"),
        (["rotate_keys", "--cancel", ""], "--cancel"),
        (["rotate_keys", "--ring", "orders", "--move", ""], "--move"),
        (["revoke_key", "--all", "--ring", "", "--reason", "leaked", "--yes"], "--ring"),
        (["keys", "--ring", ""], "--ring"),
        (["revoke_tokens", "--user", "ada", "--client", "", "--yes"], "--client"),
        (["revoke_tokens", "--client", "", "--yes"], "--client"),
        (["access", "disable", "--client", ""], "--client"),
        (["link_api", "https://api.example/", "--client", ""], "--client"),
        (["client_secret", "expire", "service", "--at", "2030-01-01T00:00Z", "--hint", ""], "--hint"),
        (["create_api", "--identifier", "https://api.example/", "--name", " "], "--name"),
        (["create_api", "--identifier", "https://api.example/", "--name", "A", "--client", ""], "--client"),
    ],
)
def test_a_command_refuses_an_empty_option_and_changes_nothing(arguments: list[str], option: str) -> None:
    run("rotate_keys")
    User.objects.create_user("ada")
    before = list(SigningKey.objects.order_by("pk").values())
    with pytest.raises(CommandError, match=f"{option} is empty: give it a value, or leave it out") as refused:
        run(*arguments)
    assert refused.value.returncode == 2
    assert list(SigningKey.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    "arguments", [["audit", "--actor", ""], ["access", "disable", "--user", "ada", "--reason", ""], ["keys"]]
)
def test_an_option_that_is_empty_by_default_can_be_given_empty(arguments: list[str]) -> None:
    run("rotate_keys")
    User.objects.create_user("ada")
    run(*arguments)

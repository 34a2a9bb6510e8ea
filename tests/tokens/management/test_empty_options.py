"""An option whose value is empty, as "$RING" is if the variable RING is unset, does not count as absent."""

from argparse import Action, ArgumentTypeError
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class

from tests.tokens.management.test_json import OWN
from tokens.management.operator_command import _actions
from tokens.models import Client, SigningKey, User

pytestmark = pytest.mark.django_db
EMPTY = "is empty: give it a value, or leave it out. A variable of the shell can be unset"
PATHS = [
    ["after_restore", "--from", "", "--yes"],
    ["apply", "keyturn.yaml", "--secrets-to", ""],
    ["check_issuer", "--pem", ""],
    ["create_client", "--name", "A", "--jwks", ""],
    ["demo_setup", "--credentials", ""],
    ["export", "--to", ""],
    ["import_toolkit", "--database", "sqlite:///x", "--rsa-key", ""],
    ["import_users", "users.json", "--subs-to", ""],
    ["import_users", ""],
    ["key_backup", "save", "keys.backup", "--passphrase-file", ""],
    ["key_backup", "open", "keys.backup", "--to", ""],
    ["key_backup", "restore", ""],
    ["keys", "--pem", ""],
    ["keys", "--pem", "  "],
]
"""Command lines in which the name of a file or folder is empty."""


def actions() -> Iterator[tuple[str, Action]]:
    """Yield each argument and option of our commands, with the name of its command."""
    for app, name in OWN:
        command = load_command_class(app, name)
        for action in _actions(command.create_parser("manage.py", name)):
            yield name, action


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
        (["create_client", "--name", "A", "--grant", "client_credentials", "--jwks-uri", ""], "--jwks-uri"),
        (["create_client", "--for", "oauth2-proxy", "--site", ""], "--site"),
        (["audit", "--actor", ""], "--actor"),
        (["audit", "--client", ""], "--client"),
        (["audit", "--action", " "], "--action"),
    ],
)
def test_a_command_refuses_an_empty_option_and_changes_nothing(arguments: list[str], option: str) -> None:
    run("rotate_keys")
    User.objects.create_user("ada")
    before = list(SigningKey.objects.order_by("pk").values())
    with pytest.raises(CommandError, match=f"^{option} {EMPTY}$") as refused:
        run(*arguments)
    assert refused.value.returncode == 2
    assert not Client.objects.exists()
    assert list(SigningKey.objects.order_by("pk").values()) == before


def test_only_a_reason_is_empty_by_default() -> None:
    # An option that is empty by default accepts an empty variable of the shell.
    empty_by_default = {(name, action.option_strings[0]) for name, action in actions() if action.default == ""}
    assert empty_by_default == {("access", "--reason"), ("revoke_user", "--reason")}


@pytest.mark.parametrize("arguments", [["access", "disable", "--user", "ada", "--reason", ""], ["keys"]])
def test_an_option_that_is_empty_by_default_can_be_given_empty(arguments: list[str]) -> None:
    run("rotate_keys")
    User.objects.create_user("ada")
    run(*arguments)


@pytest.mark.parametrize("arguments", PATHS, ids=" ".join)
def test_a_command_refuses_an_empty_path_and_changes_no_file(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.pub").write_text("kept")
    app = next(app for app, name in OWN if name == arguments[0])
    with pytest.raises(SystemExit) as refused:
        load_command_class(app, arguments[0]).run_from_argv(["manage.py", *arguments])
    assert refused.value.code == 2
    assert EMPTY in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["old.pub"]


def test_no_type_of_an_option_turns_an_empty_text_into_another_value() -> None:
    def converted(kind: Any) -> object:
        try:
            return kind("")
        except (ArgumentTypeError, ValueError):
            return None

    typed = [(name, action.dest, action.type) for name, action in actions() if action.type is not None]
    assert len(typed) > 20
    assert [option for option in typed if option[2] is Path] == []
    assert [option for option in typed if converted(option[2]) not in (None, "")] == []  # "" is refused later


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        (["revoke_key", "", "--all", "--reason", "leaked", "--yes"], "kid"),
        (["revoke_key", "", "--reason", "leaked", "--yes"], "kid"),
        (["recipes", ""], "name"),
        (["client_secret", "list", " "], "client_id"),
        (["exchange_policy", "list", ""], "client_id"),
    ],
)
def test_a_command_refuses_an_optional_argument_that_is_empty(arguments: list[str], argument: str) -> None:
    run("rotate_keys")
    before = list(SigningKey.objects.order_by("pk").values())
    with pytest.raises(CommandError, match=f"^{argument} {EMPTY}$") as refused:
        run(*arguments)
    assert refused.value.returncode == 2
    assert list(SigningKey.objects.order_by("pk").values()) == before

"""Every command has the option `--json` and a text for `--help`. With `--json`, it prints JSON."""

import json
import sqlite3
import sys
from argparse import ArgumentParser, _SubParsersAction
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, find_commands, load_command_class
from django.utils import timezone

from project.launch.ports import free
from tests.tokens.factories import make_user, with_secret
from tokens.management.operator_command import Replaced
from tokens.models import Api, Client, InitialAccessToken, SigningKey

ROOT = Path(__file__).resolve().parent.parent.parent.parent
COMMANDS = [(app, name) for app in ("tokens", "resources") for name in find_commands(str(ROOT / app / "management"))]
OWN = [(app, name) for app, name in COMMANDS if not isinstance(load_command_class(app, name), Replaced)]
STOCK = (
    "CREATE TABLE auth_user (id integer, username text)",
    "CREATE TABLE oauth2_provider_application (id integer)",
    "CREATE TABLE oauth2_provider_accesstoken (id integer, scope text)",
    "CREATE TABLE oauth2_provider_refreshtoken (id integer, token text, application_id integer, user_id integer)",
    *(f"ALTER TABLE oauth2_provider_refreshtoken ADD {name}" for name in ("access_token_id", "created", "revoked")),
)
"""The empty tables of a django-oauth-toolkit project."""
API, CLIENT = "https://api.example/", "json-client"
RUNS = {
    "access": [["disable", "--client", CLIENT], ["enable", "--client", CLIENT], ["log_out", "--user", "ada"]],
    "after_restore": [["--yes"]],
    "apply": [["keyturn.yaml"], ["keyturn.yaml", "--dry-run"], ["keyturn.yaml", "--prune", "--yes"]],
    "audit": [[]],
    "certification_setup": [
        ["--base-url", "https://suite.example", "--alias", "a", "--yes-this-is-a-test-issuer"],
    ],
    "check_issuer": [[]],
    "check_proxy": [["http://127.0.0.1:{port}"]],
    "client_secret": [
        ["add", CLIENT],
        ["list", CLIENT],
        ["expire", CLIENT, "--id", "{secret}", "--at", "2099-01-01T00:00Z"],
        ["revoke", CLIENT, "--id", "{secret}"],
    ],
    "conformance": [["--profile", "fapi2"]],
    "create_api": [["--identifier", "https://new.example/", "--name", "New"]] * 2,
    "create_client": [["--name", "New", "--grant", "client_credentials"]] * 2,
    "demo_setup": [[]],
    "exchange_policy": [["set", CLIENT, API, "--scope", "api:read"], ["list"], ["remove", CLIENT, API]],
    "export": [[]],
    "flush_token": [[API]],
    "import_toolkit": [["--database", "sqlite:///{folder}/stock.sqlite3", "--dry-run"]],
    "import_users": [["users.json"], ["users.json", "--dry-run"]],
    "initial_token": [["create", "--note", "n"], ["list"], ["revoke", "--id", "{token}"]],
    "inspect_token": [[]],
    "key_backup": [
        *(["save", "keys.backup", "--passphrase-file", "passphrase.txt"],),
        *(["open", "keys.backup", "--passphrase-file", "passphrase.txt", "--to", "encryption-keys.txt"],),
    ],
    "keys": [[], ["--check"]],
    "link_api": [[API, "--client", CLIENT]],
    "purge_tokens": [[]],
    "recipes": [[], ["oauth2-proxy"]],
    "revoke_key": [["{kid}", "--reason", "r", "--yes", "--accept-outage"]],
    "revoke_tokens": [["--all", "--reason", "r", "--dry-run"], ["--client", CLIENT, "--reason", "r", "--yes"]],
    "revoke_user": [["ada"]],
    "rotate_keys": [[], ["--dry-run"]],
    "send_logouts": [["--once"]],
}
ELSEWHERE = {"move_database"}
"""Commands whose JSON a test in tests/services reads, because they need PostgreSQL."""
RUNS |= {name: [] for name in ELSEWHERE}
"""By command: the arguments of runs, each of which `--json` follows."""
NEW_DATABASE = {("key_backup", "restore")}
"""Actions whose JSON a test in tests/tokens/handover reads, because they need a database without keys."""


def parsers(parser: ArgumentParser) -> list[ArgumentParser]:
    """Return the parsers of a command's subcommands. If the command has none, return its own parser in a list."""
    actions = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    return [sub for action in actions for sub in action.choices.values()] or [parser]


@pytest.mark.parametrize(("app", "name"), OWN, ids=lambda value: value)
def test_a_command_has_json_and_explains_itself(app, name):
    parser = load_command_class(app, name).create_parser("manage.py", name)
    assert [own for own in parsers(parser) if "--json" not in own._option_string_actions] == []
    assert len(parser.description or "") > 20
    unexplained = [action for own in [parser, *parsers(parser)] for action in own._actions if action.help is None]
    positional = {"client_id"}
    assert [action.dest for action in unexplained if action.dest not in positional and action.dest not in SELF] == []


SELF = {"what", "access_token_lifetime"}
"""Arguments whose choices or units say all: the action of a command, and SECONDS."""


def test_every_command_is_run():
    assert {name for _, name in OWN} == set(RUNS)


def actions(parser: ArgumentParser) -> set[str]:
    """Return the words that choose what a command does: its subcommands, or the choices of the argument `what`."""
    chosen = [action for action in parser._actions if isinstance(action, _SubParsersAction) or action.dest == "what"]
    return {word for action in chosen for word in action.choices}


@pytest.mark.parametrize(("app", "name"), OWN, ids=lambda value: value)
def test_every_action_of_a_command_is_run(app, name):
    parser = load_command_class(app, name).create_parser("manage.py", name)
    run = {arguments[0] for arguments in RUNS[name] if arguments}
    assert [word for word in sorted(actions(parser) - run) if (name, word) not in NEW_DATABASE] == []


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Create what the commands name: a client, an API with a scope, a user, keys, files and a token.

    Return a mapping with the values that are not known in advance, such as the kid of a key.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "passphrase.txt").write_text("a passphrase of the test")
    (tmp_path / "users.json").write_text('[{"model": "auth.user", "pk": 1, "fields": {"username": "new"}}]')
    with sqlite3.connect(tmp_path / "stock.sqlite3") as stock:
        for statement in STOCK:
            stock.execute(statement)
    (tmp_path / "keyturn.yaml").write_text("clients: {service: {name: Service, kind: service}}")
    api = Api.objects.create(identifier=API, name="API")
    api.scopes.create(name="api:read", description="Read")
    client = with_secret(Client.objects.create(client_id=CLIENT, name="C", grants=["client_credentials"]))
    make_user()
    call_command("rotate_keys", stdout=StringIO())
    token = InitialAccessToken.objects.create(
        note="n", digest="d", hint="h", created_at=timezone.now(), expires_at=timezone.now(), registrations_left=1
    )
    return {
        "kid": SigningKey.objects.order_by("pk").first().kid,
        "token": str(token.pk),
        "secret": str(client.secrets.get().pk),
        "port": str(free()),
        "folder": str(tmp_path),
    }


@pytest.mark.django_db
@pytest.mark.parametrize(("app", "name"), OWN, ids=lambda value: value)
def test_what_a_command_prints_with_json_is_json(app, name, world, monkeypatch):
    for arguments in RUNS[name]:
        monkeypatch.setattr(sys, "stdin", StringIO("eyJhbGciOiJSUzI1NiJ9.e30.AAAA"))
        out, words = StringIO(), (word.format(**world) for word in arguments)
        # A check that finds something exits with its code, and has printed its finding as JSON before.
        with suppress(SystemExit, CommandError):
            call_command(load_command_class(app, name), *words, "--json", stdout=out)
        text = out.getvalue().strip()
        assert text, arguments
        assert is_json(text), text


def is_json(text):
    """Return True if the text is one JSON value, or has one JSON value on each line."""
    for parts in ([text], text.splitlines()):
        with suppress(ValueError):
            return all(json.loads(part) is not None for part in parts)
    return False

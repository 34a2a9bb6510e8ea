"""Every command reports in one line if it cannot use the database."""

import pytest
from django.core.management import CommandError, ManagementUtility, call_command
from django.db import OperationalError, connection

COMMANDS = [
    ("rotate_keys",),
    ("keys",),
    ("purge_tokens",),
    ("create_api", "--identifier", "https://orders.example/", "--name", "Orders"),
    ("create_client", "--name", "S"),
    ("client_secret", "list"),
    ("revoke_key", "kid", "--reason", "lost"),
    ("flush_token", "https://orders.example/"),
    ("after_restore", "--yes"),
    ("access", "disable", "--user", "ada"),
    ("exchange_policy", "list"),
    ("link_api", "https://orders.example/", "--none"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.django_db(transaction=True)
def test_a_database_without_tables_is_a_one_line_error_with_the_remedy(command, monkeypatch):
    def no_tables(execute, sql, params, many, context):
        if "tokens_" in sql or "django_migrations" in sql:
            raise OperationalError("no such table: tokens_ring")
        return execute(sql, params, many, context)

    monkeypatch.setattr("django.db.migrations.recorder.MigrationRecorder.has_table", lambda _: False)
    with connection.execute_wrapper(no_tables), pytest.raises(CommandError) as error:
        call_command(*command)
    assert str(error.value).endswith("migrations: run manage.py migrate first")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.django_db(transaction=True)
def test_an_unreachable_database_is_a_one_line_error(command):
    def away(*_):
        raise OperationalError("connection failed:\n\tIs the server running?")

    with connection.execute_wrapper(away), pytest.raises(CommandError) as error:
        call_command(*command)
    assert str(error.value) == "the database (DATABASE_URL) cannot be used: connection failed: Is the server running?"


@pytest.mark.parametrize(
    ("command", "replacement"), [("createapplication", "create_client"), ("cleartokens", "purge_tokens")]
)
def test_the_toolkit_s_commands_refuse_and_name_the_replacement(command, replacement, capsys):
    with pytest.raises(CommandError, match=f"use {replacement}"):
        call_command(command)
    with pytest.raises(SystemExit) as ended:
        ManagementUtility(["manage.py", command, "--name", "x", "confidential", "client-credentials"]).execute()
    assert ended.value.code == 2
    assert f"use {replacement}" in capsys.readouterr().err

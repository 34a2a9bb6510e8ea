"""`manage.py migrate` of the process that is both issuer and API."""

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connections

ISSUER, API = ("default", None), ("api", "notes")


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """Return the list to which each run of Django's migrate appends its database and its app."""
    runs: list[tuple[str, str | None]] = []

    def record(_command: migrate.Command, **options: Any) -> None:
        runs.append((options["database"], options["app_label"]))

    monkeypatch.setattr(migrate.Command, "handle", record)
    return runs


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ({}, [ISSUER, API]),
        ({"database": "default"}, [ISSUER]),
        ({"database": "api"}, [API]),
        ({"app_label": "tokens"}, [("default", "tokens"), ("api", "tokens")]),
        ({"app_label": "notes", "database": "api"}, [API]),
    ],
)
def test_only_the_apps_of_the_api_are_migrated_in_its_database(
    migrated: list[tuple[str, str | None]], options: dict[str, str], runs: list[tuple[str, str | None]]
) -> None:
    call_command("migrate", skip_checks=True, **options)
    assert migrated == runs


@pytest.mark.django_db(databases=["default", "api"])
def test_each_database_has_the_tables_of_its_apps_only() -> None:
    issuer, api = (set(connections[name].introspection.table_names()) for name in ("default", "api"))
    assert "notes_note" in api - issuer
    assert "tokens_signingkey" in issuer - api
    assert not [name for name in api if name.startswith(("tokens_", "auth_", "account_"))]

"""Tests of tests/migrated.py, which copies a migrated database instead of migrating again.

A stored database is used until the schema can have changed: by another migration, model, trigger or app, for example.
"""

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission

from tests import migrated


@pytest.fixture
def app(tmp_path, monkeypatch):
    """Replace Django's apps by one app with files in a temporary folder. Return this app."""
    app = SimpleNamespace(label="shop", path=str(tmp_path))
    monkeypatch.setattr(migrated.apps, "get_app_configs", lambda: [app])
    for name in ("migrations/0001_initial.py", "models/basket.py", "triggers/rule.py", "views.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1")
    return app


@pytest.mark.parametrize("name", ["migrations/0001_initial.py", "models/basket.py", "triggers/rule.py"])
@pytest.mark.parametrize("change", ["edit", "rename", "delete"])
def test_a_changed_source_of_the_schema_is_another_database(app, tmp_path, name, change):
    before, path = migrated.fingerprint(), tmp_path / name
    if change == "edit":
        path.write_text("x = 2")
    elif change == "rename":
        path.rename(path.with_name("other.py"))
    else:
        path.unlink()
    assert migrated.fingerprint() != before


def test_a_further_migration_or_app_is_another_database(app, tmp_path, monkeypatch):
    first = migrated.fingerprint()
    (tmp_path / "migrations" / "0002_more.py").write_text("")
    second = migrated.fingerprint()
    empty = SimpleNamespace(label="notes", path=str(tmp_path / "none"))
    monkeypatch.setattr(migrated.apps, "get_app_configs", lambda: [app, empty])
    assert len({first, second, migrated.fingerprint()}) == 3


def test_a_changed_view_is_the_same_database(app, tmp_path):
    before = migrated.fingerprint()
    (tmp_path / "views.py").write_text("x = 2")
    assert migrated.fingerprint() == before


def test_a_kept_database_is_whole_and_replaces_the_draft_of_a_process_that_was_killed(tmp_path):
    file = tmp_path / "one.sqlite3"
    file.with_suffix(".draft").write_text("half")
    with closing(sqlite3.connect(":memory:")) as made, closing(sqlite3.connect(":memory:")) as other:
        made.executescript("CREATE TABLE note (body); INSERT INTO note VALUES ('x');")
        migrated.keep(made, file)
        migrated.copy(file, other)
        assert other.execute("SELECT body FROM note").fetchall() == [("x",)]
    assert [path.name for path in tmp_path.iterdir()] == ["one.sqlite3"]


def test_only_the_newest_databases_are_kept(tmp_path):
    with closing(sqlite3.connect(":memory:")) as made:
        for number in range(3 * migrated.KEPT):
            migrated.keep(made, tmp_path / f"{number}.sqlite3")
    left = {path.stem for path in tmp_path.glob("*.sqlite3")}
    assert (len(left), f"{3 * migrated.KEPT - 1}" in left) == (2 * migrated.KEPT, True)


def test_without_a_cache_the_databases_are_made_as_django_makes_them():
    create = migrated.DatabaseCreation.create_test_db
    with migrated.copied(SimpleNamespace()):
        assert migrated.DatabaseCreation.create_test_db is create


@pytest.mark.django_db
def test_a_copy_has_the_rows_that_migrate_makes():
    assert Permission.objects.filter(codename="view_client").count() == 1

"""The command lines of docs/moving.md are run in their order.

tests/services/test_move_database.py runs the line that needs PostgreSQL.
"""

import json
import shutil

import pytest

from tests import marks
from tests.project import console
from tests.tokens.handover.test_toolkit import stock  # noqa: F401 (a fixture)
from tokens.models import Client, RefreshToken, User

pytestmark = [pytest.mark.django_db, *marks.toolkit]
PAGE = console.page("moving.md")


def test_the_page_can_be_followed(stock, tmp_path, monkeypatch):  # noqa: F811 (the fixture)
    monkeypatch.chdir(tmp_path)
    shutil.copy(stock["url"].removeprefix("sqlite:///"), tmp_path / "db.sqlite3")
    shutil.copy(stock["users"], tmp_path / "users.json")
    shutil.copy(stock["key"], tmp_path / "oidc.pem")
    (tmp_path / "passphrase.txt").write_text("a passphrase of the test")
    commands = console.commands(PAGE)
    monkeypatch.setenv("PWD", str(tmp_path))
    printed = {}
    for words in commands:
        if words[0] != "move_database":
            adapted = [word.replace("sqlite:///", f"sqlite:///{tmp_path}/") for word in words]
            printed[" ".join(words[:2])] = console.run(adapted)
    assert {words[0] for words in commands} >= {"import_users", "move_database", "key_backup", "export"}
    assert json.loads(printed["import_toolkit --database"])["tokens"] == RefreshToken.objects.count() > 0
    assert Client.objects.filter(client_id="web").exists()
    assert User.objects.count() == len(json.loads((tmp_path / "leaving.json").read_text())) == 3
    assert (tmp_path / "subs.csv").exists()
    assert (tmp_path / "encryption-keys.txt").exists()

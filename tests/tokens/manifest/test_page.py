"""The page docs/configuration-as-code.md: its manifest is stored as a file, and all its commands are run in order."""

import json

import pytest

from tests.project import console
from tests.tokens.factories import make_user
from tokens.manifest import plan
from tokens.manifest.field_types import is_flag
from tokens.models import Client, ExchangePolicy, User

PAGE = console.page("configuration-as-code.md")


@pytest.mark.django_db
def test_the_page_can_be_followed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keyturn.yaml").write_text(console.block(PAGE, "yaml"), encoding="utf-8")
    make_user()
    printed = [console.run(words) for words in console.commands(PAGE)]
    assert len(printed) == 11
    assert printed[0].startswith("dry run, nothing was changed:")
    assert json.loads((tmp_path / "secrets.json").read_text()).keys() == {"shop", "proxy", "orders-api"}
    assert [json.loads(printed[number])["changed"] for number in (2,)] == [False]
    assert printed[4].strip() == "nothing had to change"
    assert [json.loads(printed[number])["created"] for number in (6, 7)] == [True, False]
    assert Client.objects.get(client_id="proxy").recipe == "oauth2-proxy"
    assert ExchangePolicy.objects.count() == 2
    assert not User.objects.get().is_active


def test_the_page_names_every_kind_of_field():
    table = PAGE.partition("## Fields")[2].partition("## Scripts")[0]
    switches = {name for name, check in plan.CLIENT.items() if check is is_flag}
    assert [name for name in {*plan.CLIENT, *plan.API} - switches if f"`{name}`" not in table] == []

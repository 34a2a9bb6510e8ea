"""The file of a recipe (registration of a known program): the values that are read, and the error messages.

An error message names the place of the error in the file, and the remedy.
"""

from datetime import date

import pytest

from tokens.recipes import catalog, options
from tokens.recipes.schema import InvalidRecipe, Step, parse

GOOD = """
title = "Wiki"
kind = "login"
version = "Wiki 1.2"
tried = 2026-11-29
summary = "A wiki."

[[step]]
command = "create_client"
[step.options]
grants = ["authorization_code"]
redirect_uris = ["https://app.example/callback"]

[[block]]
file = "wiki.ini"
language = "ini"
code = "id = CLIENT_ID"

[requests]
authentication = "basic"
scope = "openid"
"""


def test_a_file_becomes_a_recipe():
    recipe = parse("wiki", GOOD)
    assert (recipe.name, recipe.title, recipe.kind, recipe.tried) == ("wiki", "Wiki", "login", date(2026, 11, 29))
    assert recipe.step("create_client").options["redirect_uris"] == ["https://app.example/callback"]
    assert recipe.requests.pkce
    assert recipe.variants == ()


WRONG = {
    "not TOML": ("title = ", "wiki: not TOML: Invalid value"),
    "unknown field": (GOOD.replace("summary", "sumary"), "wiki: unknown field sumary. Known are name, title, kind"),
    "unknown field of a table": (GOOD.replace("scope =", "scopes ="), "wiki: requests: unknown field scopes"),
    "unknown field of a block": (GOOD.replace("language", "lang"), "wiki: block 1: unknown field lang"),
    "missing field": (GOOD.replace('title = "Wiki"', ""), "wiki: title is missing"),
    "wrong choice": (GOOD.replace('"login"', '"app"'), "wiki: kind must be one of: login, machine, resource server"),
    "wrong type": (GOOD.replace('"A wiki."', "1"), "wiki: summary must be a text"),
    "a text for a list": (GOOD + 'needs = "email"', "wiki: requests: needs must be a list of texts"),
    "a text for a flag": (GOOD + 'pkce = "yes"', "wiki: requests: pkce must be true or false"),
    "a table for tables": (GOOD.replace("[[block]]", "[block]"), "wiki: block must be written as .*block"),
    "a text for a table": (
        GOOD.partition("[requests]")[0].replace("[[step]]", 'requests = "x"\n[[step]]', 1),
        "wiki: requests must be a table",
    ),
    "no evidence": (GOOD.replace("tried = 2026-11-29", ""), "wiki: name either tests that run the program, or"),
    "unknown command": (GOOD.replace('"create_client"', '"loaddata"'), "wiki: unknown command loaddata"),
    "no step": (GOOD.replace('"create_client"', '"create_api"'), "wiki: a login needs a step with create_client"),
    "no requests": (GOOD.partition("[requests]")[0], "wiki: a login or machine needs .requests."),
    "verification of a login": (GOOD + '[verification]\nby = "keys"', "wiki: a resource server needs .verification."),
    "stray variant": (GOOD.replace('file = "wiki.ini"', 'variant = "key"'), "wiki: no step has the variant key"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_malformed_file_is_refused_with_its_place(case):
    text, message = WRONG[case]
    with pytest.raises(InvalidRecipe, match=message):
        parse("wiki", text)


@pytest.mark.parametrize("name", ["Wiki", "../wiki", "", "wi ki", "w" * 61])
def test_a_name_that_is_no_plain_word_is_refused(name):
    with pytest.raises(InvalidRecipe, match="is not a name"):
        parse(name, GOOD)


def test_an_unknown_option_of_a_step_is_refused():
    with pytest.raises(InvalidRecipe, match=r"create_client has no option secret\. Known are name"):
        options.words(Step(command="create_client", options={"secret": "x"}))


def test_there_are_at_least_sixty_programs():
    recipes = catalog.recipes()
    assert len(recipes) >= 60
    assert {recipe.kind for recipe in recipes.values()} == {"login", "machine", "resource server"}


def test_a_site_adds_and_replaces_recipes_in_its_own_folder(tmp_path):
    (tmp_path / "wiki.toml").write_text(GOOD)
    (tmp_path / "dex.toml").write_text(GOOD.replace("Wiki 1.2", "our own Dex"))
    recipes = catalog.recipes(tmp_path)
    assert recipes["wiki"].version == "Wiki 1.2"
    assert recipes["dex"].version == "our own Dex"
    assert "grafana" not in recipes


def test_a_file_is_parsed_again_if_it_has_changed_and_only_then(tmp_path, monkeypatch):
    file = tmp_path / "wiki.toml"
    file.write_text(GOOD)
    first = catalog.find("wiki", tmp_path)
    file.write_text(GOOD.replace("Wiki 1.2", "Wiki 1.3"))
    assert catalog.find("wiki", tmp_path).version == "Wiki 1.3"
    file.write_text("title = ")
    with pytest.raises(InvalidRecipe, match="wiki: not TOML"):
        catalog.find("wiki", tmp_path)
    file.write_text(GOOD)
    monkeypatch.setattr(catalog, "parse", None)
    assert catalog.find("wiki", tmp_path) is first


def test_a_folder_or_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InvalidRecipe, match=r"there is no folder .*nowhere for recipes"):
        catalog.recipes(tmp_path / "nowhere")
    (tmp_path / "wiki.toml").write_bytes(b"\xff")
    with pytest.raises(InvalidRecipe, match=r"wiki.toml cannot be read"):
        catalog.recipes(tmp_path)


def test_an_unknown_name_gets_similar_ones():
    with pytest.raises(InvalidRecipe, match=r"no recipe proxy. Did you mean .*oauth2-proxy.*manage.py recipes"):
        catalog.find("proxy")
    with pytest.raises(InvalidRecipe, match=r"no recipe zzz. To list them"):
        catalog.find("zzz")

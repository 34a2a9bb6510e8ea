import ast

import pytest

from tests.source_trees import MODULES, absolute, dotted, imports, loaded, tree, walk


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ('import_module("tokens.keys")', "tokens.keys"),
        ('import_module(name="tokens.keys")', "tokens.keys"),
        ('importlib.import_module("tokens.keys")', "tokens.keys"),
        ('__import__("tokens.keys", fromlist=["store"])', "tokens.keys"),
        ('import_string("tokens.keys.store.database_now")', "tokens.keys.store.database_now"),
        ('import_string("tokens.keys.store:database_now")', "tokens.keys.store.database_now"),
        ('import_string("tokens." + "keys.store")', "tokens.keys.store"),
        ('import_string("tokens." "keys.store")', "tokens.keys.store"),
        ('import_module(f"tokens.keys")', "tokens.keys"),
        ('import_module(f"tokens.keys.{name}")', "tokens.keys"),
        ('import_module(f"tokens.keys.st{name}.rows")', "tokens.keys"),
        ('import_module("tokens.keys." + name)', "tokens.keys"),
        ('import_module("tokens.keys." + name + ".rows")', "tokens.keys"),
        ('import_module("tokens.keys.%s" % name)', "tokens.keys"),
        ('import_module("tokens.keys.{}".format(name))', "tokens.keys"),
        ('import_module(f"tokens.{room}.store")', "tokens.*"),
        ('import_module("..store", __package__)', "tokens.store"),
        ('import_module(f".{name}", __package__)', "tokens.keys"),
        ('import_module(f".rules.{name}", __package__)', "tokens.keys.rules"),
        ('import_module(".store", package="tokens.models")', "tokens.models.store"),
        ('PLACE = "tokens.keys"\nimport_module(PLACE)', "tokens.keys"),
        ('PLACE: Final = "tokens.keys"\nimport_module(PLACE)', "tokens.keys"),
        ('from importlib import import_module as load\nload("tokens.keys")', "tokens.keys"),
    ],
)
def test_a_function_that_imports_what_a_literal_names_is_an_import(call: str, name: str) -> None:
    assert [module for _, module in loaded(absolute(call, "tokens/keys/ring.py"))] == [name]


@pytest.mark.parametrize(
    "call",
    [
        "import_module(name)",
        'import_module(f"{name}.keys")',
        'import_module(name + ".keys")',
        "import_string(conf.entry)",
        "import_module()",
        'import_modules("tokens.keys")',
        'load("tokens.keys")',
        '"tokens.keys"',
    ],
)
def test_other_calls_are_no_imports(call: str) -> None:
    assert loaded(absolute(call, "tokens/keys/ring.py")) == []


def test_an_import_by_a_function_is_of_the_module_in_which_the_object_is() -> None:
    parsed = ast.parse('import_string("tokens.keys.store.database_now")\nimport_string("django.db.models.Q")')
    assert imports(parsed) == [(1, "tokens.keys.store"), (2, "django.db.models.Q")]


@pytest.mark.parametrize(
    ("expression", "name"),
    [("now", "now"), ("timezone.now", "timezone.now"), ("(a).b.c", "a.b.c"), ("f().now", ""), ("a[0].now", "")],
)
def test_a_dotted_name_is_of_names_and_attributes_only(expression: str, name: str) -> None:
    assert dotted(ast.parse(expression, mode="eval").body) == name


def test_a_module_is_parsed_and_walked_once() -> None:
    path = MODULES["tokens.conf"]
    assert tree(path) is tree(path)
    assert walk(tree(path)) is walk(tree(path))
    assert imports(tree(path)) is imports(tree(path))
    assert [*walk(tree(path))] == [*ast.walk(tree(path))]

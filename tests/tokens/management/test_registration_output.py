"""What `create_client` and `create_api` print about a result. These tests need no database."""

from types import SimpleNamespace

import pytest

from tokens.management import registration_output
from tokens.models import Api, Client
from tokens.recipes.example import RealValues
from tokens.registration.result import ApiResult, ClientResult

VALUES = RealValues()
PART = SimpleNamespace(as_dict=lambda: {"file": "app.cfg"})


def chosen(loosens="", *, needs_verified_email=False):
    recipe = SimpleNamespace(
        name="proxy", version="proxy 1", loosens=loosens, needs_verified_email=needs_verified_email
    )
    return SimpleNamespace(recipe=recipe, configuration=lambda _: [PART], printed=lambda _: iter(["", "# app.cfg"]))


def client(secret="s3cret", *, created=True, client_type="confidential", method="client_secret_basic"):
    row = Client(client_id="a", client_type=client_type, token_endpoint_auth_method=method)
    return ClientResult(
        client=row, secret=secret, created=created, warnings=(), less_strict=("PKCE: a nonce.",), api=""
    )


def api(client_id="", secret=None, *, created=True, scopes=("a:read", "a:write")):
    row = Api(identifier="https://a.example/")
    return ApiResult(api=row, scopes=scopes, client_id=client_id, secret=secret, created=created)


def client_lines(result, recipe=None):
    return list(registration_output.client_lines(result, recipe, VALUES))


def api_lines(result, recipe=None):
    return list(registration_output.api_lines(result, recipe, VALUES))


def test_a_new_client_is_two_lines():
    assert client_lines(client()) == ["client_id      a", "client_secret  s3cret"]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (
            client(None, created=False),
            "(unchanged: the client was registered before; to add a secret, run client_secret)",
        ),
        (
            client(None, client_type="public", method="none"),
            "(none: a public client cannot keep a secret; PKCE protects its authorization codes)",
        ),
        (client(None, method="private_key_jwt"), "(none: the client authenticates with its own key)"),
        (
            client(None, created=False, method="private_key_jwt"),
            "(none: the client authenticates with its own key)",
        ),
    ],
)
def test_a_client_without_a_new_secret_has_the_reason_in_its_place(result, reason):
    assert client_lines(result)[1] == f"client_secret  {reason}"


def test_a_client_that_was_registered_before_says_so():
    assert client_lines(client(created=False))[0] == "client_id      a  (already registered, unchanged)"


def test_a_recipe_adds_facts_and_the_configuration():
    assert client_lines(client(), chosen("Any user may log in.", needs_verified_email=True))[2:] == [
        "less strict    PKCE: a nonce.",
        "less strict    Any user may log in.",
        "needs          a verified e-mail address of each user (admin, Users)",
        "seen with      proxy 1",
        "",
        "# app.cfg",
    ]
    assert client_lines(client(), chosen())[2:4] == ["less strict    PKCE: a nonce.", "seen with      proxy 1"]


def test_the_json_of_a_client_has_the_recipe_only_if_there_is_one():
    plain = {"client_id": "a", "client_secret": "s3cret", "created": True}
    assert registration_output.client_json(client(), None, VALUES) == plain
    assert registration_output.client_json(client(), chosen("Loose."), VALUES) == plain | {
        "recipe": "proxy",
        "less_strict": ["PKCE: a nonce.", "Loose."],
        "configuration": [{"file": "app.cfg"}],
    }


def test_an_api_is_two_lines_and_one_more_if_it_was_registered_before():
    lines = ["identifier  https://a.example/", "scopes      a:read a:write"]
    assert api_lines(api()) == lines
    assert api_lines(api(created=False)) == ["already registered, unchanged", *lines]
    assert api_lines(api(scopes=()))[1] == "scopes      (none)"


def test_a_recipe_adds_the_client_of_the_api_if_it_has_one():
    assert api_lines(api("own", "s3cret"), chosen())[2:5] == [
        "client_id   own",
        "secret      s3cret",
        "seen with   proxy 1",
    ]
    assert api_lines(api("own"), chosen())[3] == "secret      (unchanged: to add a secret, run client_secret)"
    assert api_lines(api(), chosen())[2:] == ["seen with   proxy 1", "", "# app.cfg"]


def test_the_json_of_an_api_has_the_client_only_with_a_recipe():
    plain = {"identifier": "https://a.example/", "scopes": ["a:read", "a:write"], "created": True}
    assert registration_output.api_json(api("own", "s3cret"), None, VALUES) == plain
    with_recipe = registration_output.api_json(api("own", "s3cret"), chosen(), VALUES)
    assert (with_recipe["recipe"], with_recipe["client_id"], with_recipe["client_secret"]) == ("proxy", "own", "s3cret")
    none = registration_output.api_json(api(), chosen(), VALUES)
    assert (none["client_id"], none["client_secret"]) == (None, None)

"""Adding a client for a known program in the admin.

The admin creates the same client as `create_client --for` does for the program.
"""

from io import StringIO

import pytest
from django.core.management import call_command
from django.forms import model_to_dict

from tests.tokens.factories import make_api
from tokens.models import AuditEvent, Client, Scope
from tokens.recipes import catalog

pytestmark = pytest.mark.django_db
NEW = "/admin/tokens/client/new/"
CLIENTS = [
    recipe.name
    for recipe in catalog.recipes().values()
    if recipe.kind != "resource server" and "jwks" not in recipe.step("create_client").options
]


def test_the_page_what_is_it_lists_the_programs_by_topic(admin):
    page = admin.get(NEW).content.decode()
    assert f'href="{NEW}for/oauth2-proxy/"' in page
    assert page.index("Go</dt>") < page.index("Java</dt>")
    assert "for/kafka/" not in page


@pytest.mark.parametrize("name", CLIENTS)
def test_the_client_is_that_of_the_command(admin, name):
    step = catalog.find(name).step("create_client")
    api = make_api("https://any.example/", *{"notes:read", *step.options.get("scopes", ())})
    scopes = list(Scope.objects.filter(api=api))
    needs_site = any("https://app.example" in uri for uri in step.options.get("redirect_uris", ()))
    site = ["--site", "https://shop.corp"] if needs_site else []
    words = [word for scope in scopes for word in ("--scope", scope.name)]
    call_command("create_client", "--for", name, *site, *words, stdout=StringIO())
    by_command = described(Client.objects.get())
    Client.objects.all().delete()
    form = {"name": catalog.find(name).title, "scopes": [scope.pk for scope in scopes]}
    page = admin.post(f"{NEW}for/{name}/", form | ({"site": "https://shop.corp"} if needs_site else {}))
    assert "snippets" in page.context_data, page.context_data["form"].errors
    assert described(Client.objects.get()) == by_command


BATCH = """
title = "Batch"
kind = "machine"
version = "1"
tried = 2026-11-29
summary = "A batch."
[[step]]
command = "create_client"
[step.options]
grants = ["client_credentials"]
scopes = ["notes:read"]
jwks_uri = "https://batch.example/jwks.json"
pkce = "required"
[requests]
authentication = "private_key_jwt"
"""


def test_the_client_of_a_site_s_recipe_is_that_of_the_command(admin, settings, tmp_path):
    (tmp_path / "batch.toml").write_text(BATCH)
    settings.ISSUER = settings.ISSUER | {"RECIPES": tmp_path}
    scope = make_api("https://any.example/", "orders:read").scopes.get()
    call_command("create_client", "--for", "batch", "--scope", "orders:read", stdout=StringIO())
    by_command = fields(Client.objects.get())
    Client.objects.all().delete()
    page = admin.post(f"{NEW}for/batch/", {"name": "Batch", "scopes": [scope.pk]})
    assert "snippets" in page.context_data, page.context_data["form"].errors
    client = Client.objects.get()
    assert (client.client_jwks_uri, client.pkce) == ("https://batch.example/jwks.json", None)
    assert fields(client) == by_command


def described(client):
    """Return `fields(client)`, and also the client_id if the recipe sets it."""
    own = catalog.find(client.recipe).step("create_client").options.get("client_id")
    return fields(client) | ({"client_id": client.client_id} if own else {})


def fields(client):
    """Return the fields of a client, except its id, client_id and dates, which differ between two equal clients."""
    values = model_to_dict(client) | {"recipe": client.recipe}
    values["scopes"] = sorted(scope.name for scope in values["scopes"])
    return {name: value for name, value in values.items() if name not in {"id", "client_id", "created", "updated"}}


def test_the_answer_has_the_secret_the_configuration_and_what_is_less_strict(admin):
    page = admin.post(f"{NEW}for/gatus/", {"name": "Status", "site": "https://status.corp"})
    client, text = Client.objects.get(), page.content.decode()
    assert page.context_data["secret"] in text
    assert "PKCE: a nonce is accepted instead of a code challenge" in text
    (block,) = page.context_data["snippets"]
    assert (block.title, "https://status.corp/authorization-code/callback" in block.text) == ("config.yaml", True)
    assert client.client_id in block.text
    assert AuditEvent.objects.get(action="client.created").details["recipe"] == "gatus"
    assert "no-store" in page.headers["Cache-Control"]


def test_a_missing_value_is_named_and_nothing_is_registered(admin):
    page = admin.post(f"{NEW}for/oauth2-proxy/", {"name": "P"})
    assert "site" in page.context_data["form"].errors
    page = admin.post(f"{NEW}for/spring-client/", {"name": "S"})
    assert "requests a scope of your API" in str(page.context_data["form"].errors)
    page = admin.post(f"{NEW}for/nimbus-sdk/", {"name": "N", "site": "https://n.corp", "jwks": "no keys"})
    assert "jwks" in page.context_data["form"].errors
    assert not Client.objects.exists()


@pytest.mark.parametrize("name", ["nothing", "kafka"])
def test_an_unknown_program_and_a_resource_server_are_not_found(admin, name):
    assert admin.get(f"{NEW}for/{name}/").status_code == 404


def test_an_administrator_without_the_permission_is_refused(admin, django_user_model):
    admin.logout()
    clerk = django_user_model.objects.create_user("clerk", password="x", is_staff=True)
    admin.force_login(clerk)
    assert admin.get(f"{NEW}for/gatus/").status_code in {302, 403}
    assert admin.post(f"{NEW}for/gatus/", {"name": "S", "site": "https://s.corp"}).status_code in {302, 403}
    assert not Client.objects.exists()

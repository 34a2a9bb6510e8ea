"""An issuer whose URL has a path works behind a proxy that removes this path from requests, or keeps it."""

import pytest
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix

from tokens import conf
from tokens.metadata.document import document

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]


@pytest.fixture
def under_a_path(settings):
    settings.ISSUER = settings.ISSUER | {"URL": "https://a.example/auth"}
    settings.FORCE_SCRIPT_NAME = "/auth"
    set_script_prefix("/auth/")  # as Django's WSGI handler does, and the test's client does not
    yield
    clear_script_prefix()


@pytest.mark.parametrize("kept", ["/auth", ""], ids=["left on", "taken off"])
def test_every_address_of_the_metadata_is_there(client: Client, under_a_path: None, kept: str) -> None:
    metadata = document(conf.issuer().url, scopes=[], apis=[], algorithms=[])
    addresses = [str(value) for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) == 9
    for address in addresses:
        assert client.get(kept + address.removeprefix("https://a.example/auth")).status_code != 404, address


@pytest.mark.parametrize("kept", ["/auth", ""], ids=["left on", "taken off"])
def test_links_and_redirects_name_the_path_once(client: Client, under_a_path: None, kept: str) -> None:
    page = client.get(f"{kept}/accounts/")
    assert 'href="/auth/accounts/login/"' in page.content.decode()
    assert client.get(f"{kept}/accounts/everywhere/")["Location"].startswith(
        "/auth/accounts/login/?next=%2Fauth%2Faccounts%2Feverywhere%2F"
    )


@pytest.mark.parametrize("path", ["/authx/accounts/", "/auth/auth/accounts/", "/other/accounts/"])
def test_another_path_is_not_the_issuer_s(client: Client, under_a_path: None, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_path_itself_is_the_root(client: Client, under_a_path: None) -> None:
    assert client.get("/auth").status_code == client.get("/").status_code


@pytest.mark.parametrize("path", ["/auth/healthz", "/auth/readyz", "/healthz"])
def test_a_probe_is_answered_over_http_and_not_sent_elsewhere(
    client: Client, under_a_path: None, settings, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path).status_code in {200, 503}
    assert client.get("/auth/accounts/").status_code == 301

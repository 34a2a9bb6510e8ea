"""Hostile addresses and metadata documents of clients.

No request goes to an internal address, nothing is stored, and no answer is a 500.
"""

import json

import pytest

from tests.resources.loopback import document, raw, status
from tests.resources.loopback import loopback as serve
from tests.tokens.assertions import jwks
from tests.tokens.factories import authorization, log_in
from tests.tokens.jose.test_key_text import private_jwk
from tests.tokens.open_clients.conftest import ADDRESS, CALLBACK, DOCUMENT
from tests.tokens.open_clients.test_document_client import Named, requested
from tokens import outbound
from tokens.clients import jwks_uri
from tokens.models import Client
from tokens.open_clients import document_fetch
from tokens.outbound import FetchError

ADDRESSES = [
    "http://app.example/client.json",
    "HTTPS://app.example/client.json",
    "https://APP.example/client.json",
    "https://app.example",
    "https://app.example/",
    "https://app.example/a/../client.json",
    "https://app.example/a/%2e%2E/client.json",
    "https://app.example/./client.json",
    "https://user@app.example/client.json",
    "https://user:password@app.example/client.json",
    "https://app.example@10.0.0.1/client.json",
    "https://app.example/client.json#part",
    "https://app.example:0/client.json",
    "https://app.example:99999/client.json",
    "https://app.example:/client.json",
    "https://app.example:x/client.json",
    "https://app.example\\@10.0.0.1/client.json",
    "https://app.example /client.json",
    "https://äpp.example/client.json",
    "https://app.example./client.json",
    "https://-app.example/client.json",
    "https://app_x.example/client.json",
    "https://localhost/client.json",
    "https://localhost:8000/client.json",
    "https://printer/client.json",
    "https://127.0.0.1/client.json",
    "https://10.0.0.1/client.json",
    "https://169.254.169.254/latest/meta-data",
    "https://2130706433/client.json",
    "https://0x7f000001/client.json",
    "https://0x7f.1/client.json",
    "https://127.1/client.json",
    "https://0177.0.0.1/client.json",
    "https://[::1]/client.json",
    "https://[::ffff:10.0.0.1]/client.json",
    "https://[fe80::1%25eth0]/client.json",
    "https:app.example/client.json",
    "https:///client.json",
    "https://%61pp.example/client.json",
    "http://127.0.0.1/client.json",
    "file:///etc/passwd",
    "ftp://app.example/client.json",
    "gopher://app.example/client.json",
    "data:application/json,{}",
    "javascript:alert(1)",
    "urn:app:client",
    "::",
    ":",
    f"https://app.example/{'x' * 221}",
]
RESOLVED = [
    "127.0.0.1",
    "127.8.9.10",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 (resolved, not bound)
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fd00::1",
    "fe80::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
]
KEYS = {"token_endpoint_auth_method": "private_key_jwt"}
BAD_REDIRECTS = [
    "https://evil.example/callback",
    "https://app.example.evil.example/callback",
    "https://app.example:8443/callback",
    "https://app.example@evil.example/callback",
    "http://app.example/callback",
    "http://10.0.0.1/callback",
    "javascript:alert(1)",
    "data:text/html,x",
    "com.evil.app:/callback",
    "example:/callback",
    "myapp:/callback",
    "https://app.example/callback#part",
    "https://*.app.example/callback",
    "/callback",
    "",
    "https://app.example/" + "x" * 600,
]
DOCUMENTS = {
    "an array": [],
    "text": "client",
    "null": None,
    "a number": 7,
    "no client_id": DOCUMENT | {"client_id": None},
    "another client_id": DOCUMENT | {"client_id": "https://app.example/other.json"},
    "the client_id with a port": DOCUMENT | {"client_id": "https://app.example:443/client.json"},
    "the client_id in another case": DOCUMENT | {"client_id": "https://app.example/Client.json"},
    "a client_id in a list": DOCUMENT | {"client_id": [ADDRESS]},
    "a secret": DOCUMENT | {"client_secret": "s"},
    "a secret that is null": DOCUMENT | {"client_secret": None},
    "a secret's expiry": DOCUMENT | {"client_secret_expires_at": 0},
    "a secret in the header": DOCUMENT | {"token_endpoint_auth_method": "client_secret_basic"},
    "a secret in the body": DOCUMENT | {"token_endpoint_auth_method": "client_secret_post"},
    "a symmetric assertion": DOCUMENT | {"token_endpoint_auth_method": "client_secret_jwt"},
    "an unknown method": DOCUMENT | {"token_endpoint_auth_method": "tls_client_auth"},
    "a method in a list": DOCUMENT | {"token_endpoint_auth_method": ["none"]},
    "a software statement": DOCUMENT | {"software_statement": "a.b.c"},
    "no redirect URIs": DOCUMENT | {"redirect_uris": []},
    "redirect URIs that are text": DOCUMENT | {"redirect_uris": CALLBACK},
    "a redirect URI that is a number": DOCUMENT | {"redirect_uris": [1]},
    "too many redirect URIs": DOCUMENT | {"redirect_uris": [f"{CALLBACK}/{n}" for n in range(21)]},
    "the implicit grant": DOCUMENT | {"response_types": ["token"]},
    "grant types without a login": DOCUMENT | {"grant_types": ["client_credentials"]},
    "refresh tokens alone": DOCUMENT | {"grant_types": ["refresh_token"]},
    "grant types that are objects": DOCUMENT | {"grant_types": [{}]},
    "a name that is too long": DOCUMENT | {"client_name": "x" * 101},
    "a name that turns the text around": DOCUMENT | {"client_name": "Bank\u202egro.live"},
    "a name with a line break": DOCUMENT | {"client_name": "Bank\nis safe"},
    "a name that is invisible": DOCUMENT | {"client_name": "Ba\u200bnk"},
    "a name that is blank": DOCUMENT | {"client_name": "\u3164"},
    "a name with the blank of Braille": DOCUMENT | {"client_name": "\u2800\u2800"},
    "a name that is an object": DOCUMENT | {"client_name": {"en": "x"}},
    "keys and their address": DOCUMENT | KEYS | {"jwks": jwks(), "jwks_uri": "https://app.example/k"},
    "private_key_jwt without keys": DOCUMENT | KEYS,
    "keys that are none": DOCUMENT | KEYS | {"jwks": {"keys": []}},
    "keys that are text": DOCUMENT | KEYS | {"jwks": "x"},
    "a private key": DOCUMENT | KEYS | {"jwks": {"keys": [private_jwk()]}},
    "a private key of a public client": DOCUMENT
    | {"jwks": {"keys": [private_jwk()]}, "token_endpoint_auth_method": "none"},
    "a symmetric key": DOCUMENT | KEYS | {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
    "keys by http": DOCUMENT | KEYS | {"jwks_uri": "http://app.example/keys"},
    "keys on loopback": DOCUMENT | KEYS | {"jwks_uri": "https://127.0.0.1/keys"},
    "keys in a file": DOCUMENT | KEYS | {"jwks_uri": "file:///etc/passwd"},
    "keys at a long address": DOCUMENT | KEYS | {"jwks_uri": "https://app.example/" + "k" * 200},
    "keys at a number": DOCUMENT | KEYS | {"jwks_uri": 7},
    "no JSON": b"<html>",
    "no UTF-8": b"\xff\xfe",
    "a repeated member": json.dumps(DOCUMENT).encode()[:-1] + b', "client_id": "https://evil.example/x"}',
    "a NUL": json.dumps(DOCUMENT | {"client_name": "a\0b"}).encode(),
    "a lone surrogate": json.dumps(DOCUMENT | {"client_name": "\ud800"}).encode(),
    "a deep list": b"[" * 5000,
    "a huge number": json.dumps(DOCUMENT).encode()[:-1] + b', "x": 1e999}',
    "nothing": b"",
} | {f"the redirect URI {uri[:40]!r}": DOCUMENT | {"redirect_uris": [CALLBACK, uri]} for uri in BAD_REDIRECTS}


def refused(page):
    assert page.status_code == 400, page.content
    assert "location" not in {name.lower() for name in page.headers}
    assert not Client.objects.exists()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_hostile_address_is_refused_without_a_request(client, user, hosts, signer, address):
    log_in(client, user)
    refused(client.get("/oauth/authorize", requested(client_id=address)))
    assert hosts.fetched == []


@pytest.mark.django_db
@pytest.mark.parametrize("address", [*ADDRESSES, ADDRESS])
@pytest.mark.parametrize(
    "path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device", "/oauth/logout"]
)
def test_a_hostile_address_at_another_endpoint_is_no_server_error(client, hosts, signer, address, path):
    form = {"client_id": address, "grant_type": "authorization_code", "code": "x", "token": "x"}
    assert client.post(path, form).status_code < 500
    assert hosts.fetched == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_refused(client, user, apis, hosts, signer, name):
    log_in(client, user)
    hosts.documents[ADDRESS] = DOCUMENTS[name]
    refused(client.get("/oauth/authorize", requested()))
    assert hosts.fetched == [ADDRESS]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"redirect_uris": [CALLBACK, "http://localhost:1234/callback", "http://127.0.0.1/x", "http://[::1]:9/x"]},
        {"redirect_uris": [CALLBACK, "example.app:/callback", "example.app.desktop:/callback"]},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks()},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://keys.example/app"},
        {"jwks": jwks()},
        {"client_name": "Notizen für Käthe 📝", "unknown": {"a": [1]}},
        {"response_types": ["code"], "grant_types": ["authorization_code", "refresh_token"]},
        {"scope": "anything", "logo_uri": "http://10.0.0.1/logo", "client_name": None},
    ],
)
def test_the_nearest_valid_documents_are_accepted(client, user, apis, hosts, signer, changes):
    log_in(client, user)
    hosts.publish(**changes)
    assert client.get("/oauth/authorize", requested()).status_code == 200
    assert hosts.fetched == [ADDRESS], "no logo, policy or key is fetched to show the page"


@pytest.fixture
def dialled(monkeypatch):
    """Make each connection fail, and return a list. The addresses of each attempt to connect are appended to it."""
    seen = []

    def connect(addresses, _until):
        seen.extend(addresses)
        raise OSError("no network in tests")

    monkeypatch.setattr(outbound, "_connect", connect)
    return seen


@pytest.mark.parametrize("inside", RESOLVED)
@pytest.mark.parametrize("beside", [[], ["93.184.216.34"]], ids=["alone", "beside a public address"])
def test_a_host_that_resolves_to_an_inside_address_is_not_connected_to(
    client, user, apis, turn_on, signer, dialled, monkeypatch, inside, beside
):
    turn_on()
    log_in(client, user)
    monkeypatch.setattr(outbound, "_resolve", lambda *_: [*beside, inside])
    page = client.get("/oauth/authorize", requested())
    assert (page.status_code, dialled, Client.objects.exists()) == (503, [], False)


def test_a_host_that_resolves_to_a_public_address_is_connected_to(client, user, turn_on, signer, dialled, monkeypatch):
    turn_on()
    log_in(client, user)
    monkeypatch.setattr(outbound, "_resolve", lambda *_: ["93.184.216.34"])
    client.get("/oauth/authorize", requested())
    assert dialled == [("93.184.216.34", 443)]


@pytest.mark.parametrize(("resolved", "expected"), [("10.0.0.1", []), ("93.184.216.34", [("93.184.216.34", 443)])])
def test_the_keys_of_a_document_are_fetched_from_public_addresses_only(dialled, monkeypatch, resolved, expected):
    monkeypatch.setattr(outbound, "_resolve", lambda *_: [resolved])
    with pytest.raises(FetchError):
        jwks_uri._fetch("https://keys.example/app")
    assert dialled == expected


@pytest.fixture
def development(settings, turn_on):
    """Turn on the setting that permits documents at loopback addresses. It is for development only."""
    settings.DEBUG = True
    turn_on(DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS=True)


ANSWERS = {
    "valid": (None, 200),
    "gone": (status(404), 400),
    "a redirect": (status(302, Location="/client.json"), 400),
    "no content": (status(204), 400),
    "a failure": (status(500), 503),
    "another type": (raw(b"{}", Content_Type="text/html"), 400),
    "no type": (raw(b"{}"), 400),
    "too long": (raw(b" " * (document_fetch.LONGEST + 1), Content_Type="application/json"), 503),
    "compressed": (raw(b"{}", Content_Type="application/json", Content_Encoding="gzip"), 503),
    "shorter than announced": (raw(b"{}", Content_Type="application/json", Content_Length="100"), 503),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_documents_on_loopback_in_development(client, user, apis, development, signer, name):
    log_in(client, user)
    answer, expected = ANSWERS[name]
    with serve() as server:
        address = f"{server.url}/client.json"
        content = {"client_id": address, "redirect_uris": ["http://127.0.0.1/callback"]}
        server.answers["/client.json"] = answer or document(content)
        changes = {"redirect_uri": "http://127.0.0.1:5/callback", "scope": "openid notes:read"}
        page = client.get("/oauth/authorize", authorization(Named(address), **changes))
        assert page.status_code == expected, page.content
        assert server.fetches("/client.json") == 1


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/client.json", "https://10.0.0.1/client.json", "http://app.example/x"]
)
def test_the_development_switch_permits_loopback_and_nothing_else(client, user, development, signer, dialled, address):
    log_in(client, user)
    refused(client.get("/oauth/authorize", requested(client_id=address)))
    assert dialled == []


def test_a_public_host_that_resolves_to_loopback_is_refused_in_development_too(
    client, user, development, signer, dialled, monkeypatch
):
    log_in(client, user)
    monkeypatch.setattr(outbound, "_resolve", lambda *_: ["127.0.0.1"])
    assert client.get("/oauth/authorize", requested()).status_code == 503
    assert dialled == []


def test_a_slow_document_holds_a_request_for_a_bounded_time_and_is_found_later(
    client, user, apis, development, signer, monkeypatch
):
    log_in(client, user)
    monkeypatch.setattr(document_fetch.flights, "_patience", 0.05)
    with serve() as server:
        address = f"{server.url}/client.json"
        content = {"client_id": address, "redirect_uris": ["http://127.0.0.1/callback"]}

        def slow(handler):
            server.released.wait(20)
            document(content)(handler)

        server.answers["/client.json"] = slow
        changes = {"redirect_uri": "http://127.0.0.1/callback", "scope": "openid notes:read"}
        ask = authorization(Named(address), **changes)
        page = client.get("/oauth/authorize", ask)
        assert (page.status_code, page["Retry-After"]) == (503, "2")
        server.released.set()
        monkeypatch.setattr(document_fetch.flights, "_patience", 20)
        assert client.get("/oauth/authorize", ask).status_code == 200
        assert server.fetches("/client.json") == 1
        server.stop()

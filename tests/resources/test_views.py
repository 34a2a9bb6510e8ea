"""The metadata, liveness, readiness and documentation of the API."""

import json

import pytest
from django.test import Client, override_settings

from resources.challenges import metadata_url
from resources.testing import pinned, shared_key
from tests.resources.loopback import Loopback

AUDIENCE = ["http://localhost:8001/"]


def test_the_metadata_lists_the_trusted_issuers(client: Client) -> None:
    answer = client.get("/.well-known/oauth-protected-resource")
    assert answer.json() == {
        "resource": "http://localhost:8001/",
        "authorization_servers": ["http://localhost:8000"],
        "scopes_supported": ["notes:read", "notes:write"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519"],
    }
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/json", "public, max-age=3600")
    assert client.post("/.well-known/oauth-protected-resource").status_code == 405


def test_the_metadata_of_a_resource_with_a_path_is_at_its_own_address_only(client: Client) -> None:
    conf = {"ISSUERS": ["https://issuer.example"], "AUDIENCE": ["https://api.example/notes"]}
    with override_settings(RESOURCE_SERVER=conf):
        assert client.get("/.well-known/oauth-protected-resource/notes").json()["resource"] == conf["AUDIENCE"][0]
        assert client.get("/.well-known/oauth-protected-resource/other").status_code == 404
        challenge = client.get("/api/whoami/")["WWW-Authenticate"]
    assert 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/notes"' in challenge


@pytest.mark.parametrize(
    ("resource", "served", "missing"),
    [
        ("https://api.example", [""], ["/x", "/api.example"]),
        ("https://api.example/", [""], ["/", "/x"]),
        ("https://api.example/x/y", ["/x/y"], ["", "/", "/y", "/x", "/x/y/", "/x/y/z", "//x/y", "/api.example/x/y"]),
        ("https://api.example/x/y/", ["/x/y", "/x/y/"], ["", "/y", "/y/", "/x/y//", "/x"]),
        ("https://api.example/x/y?k=1", ["/x/y?k=1"], ["", "/y?k=1"]),
        ("https://api.example/caf%C3%A9", ["/caf%C3%A9"], ["", "/caf", "/caf%25C3%25A9"]),
    ],
)
def test_the_metadata_is_at_the_path_of_the_identifier_only(
    client: Client, resource: str, served: list[str], missing: list[str]
) -> None:
    address = "/.well-known/oauth-protected-resource"
    with override_settings(RESOURCE_SERVER={"ISSUERS": ["https://issuer.example"], "AUDIENCE": [resource]}):
        assert {path: client.get(address + path).status_code for path in served} == dict.fromkeys(served, 200)
        assert {path: client.get(address + path).status_code for path in missing} == dict.fromkeys(missing, 404)
        assert metadata_url(resource) in {f"https://api.example{address}{path}" for path in served}


def test_the_host_header_does_not_change_the_metadata(client: Client) -> None:
    answer = client.get("/api/whoami/", headers={"Host": "127.0.0.1"})
    assert "127.0.0.1" not in answer["WWW-Authenticate"]


def test_a_running_process_answers_healthz(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_process_with_keys_is_ready(client: Client) -> None:
    with pinned():
        answer = client.get("/readyz")
    status = {"kids": [shared_key().kid], "pinned": True, "usable": True}
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "issuers": {"http://localhost:8000": status}})


def test_a_process_without_keys_is_not_ready_until_the_issuer_answers(client: Client, issuer: Loopback) -> None:
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": AUDIENCE}):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert answer.json()["issuers"][issuer.url]["last_error"] == "the server answered 404"
    issuer.publish({"keys": [shared_key().jwk]})
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": AUDIENCE}):
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_not_cached(client: Client, path: str) -> None:
    with pinned():
        assert "no-store" in client.get(path)["Cache-Control"]


def test_the_openapi_document_lists_the_scopes_of_each_operation(client: Client) -> None:
    document = json.loads(client.get("/api/schema/?format=json").content)
    security = {
        f"{method} {path}": operation["security"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert security == {
        "get /api/notes/": [{"oauth2": ["notes:read"]}],
        "post /api/notes/": [{"oauth2": ["notes:write"]}],
        "get /api/notes/export/": [{"oauth2": ["notes:read"]}],
        "get /api/notes/{id}/": [{"oauth2": ["notes:read"]}],
        "put /api/notes/{id}/": [{"oauth2": ["notes:write"]}],
        "patch /api/notes/{id}/": [{"oauth2": ["notes:write"]}],
        "delete /api/notes/{id}/": [{"oauth2": ["notes:write"]}],
        "get /api/whoami/": [{"oauth2": []}],
    }
    flow = {
        "authorizationUrl": "http://localhost:8000/oauth/authorize",
        "tokenUrl": "http://localhost:8000/oauth/token",
        "scopes": {"notes:read": "Read your notes", "notes:write": "Write, change and delete your notes"},
    }
    scheme = document["components"]["securitySchemes"]["oauth2"]
    assert scheme == {"type": "oauth2", "flows": {"authorizationCode": flow}}


def test_the_openapi_document_names_the_endpoints_of_another_issuer_by_the_settings(client: Client) -> None:
    urls = {"AUTHORIZATION_URL": "https://other.example/auth", "TOKEN_URL": "https://other.example/token"}
    with pinned(**urls):
        document = json.loads(client.get("/api/schema/?format=json").content)
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]
    assert (flow["authorizationUrl"], flow["tokenUrl"]) == tuple(urls.values())


@pytest.mark.parametrize(
    ("limited", "listed"),
    [
        (None, ["notes:read", "notes:write"]),
        (["notes:read"], ["notes:read"]),
        ("notes:read", ["notes:read"]),
        ([], None),
    ],
)
def test_the_scopes_that_the_metadata_lists_can_be_limited(client: Client, limited: object, listed: object) -> None:
    with pinned(SCOPES_SUPPORTED=limited):
        answer = client.get("/.well-known/oauth-protected-resource").json()
        challenge = client.post("/api/notes/")["WWW-Authenticate"]
    assert answer.get("scopes_supported") == listed
    assert 'scope="notes:write"' in challenge, "a challenge names what its request needs"


def test_the_documentation_page_needs_no_other_host(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert "//cdn" not in page
    assert "https://" not in page


OPERATOR = "an-operator-token-of-forty-characters-xx"
CONF = {"ISSUERS": ["http://localhost:8000"], "AUDIENCE": AUDIENCE, "OPERATOR_TOKEN": OPERATOR}


@pytest.mark.parametrize(
    ("headers", "reads"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, True),
        ({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {OPERATOR}"}, True),
        ({"REMOTE_ADDR": "192.0.2.1"}, False),
        ({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer another"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_VIA": "1.1 proxy"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ""}, False),
    ],
)
def test_only_the_operator_reads_the_state_of_the_issuers(client: Client, headers: dict[str, str], reads: bool) -> None:
    with override_settings(RESOURCE_SERVER=CONF), pinned():
        answer = client.get("/readyz", **headers)
    assert answer.json()["status"] in {"ok", "unavailable"}
    assert ("issuers" in answer.json()) is reads


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.0.0.5", "elsewhere.example", "a..b"])
def test_probes_answer_for_any_host(client: Client, path: str, host: str) -> None:
    with override_settings(ALLOWED_HOSTS=["api.example"], SECURE_SSL_REDIRECT=True), pinned():
        assert client.get(path, headers={"Host": host}).status_code == 200
        assert client.get("/api/notes/", headers={"Host": host}).status_code == 400

"""Discovery: what the issuer advertises is what works."""

import pytest

from tests.tokens.conftest import API, OTHER_API
from tokens.oauth.metadata import document, locations


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_the_issuer_tells_what_it_can_do(client, apis, name):
    response = client.get(f"/.well-known/{name}")
    body = response.json()
    assert response["Cache-Control"] == "public, max-age=300"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert body["issuer"] == "http://localhost:8000"
    assert body["grant_types_supported"] == [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ]
    assert body["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none",
    ]
    assert body["token_endpoint_auth_signing_alg_values_supported"] == ["RS256", "PS256", "ES256", "EdDSA"]
    assert body["response_types_supported"] == ["code"]
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert body["scopes_supported"] == [
        "openid",
        "profile",
        "email",
        "offline_access",
        "notes:read",
        "notes:write",
        "other:read",
    ]
    assert body["protected_resources"] == [API, OTHER_API]
    assert body["authorization_response_iss_parameter_supported"] is True
    assert body["request_uri_parameter_supported"] is False
    assert body["revocation_endpoint"] == "http://localhost:8000/oauth/revoke"
    assert body["introspection_endpoint"] == "http://localhost:8000/oauth/introspect"
    assert "none" in body["revocation_endpoint_auth_methods_supported"]
    assert "none" not in body["introspection_endpoint_auth_methods_supported"]
    assert body["userinfo_endpoint"] == "http://localhost:8000/oauth/userinfo"
    assert {"sub", "preferred_username", "email"} <= set(body["claims_supported"])
    assert body["end_session_endpoint"] == "http://localhost:8000/oauth/logout"


@pytest.mark.django_db
def test_every_endpoint_that_is_advertised_is_there(client):
    for name, address in document("http://localhost:8000", scopes=[], apis=[]).items():
        if name.endswith("_endpoint"):
            assert client.get(str(address).removeprefix("http://localhost:8000")).status_code != 404, name


@pytest.mark.parametrize(
    ("issuer", "paths"),
    [
        ("https://a.example", [".well-known/oauth-authorization-server", ".well-known/openid-configuration"]),
        ("https://a.example/", [".well-known/oauth-authorization-server", ".well-known/openid-configuration"]),
        (
            "https://a.example/auth",
            [
                ".well-known/oauth-authorization-server",
                ".well-known/openid-configuration",
                ".well-known/oauth-authorization-server/auth",
                ".well-known/openid-configuration/auth",
                "auth/.well-known/oauth-authorization-server",
                "auth/.well-known/openid-configuration",
            ],
        ),
    ],
)
def test_an_issuer_with_a_path_is_found_under_both_forms(issuer, paths):
    assert locations(issuer) == paths

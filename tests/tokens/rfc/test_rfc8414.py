"""RFC 8414: the metadata (2), its addresses and headers (3.1, 3.2). The issuer behaves as its metadata says."""

import pytest

from tests.tokens.assertions import jwks, proof
from tests.tokens.factories import API, OTHER_API, basic, post
from tests.tokens.rfc import INVALID_CLIENT, ISSUER, answer, confidential
from tokens.metadata.document import document, locations
from tokens.models import Client

pytestmark = pytest.mark.usefixtures("signer")

PATH = "/.well-known/oauth-authorization-server"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANTS = ["authorization_code", "refresh_token", "client_credentials", DEVICE, EXCHANGE, JWT_BEARER]
SCOPES = ["openid", "profile", "email", "offline_access", "notes:read", "notes:write", "other:read"]
PROVEN = ["client_secret_basic", "client_secret_post", "private_key_jwt"]

MEMBERS = {
    "2: issuer": ISSUER,
    "2: authorization_endpoint": f"{ISSUER}/oauth/authorize",
    "2: token_endpoint": f"{ISSUER}/oauth/token",
    "2: jwks_uri": f"{ISSUER}/.well-known/jwks.json",
    "2: registration_endpoint": None,
    "2: scopes_supported": SCOPES,
    "2: response_types_supported": ["code"],
    "2: response_modes_supported": ["query", "form_post"],
    "2: grant_types_supported": GRANTS,
    "2: token_endpoint_auth_methods_supported": [*PROVEN, "none"],
    "2: token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
    "2: revocation_endpoint": f"{ISSUER}/oauth/revoke",
    "2: revocation_endpoint_auth_methods_supported": [*PROVEN, "none"],
    "2: introspection_endpoint": f"{ISSUER}/oauth/introspect",
    "2: introspection_endpoint_auth_methods_supported": PROVEN,
    "2: code_challenge_methods_supported": ["S256"],
    "2: signed_metadata": None,
    "2, RFC 8628 4: device_authorization_endpoint": f"{ISSUER}/oauth/device",
    "2, RFC 9126 5: pushed_authorization_request_endpoint": f"{ISSUER}/oauth/par",
    "2, RFC 9126 5: require_pushed_authorization_requests": False,
    "2, RFC 9207 3: authorization_response_iss_parameter_supported": True,
    "2, RFC 9728 4: protected_resources": [API, OTHER_API],
}


@pytest.mark.parametrize("section", MEMBERS)
def test_the_metadata_has_the_members_of_the_table(client, apis, section):
    assert client.get(PATH).json().get(section.partition(": ")[2]) == MEMBERS[section]


def test_no_list_in_the_metadata_is_empty(client, apis):
    """A member of the metadata that would be empty is omitted (RFC 8414 section 3.2)."""
    assert [name for name, value in client.get(PATH).json().items() if value in ([], "", None)] == []


SENT = {
    "3.1: GET": ("get", PATH, 200),
    "3.1: OpenID Connect's own name": ("get", "/.well-known/openid-configuration", 200),
    "3.1: POST": ("post", PATH, 405),
    "3.1: another name": ("get", "/.well-known/oauth-authorization-servers", 404),
    "3.1: an issuer that is not there": ("get", f"{PATH}/other", 404),
}


@pytest.mark.parametrize("section", SENT)
def test_the_metadata_is_sent_with_the_headers_of_the_table(client, apis, section):
    method, path, status = SENT[section]
    response = getattr(client, method)(path)
    assert response.status_code == status
    if status == 200:
        headers = {"Content-Type": "application/json", "Cache-Control": "public, max-age=300"}
        assert answer(response).headers == headers | {"Access-Control-Allow-Origin": "*"}
        assert response.json() == client.get(PATH).json()
    else:
        assert "authorization_endpoint" not in response.content.decode()


LOCATIONS = {
    "3: no path": ("https://a.example", ".well-known/oauth-authorization-server"),
    "3: a slash at the end is no path": ("https://a.example/", ".well-known/oauth-authorization-server"),
    "3.1: inserted before the path": ("https://a.example/one", ".well-known/oauth-authorization-server/one"),
    "3.1: without the slash at its end": ("https://a.example/one/", ".well-known/oauth-authorization-server/one"),
    "5: OpenID Connect's appends, under the path": ("https://a.example/one", ".well-known/openid-configuration"),
}


@pytest.mark.parametrize("section", LOCATIONS)
def test_the_metadata_is_at_the_addresses_of_the_table(section):
    issuer, path = LOCATIONS[section]
    assert path in locations(issuer)
    assert document(issuer, scopes=[], apis=[], algorithms=["RS256"])["issuer"] == issuer, (
        "section 3.3: character by character"
    )


SUPPORTED = {**dict.fromkeys(GRANTS, True), "password": False, "implicit": False, "urn:example:other": False}


@pytest.mark.parametrize("grant", SUPPORTED, ids=lambda grant: f"2 grant_types_supported: {grant}")
def test_the_token_endpoint_accepts_only_the_grant_types_of_the_metadata(client, service, grant):
    said = post(client, "/oauth/token", {"grant_type": grant}, **basic("service", service.plain)).json().get("error")
    assert (said != "unsupported_grant_type") is SUPPORTED[grant]


ENDPOINTS = {"token": "/oauth/token", "revocation": "/oauth/revoke", "introspection": "/oauth/introspect"}
PROOFS = {
    "client_secret_basic": lambda secret: ({}, basic("service", secret)),
    "client_secret_post": lambda secret: ({"client_id": "service", "client_secret": secret}, {}),
    "private_key_jwt": lambda _: (proof("robot"), {}),
    "none": lambda _: ({"client_id": "spa"}, {}),
    "client_secret_jwt": lambda _: (proof("robot", name="stranger"), {}),
}


@pytest.mark.parametrize("method", PROOFS)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda name: f"2 {name}_endpoint_auth_methods_supported")
def test_a_client_authenticates_by_the_methods_of_the_metadata_only(client, service, spa, endpoint, method):
    robot = confidential("robot", client_jwks=jwks())
    Client.objects.filter(pk=robot.pk).update(token_endpoint_auth_method="private_key_jwt")
    form, headers = PROOFS[method](service.plain)
    response = post(client, ENDPOINTS[endpoint], {"grant_type": "refresh_token", "token": "x"} | form, **headers)
    supported = client.get(PATH).json()[f"{endpoint}_endpoint_auth_methods_supported"]
    assert (answer(response) != INVALID_CLIENT) is (method in supported)

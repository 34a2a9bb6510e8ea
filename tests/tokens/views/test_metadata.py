"""Discovery: the issuer supports exactly the features that its metadata advertises."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from tests.tokens.factories import API, OTHER_API, operation
from tokens.authorize.login_session import LEVELS
from tokens.keys import rotation
from tokens.keys.rings import ANY, RingKind
from tokens.keys.rules.policy import PRODUCTION
from tokens.metadata import catalog
from tokens.metadata.document import document, locations
from tokens.models.key import Ring

METADATA = "/.well-known/openid-configuration"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
PROVEN = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
OPENID = ["openid", "profile", "email", "offline_access"]


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_the_metadata_names_what_the_issuer_supports(client, apis, name):
    response = client.get(f"/.well-known/{name}")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json() == {
        "issuer": "http://localhost:8000",
        "authorization_endpoint": "http://localhost:8000/oauth/authorize",
        "pushed_authorization_request_endpoint": "http://localhost:8000/oauth/par",
        "token_endpoint": "http://localhost:8000/oauth/token",
        "userinfo_endpoint": "http://localhost:8000/oauth/userinfo",
        "device_authorization_endpoint": "http://localhost:8000/oauth/device",
        "revocation_endpoint": "http://localhost:8000/oauth/revoke",
        "introspection_endpoint": "http://localhost:8000/oauth/introspect",
        "end_session_endpoint": "http://localhost:8000/oauth/logout",
        "jwks_uri": "http://localhost:8000/.well-known/jwks.json",
        "scopes_supported": [*OPENID, "notes:read", "notes:write", "other:read"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ],
        "token_endpoint_auth_methods_supported": [*PROVEN, "none"],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": [*PROVEN, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": PROVEN,
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256", "Ed25519", "EdDSA", "PS256", "RS256"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "ui_locales_supported": ["en", "de"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "at_hash", "sid"),
            *("name", "given_name", "family_name", "preferred_username", "updated_at", "email", "email_verified"),
        ],
        "acr_values_supported": list(LEVELS),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": ALGORITHMS,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "require_pushed_authorization_requests": False,
        "protected_resources": [API, OTHER_API],
    }


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
@pytest.mark.parametrize(
    ("entries", "members"),
    [
        ({}, {}),
        ({"CLIENT_ID_METADATA_DOCUMENTS": True}, {"client_id_metadata_document_supported": True}),
        ({"DYNAMIC_REGISTRATION": "open"}, {"registration_endpoint": "http://localhost:8000/oauth/register"}),
        ({"DYNAMIC_REGISTRATION": "token"}, {"registration_endpoint": "http://localhost:8000/oauth/register"}),
        ({"DYNAMIC_REGISTRATION": "off"}, {}),
    ],
)
def test_the_metadata_names_the_ways_to_register_that_are_on(client, apis, settings, name, entries, members):
    settings.ISSUER = settings.ISSUER | entries
    content = client.get(f"/.well-known/{name}").json()
    ways = ("client_id_metadata_document_supported", "registration_endpoint")
    assert {way: content[way] for way in ways if way in content} == members


def test_every_advertised_endpoint_exists(client):
    for name, address in document("http://localhost:8000", scopes=[], apis=[], algorithms=["RS256"]).items():
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
            ],
        ),
    ],
)
def test_an_issuer_with_a_path_has_its_metadata_at_both_addresses(issuer, paths):
    assert locations(issuer) == paths


def away(*_):
    raise OperationalError("gone")


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_the_metadata_is_served_from_memory_until_n_after_the_last_reading(client, apis, name, at):
    before = client.get(METADATA).json()
    soon = timezone.now() + PRODUCTION.snapshot_age - timedelta(seconds=1)
    with at(soon), connection.execute_wrapper(away):
        answer = client.get(f"/.well-known/{name}")
    assert (answer.status_code, answer.json()) == (200, before)


def test_the_metadata_is_503_with_retry_after_once_n_has_passed(client, apis, at, caplog):
    client.get(METADATA)
    late = timezone.now() + PRODUCTION.snapshot_age + timedelta(seconds=1)
    with at(late), connection.execute_wrapper(away):
        answer = client.get(METADATA)
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "5", "no-store")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["error_description"] == "The metadata is not available at the moment."
    assert "the scopes and APIs could not be read" in caplog.text, "the cause is for the operator"


def test_a_new_scope_is_listed_once_the_snapshot_is_due(client, apis, at):
    client.get(METADATA)
    apis[API].scopes.create(name="notes:print", description="Print")
    later = timezone.now() + PRODUCTION.reread + timedelta(seconds=1)
    with at(later):
        assert "notes:print" in client.get(METADATA).json()["scopes_supported"]


def rotated(ring, algorithm=None):
    kind = RingKind(algorithm=algorithm) if algorithm else ANY
    rotation.rotate(operation(), ring, kind=kind)


def listed(client):
    catalog.snapshots.forget()
    metadata = client.get(METADATA).json()
    names = ("id_token_signing_alg_values_supported", "introspection_signing_alg_values_supported")
    first, second = (metadata[name] for name in names)
    assert first == second
    return first


def test_the_algorithm_of_a_ring_is_listed_from_the_announcement_of_its_first_key(client, apis):
    rotated("default")
    assert listed(client) == ["RS256"]
    rotated("fast", "ES256")
    rotated("other", "EdDSA")
    rotated("second", "RS256")
    assert listed(client) == ["RS256", "ES256", "EdDSA"]


def test_a_ring_without_keys_is_not_listed(client, apis):
    Ring.objects.create(name="empty", algorithm="EdDSA", policy=PRODUCTION.to_json())
    assert listed(client) == ["RS256"]


def test_the_metadata_costs_no_statement_until_the_next_reading(client, apis, django_assert_num_queries):
    client.get(METADATA)
    with django_assert_num_queries(0):
        assert client.get(METADATA).status_code == 200


def test_a_reader_of_the_current_metadata_gets_304_until_a_scope_is_added(client, apis, django_assert_num_queries):
    first = client.get(METADATA)
    with django_assert_num_queries(0):
        again = client.get(METADATA, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Cache-Control"] == first["Cache-Control"] == "public, max-age=300"
    apis[API].scopes.create(name="notes:delete", description="Delete")
    catalog.snapshots.forget()
    changed = client.get(METADATA, headers={"if-none-match": first["ETag"]})
    assert (changed.status_code, changed["ETag"] == first["ETag"]) == (200, False)
    assert "notes:delete" in changed.json()["scopes_supported"]

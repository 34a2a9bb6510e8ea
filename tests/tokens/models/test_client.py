"""The columns of a client.

The database keeps identifiers unique. Validation refuses every other wrong client, with a reason at the field.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tests.tokens.assertions import jwks
from tokens.models import Api, AuthenticationMethod, Client, ClientSecret, Scope
from tokens.models.client import new_client_id

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
CODE = {"grants": ["authorization_code"], "redirect_uris": "https://app.example/callback"}
JWKS = jwks()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        {"client_id": "https://api.example/"},
        {"client_id": "urn:api"},
        {"client_id": "https://app.example/client.json", "registered_by": "dynamic"},
        {"client_id": "3f0e7d2c-6f5a-4b8e-9c56-0d5f8c1a2b3c"},
        {"client_id": ""},
        {"client_secret": "x"},
    ],
    ids=["an API identifier", "a URN", "an address of no document", "a subject", "empty", "a secret in the row"],
)
def test_the_database_refuses_a_client_id_that_could_be_a_subject_or_an_api(fields) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Client.objects.create(**fields)


@pytest.mark.django_db
@pytest.mark.parametrize("identifier", ["webapp", "3f0e7d2c-6f5a-4b8e-9c56-0d5f8c1a2b3c", ""])
def test_the_database_refuses_an_api_identifier_that_could_be_a_client_id_or_a_subject(identifier: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Api.objects.create(identifier=identifier, name="notes")


@pytest.mark.django_db
def test_a_new_client_has_an_identifier_of_its_own_and_no_secret() -> None:
    client, other = Client.objects.create(name="one"), Client.objects.create(name="other")
    assert (len(client.client_id), client.client_secret, client.secrets.count(), client.grants) == (22, "", 0, [])
    assert client.client_id != other.client_id


def test_no_client_id_begins_with_a_dash_which_a_command_would_parse_as_an_option(monkeypatch) -> None:
    drawn = iter(["-" * 22, "a" * 22])
    monkeypatch.setattr("tokens.models.client.secrets.token_urlsafe", lambda _bytes: next(drawn))
    assert new_client_id() == "a" * 22


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        CODE,
        {"grants": ["client_credentials"]},
        CODE | {"client_type": "public", "token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": JWKS},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "client_jwks": JWKS,
            "grants": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
        },
        {"token_endpoint_auth_method": "private_key_jwt", "client_jwks_uri": "https://app.example/jwks.json"},
    ],
)
def test_a_client_that_can_work_is_accepted(fields) -> None:
    Client(name="app", **fields).full_clean()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"grants": ["implicit"]}, "grants", "implicit is not a grant type."),
        ({"grants": ["password"]}, "grants", "password is not a grant type."),
        (
            {"grants": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]},
            "grants",
            "must authenticate with private_key_jwt",
        ),
        ({"grants": {}}, "grants", "Enter a list of grant types."),
        (
            {"grants": ["client_credentials"], "client_type": "public", "token_endpoint_auth_method": "none"},
            "grants",
            "A public client cannot use client_credentials.",
        ),
        ({"grants": ["authorization_code"]}, "redirect_uris", "needs at least one redirect URI"),
        (CODE | {"redirect_uris": "https://a.example/ http://b.example/"}, "redirect_uris", "http://b.example/: must"),
        ({"post_logout_redirect_uris": "javascript:alert(1)"}, "post_logout_redirect_uris", "must be https"),
        ({"allowed_origins": "https://app.example/"}, "allowed_origins", "must be an origin"),
        ({"client_type": "public"}, "token_endpoint_auth_method", "A public client has the authentication method none"),
        (
            {"token_endpoint_auth_method": "none"},
            "token_endpoint_auth_method",
            "A confidential client needs another method",
        ),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "token_endpoint_auth_method", "needs the client's public"),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "client_jwks": JWKS,
                "client_jwks_uri": "https://app.example/jwks.json",
            },
            "token_endpoint_auth_method",
            "not both",
        ),
        (
            {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": {"keys": [{"kty": "EC"}]}},
            "client_jwks",
            "fit none",
        ),
        ({"client_id": "two words"}, "client_id", "Use letters, digits"),
        ({"client_id": "webapp\n"}, "client_id", "Use letters, digits"),
        ({"access_token_lifetime": timedelta(0)}, "access_token_lifetime", "greater than or equal"),
        ({"access_token_lifetime": timedelta(days=1, seconds=1)}, "access_token_lifetime", "less than or equal"),
        ({"refresh_token_lifetime": timedelta(days=4_000_000)}, "refresh_token_lifetime", "less than or equal"),
        ({"refresh_token_idle_lifetime": timedelta(days=3651)}, "refresh_token_idle_lifetime", "less than or equal"),
        ({"token_endpoint_auth_method": "private_key_jwt", "client_jwks": {}}, "client_jwks", "Enter a JWKS"),
        ({"client_jwks": []}, "client_jwks", "Enter a JWKS"),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "client_jwks": JWKS,
                "pins_authentication_method": True,
            },
            "pins_authentication_method",
            "Only a client with a secret",
        ),
    ],
)
def test_a_client_that_could_not_work_is_refused_at_the_field(fields, field: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Client(name="app", **fields).full_clean()
    assert reason in " ".join(refused.value.message_dict[field])


@pytest.mark.django_db
@pytest.mark.parametrize("lifetime", [-timedelta(days=1), timedelta(0), timedelta(days=4_000_000)])
@pytest.mark.parametrize("field", ["access_token_lifetime", "refresh_token_lifetime", "refresh_token_idle_lifetime"])
def test_the_database_refuses_a_lifetime_without_bounds(field, lifetime) -> None:
    with pytest.raises(IntegrityError, match="client_lifetimes_are_bounded"), transaction.atomic():
        Client.objects.create(**{field: lifetime})
    with pytest.raises(IntegrityError, match="api_lifetime_is_bounded"), transaction.atomic():
        Api.objects.create(identifier="https://api.example/", max_token_lifetime=lifetime)


@pytest.mark.parametrize("lifetime", [-timedelta(days=1), timedelta(0), timedelta(days=1, seconds=1)])
def test_an_api_s_cap_without_bounds_is_refused_at_its_field(lifetime) -> None:
    with pytest.raises(ValidationError, match="max_token_lifetime"):
        Api(identifier="https://api.example/", name="n", max_token_lifetime=lifetime).full_clean(
            validate_unique=False, validate_constraints=False
        )


@pytest.mark.django_db
def test_a_lifetime_equal_to_a_bound_is_accepted() -> None:
    second, day, decade = timedelta(seconds=1), timedelta(days=1), timedelta(days=3650)
    for access, refresh in ((second, second), (day, decade)):
        lifetimes = {"access_token_lifetime": access, "refresh_token_lifetime": refresh}
        client = Client(name="app", **CODE, **lifetimes, refresh_token_idle_lifetime=refresh)
        client.full_clean()
        client.save()


@pytest.mark.parametrize(
    ("grant_type", "is_allowed"),
    [
        ("authorization-code", True),
        ("authorization_code", True),
        ("client-credentials", False),
        ("implicit", False),
        ("password", False),
        ("openid-hybrid", False),
    ],
)
def test_a_client_allows_the_grant_types_in_its_list_only(grant_type: str, is_allowed: bool) -> None:
    assert Client(grants=["authorization_code"]).allows_grant_type(grant_type) is is_allowed


def test_an_inactive_client_is_not_usable() -> None:
    assert Client().is_usable(None)
    assert not Client(is_active=False).is_usable(None)


def test_the_authentication_methods_are_those_that_the_issuer_implements() -> None:
    assert AuthenticationMethod.values == ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]


@pytest.mark.django_db
def test_the_last_use_is_written_once_a_day(django_assert_num_queries) -> None:
    client = Client.objects.create()
    with django_assert_num_queries(1):
        client.note_use(now=NOW)
        client.note_use(now=NOW + timedelta(hours=11))
    assert Client.objects.get().last_used_on == NOW.date()


@pytest.mark.parametrize(
    ("secret", "live"),
    [
        (ClientSecret(), True),
        (ClientSecret(expires_at=NOW + timedelta(microseconds=1)), True),
        (ClientSecret(expires_at=NOW), False),
        (ClientSecret(revoked_at=NOW), False),
    ],
)
def test_a_secret_is_valid_until_it_expires_or_is_revoked(secret: ClientSecret, live: bool) -> None:
    assert secret.is_live(now=NOW) is live


@pytest.mark.parametrize("identifier", ["https://api.example/", "urn:example:notes", "https://api.example/v1?x=y"])
def test_an_absolute_uri_identifies_an_api(identifier: str) -> None:
    Api(identifier=identifier, name="notes").full_clean(validate_unique=False, validate_constraints=False)


@pytest.mark.parametrize(
    "identifier",
    ["notes", "/notes", "https:", "https://api.example/#top", "https://api.example/#", "https://api exämple/",
     "http://localhost:8000"],
)  # fmt: skip
def test_a_value_that_is_not_an_absolute_uri_is_refused_as_an_api_identifier(identifier: str) -> None:
    with pytest.raises(ValidationError, match="identifier"):
        Api(identifier=identifier, name="notes").full_clean(validate_unique=False, validate_constraints=False)


@pytest.mark.parametrize("name", ["openid", "offline_access", "two words", 'quo"te', "back\\slash", "é", "a\n"])
def test_a_scope_name_that_a_request_cannot_contain_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        Scope(name=name, description="Read").full_clean(exclude=["api"], validate_unique=False)


@pytest.mark.django_db
def test_a_scope_belongs_to_one_api_only() -> None:
    api, other = (Api.objects.create(identifier=f"https://{name}.example/", name=name) for name in ("one", "other"))
    Scope.objects.create(name="notes:read", description="Read", api=api)
    with pytest.raises(IntegrityError), transaction.atomic():
        Scope.objects.create(name="notes:read", description="Read", api=other)

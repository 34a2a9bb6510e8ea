"""A token request without a scope (RFC 6749 section 3.3).

The tests are about the API for which the token is, and about the scopes that it has.
"""

import pytest

from tests.tokens.assertions import jwks, sign
from tests.tokens.factories import (
    API,
    OTHER_API,
    allow,
    authorization,
    basic,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
)
from tests.tokens.rfc import answer, claims_of, confidential, granted, refusal
from tokens.models import Api, Client, ExchangePolicy, Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

NOTES = ("notes:read", "notes:write")
MISSING = refusal("invalid_scope", "Name at least one scope.")
UNKNOWN = refusal("invalid_target", "The resource is unknown, or this client may not use it.")
FURTHER = "https://further.example/"

# The client's scopes and further APIs, the resource that it names, and its token's audience and scopes, or the error.
REQUESTS = {
    "one API": (NOTES, [], None, (API, "notes:read notes:write")),
    "one API, one of its scopes": (NOTES[:1], [], None, (API, "notes:read")),
    "one API, without a scope": ([], [FURTHER], None, (FURTHER, None)),
    "one API, with and without a scope": (NOTES[:1], [API], None, (API, "notes:read")),
    "no API": ([], [], None, MISSING),
    "two APIs": ((*NOTES, "other:read"), [], None, MISSING),
    "two APIs, one without a scope": (NOTES, [FURTHER], None, MISSING),
    "a named API": (NOTES, [], API, (API, "notes:read notes:write")),
    "a named API, without the slash of its empty path": (NOTES, [], API.rstrip("/"), (API, "notes:read notes:write")),
    "one of two APIs, named": ((*NOTES, "other:read"), [], OTHER_API, (OTHER_API, "other:read")),
    "a named API, for which the client needs no scope": (NOTES, [API], API, (API, None)),
    "a named API of other clients": (NOTES, [], OTHER_API, UNKNOWN),
    "a named API that does not exist": (NOTES, [], "https://third.example/", UNKNOWN),
}


@pytest.fixture
def desk(apis):
    Api.objects.create(identifier=FURTHER, name="Further")

    def register(scopes, further):
        made = confidential("desk", "client_credentials", "authorization_code", scopes=scopes)
        made.apis.set(Api.objects.filter(identifier__in=further))
        return made

    return register


@pytest.mark.parametrize("name", REQUESTS)
def test_a_service_that_names_no_scope_gets_its_scopes_at_the_api_that_it_means(client, desk, name):
    scopes, further, resource, expected = REQUESTS[name]
    made = desk(scopes, further)
    form = {"grant_type": "client_credentials"} | ({"resource": resource} if resource else {})
    response = post(client, "/oauth/token", form, **basic("desk", made.plain))
    if not isinstance(expected[0], str):
        assert answer(response) == expected
        return
    claims = claims_of(response.json()["access_token"])
    assert (claims["aud"], claims.get("scope"), response.json().get("scope")) == (expected[0], expected[1], expected[1])


@pytest.mark.parametrize("name", REQUESTS)
def test_an_application_that_names_no_scope_asks_the_user_for_its_scopes(client, user, desk, name):
    scopes, further, resource, expected = REQUESTS[name]
    made = desk(scopes, further)
    log_in(client, user)
    query = authorization(made, scope=None, resource=resource)
    if not isinstance(expected[0], str):
        assert parameters(client.get("/oauth/authorize", query))["error"] == expected.body["error"]
        return
    page = client.get("/oauth/authorize", query).content.decode()
    assert all(f"May {scope}" in page for scope in (expected[1] or "").split())
    body = redeem(client, made, parameters(allow(client, query))["code"]).json()
    claims = claims_of(body["access_token"])
    assert (claims["aud"], claims.get("scope")) == expected
    assert "id_token" not in body, "openid is no default"


def test_a_device_that_names_no_scope_asks_for_its_scopes_as_well(client, apis):
    device = make_client("tv", "urn:ietf:params:oauth:grant-type:device_code", public=True, scopes=("notes:read",))
    assert post(client, "/oauth/device", {"client_id": device.client_id}).status_code == 200
    device.scopes.add(Scope.objects.get(name="other:read"))
    assert answer(post(client, "/oauth/device", {"client_id": device.client_id})) == MISSING


def test_an_assertion_for_a_user_that_names_no_scope_gets_the_client_s_scopes(client, user, apis):
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    robot = make_client("robot", grant, scopes=("notes:read",), client_jwks=jwks())
    Client.objects.filter(pk=robot.pk).update(token_endpoint_auth_method="private_key_jwt")
    assertion = sign("robot", sub=str(user.sub), header={"typ": "authorization-grant+jwt"})
    assert answer(post(client, "/oauth/token", {"grant_type": grant, "assertion": assertion})) == granted()


def test_a_token_exchange_names_its_scope(client, service, apis, code, webapp):
    """A token exchange must request scopes each time, because an exchange policy defines no default scope."""
    received = redeem(client, webapp, code(webapp)).json()["access_token"]
    Client.objects.filter(pk=service.pk).update(grants=["urn:ietf:params:oauth:grant-type:token-exchange"])
    Api.objects.filter(pk=apis[API].pk).update(client=service)
    policy = ExchangePolicy.objects.create(client=service, api=apis[OTHER_API])
    policy.scopes.add(Scope.objects.get(name="other:read"))
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": received,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    assert answer(post(client, "/oauth/token", form, **basic("service", service.plain))) == MISSING
    named = form | {"resource": OTHER_API.rstrip("/"), "scope": "other:read"}
    body = post(client, "/oauth/token", named, **basic("service", service.plain)).json()
    assert claims_of(body["access_token"])["aud"] == OTHER_API


def test_a_default_costs_no_statement(client, service, django_assert_num_queries):
    def request_token(**more):
        return post(
            client, "/oauth/token", {"grant_type": "client_credentials", **more}, **basic("service", service.plain)
        )

    request_token()
    with django_assert_num_queries(1):
        assert request_token(scope="notes:read").status_code == 200
    with django_assert_num_queries(1):
        assert request_token().status_code == 200

"""RFC 8707: the resource (2) in an authorization request (2.1) and in a token request (2.2), and the token's aud."""

from unittest.mock import ANY

import pytest

from tests.tokens.factories import API, OTHER_API, allow, authorization, basic, log_in, parameters, post, redeem
from tests.tokens.rfc import (
    ISSUER,
    UNKNOWN_RESOURCE,
    answer,
    claims_of,
    confidential,
    granted,
    redirected,
    refusal,
    without_blanks,
)
from tokens.models import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

SCOPES = ("notes:read", "notes:write", "other:read")
READ = {"scope": "notes:read"}
BOTH = {"scope": "notes:read other:read"}
NOT_THERE = "The scope {} does not belong to the requested resource."
OF_ANOTHER = refusal("invalid_scope", NOT_THERE.format("notes:read"))
OTHER_SCOPE_OF_ANOTHER = refusal("invalid_scope", NOT_THERE.format("other:read"))
SEVERAL = refusal("invalid_target", "A token is for one resource; request a token for each.")
NO_SCOPE = refusal("invalid_scope", "No scope of the resource was requested.")

# What is asked for, and the token's one audience or the error: the same with a user and without.
REQUESTS = {
    "2: the API of the scope": (READ | {"resource": API}, API),
    "2: another API of this client": ({"scope": "other:read", "resource": OTHER_API}, OTHER_API),
    "2: the API of another scope": (READ | {"resource": OTHER_API}, OF_ANOTHER),
    "2: one of the APIs of the scopes": (BOTH | {"resource": API}, OTHER_SCOPE_OF_ANOTHER),
    "2: the same API twice is one": (READ | {"resource": [API, API]}, API),
    "2: several": (BOTH | {"resource": [API, OTHER_API]}, SEVERAL),
    "2: one of them unknown": (READ | {"resource": [API, "https://third.example/"]}, SEVERAL),
    "2: none": (READ | {"resource": None}, API),
    "2: an empty one is none (RFC 6749 3.1)": (READ | {"resource": ""}, API),
    "2: unknown": (READ | {"resource": "https://third.example/"}, UNKNOWN_RESOURCE),
    "2: of others only": (READ | {"resource": "https://closed.example/"}, UNKNOWN_RESOURCE),
    "2: the API without the slash of its empty path": (READ | {"resource": API.rstrip("/")}, API),
    "2: both spellings of the API": (READ | {"resource": [API, API.rstrip("/")]}, API),
    "2: nearly the API": (READ | {"resource": f"{API}/"}, UNKNOWN_RESOURCE),
    "2: the API, in capitals": (READ | {"resource": API.replace("api", "API")}, UNKNOWN_RESOURCE),
    "2: the API, with its port": (READ | {"resource": "https://api.example:443/"}, UNKNOWN_RESOURCE),
    "2: the API, with a query": (READ | {"resource": "https://api.example?"}, UNKNOWN_RESOURCE),
    "2: more than the API": (READ | {"resource": f"{API}notes"}, UNKNOWN_RESOURCE),
    "2: a fragment": (READ | {"resource": f"{API}#x"}, UNKNOWN_RESOURCE),
    "2: no absolute URI": (READ | {"resource": "api.example"}, UNKNOWN_RESOURCE),
}


@pytest.fixture
def desk(apis):
    """Return a client that may get tokens for two of the three APIs."""
    Api.objects.create(identifier="https://closed.example/", name="closed")
    return confidential("desk", "authorization_code", "refresh_token", "client_credentials", scopes=SCOPES)


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


@pytest.mark.parametrize("section", REQUESTS)
def test_a_service_requests_a_token_for_a_resource(client, desk, section):
    """The token's `aud` is the requested API, or the request is refused (RFC 8707 section 2.2)."""
    request, expected = REQUESTS[section]
    form = without_blanks({"grant_type": "client_credentials"} | request)
    response = post(client, "/oauth/token", form, **basic("desk", desk.plain))
    if isinstance(expected, str):
        assert answer(response) == granted(request["scope"])
        assert claims_of(response.json()["access_token"])["aud"] == expected
    else:
        assert answer(response) == expected


@pytest.mark.parametrize("section", REQUESTS)
def test_an_application_requests_a_code_for_a_resource(browser, desk, section):
    """The code gives a token whose `aud` is the requested API, or the request is refused (RFC 8707 section 2.1)."""
    request, expected = REQUESTS[section]
    response = allow(browser, authorization(desk, **request))
    if isinstance(expected, str):
        assert answer(response) == redirected(("code", ANY), ("state", "s-1"), ("iss", ISSUER), status=303)
        body = redeem(browser, desk, parameters(response)["code"]).json()
        assert claims_of(body["access_token"])["aud"] == expected
    else:
        assert answer(response) == redirected(*expected.body.items(), ("state", "s-1"), ("iss", ISSUER))


IDENTITY = {
    "2: the issuer itself, for its userinfo": ({"scope": "openid email", "resource": ISSUER}, ISSUER),
    "2: the issuer itself, with a slash": ({"scope": "openid email", "resource": f"{ISSUER}/"}, ISSUER),
    "2: an API, without a scope of its own": ({"scope": "openid", "resource": API}, NO_SCOPE),
    "2: the issuer, and a scope of an API": ({"scope": "openid notes:read", "resource": ISSUER}, OF_ANOTHER),
    "2: nobody, and no scope of an API": ({"scope": "openid"}, ISSUER),
}


@pytest.mark.parametrize("section", IDENTITY)
def test_the_issuer_is_accepted_as_a_resource(browser, desk, section):
    request, expected = IDENTITY[section]
    response = allow(browser, authorization(desk, **request))
    if isinstance(expected, str):
        body = redeem(browser, desk, parameters(response)["code"]).json()
        assert claims_of(body["access_token"])["aud"] == expected
    else:
        assert answer(response) == redirected(*expected.body.items(), ("state", "s-1"), ("iss", ISSUER))


ANOTHER = "The user's grant is for another resource."
TRADES = {
    "2.2: the resource of the code": (API, None),
    "2.2: the resource of the code, twice": ([API, API], None),
    "2.2: the issuer, without the user's identity": (ISSUER, "invalid_target"),
    "2.2: none": (None, None),
    "2.2: another API of this client": (OTHER_API, "invalid_target"),
    "2.2: the resource of the code, and another": ([API, OTHER_API], "invalid_target"),
    "2.2: the resource of the code without its slash": (API.rstrip("/"), None),
    "2.2: nearly the resource of the code": (f"{API}/", "invalid_target"),
}


@pytest.mark.parametrize("section", TRADES)
def test_a_code_is_redeemed_for_its_resource_only(client, desk, code, section):
    resource, error = TRADES[section]
    issued = code(desk, scope="notes:read offline_access", resource=API)
    response = redeem(client, desk, issued, resource=resource)
    if error:
        assert answer(response) == refusal(error, ANOTHER)
        return
    assert answer(response) == granted("notes:read offline_access", refresh_token=ANY)
    assert claims_of(response.json()["access_token"])["aud"] == API


@pytest.mark.parametrize("section", TRADES)
def test_a_refresh_is_for_the_resource_of_the_grant_only(client, desk, code, section):
    resource, error = TRADES[section]
    token = redeem(client, desk, code(desk, scope="notes:read offline_access")).json()["refresh_token"]
    form = without_blanks({"grant_type": "refresh_token", "refresh_token": token, "resource": resource})
    response = post(client, "/oauth/token", form, **basic("desk", desk.plain))
    if error:
        assert answer(response) == refusal(error, ANOTHER)
        return
    assert answer(response) == granted("notes:read offline_access")
    assert claims_of(response.json()["access_token"])["aud"] == API

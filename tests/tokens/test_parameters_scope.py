"""The parameter `scope`.

Every endpoint refuses the same malformed values. Some unknown scopes are ignored, others are refused.
"""

import pytest
from django.utils import timezone

from tests.tokens.factories import authorization, basic, log_in, make_client, parameters, post, redeem
from tokens import parameters as rules
from tokens.clients import client_secret
from tokens.errors import OAuthError

MALFORMED = "The scope is malformed; separate scopes by one space each, without quotes or backslashes."
BAD = [" notes:read", "notes:read ", "notes:read  notes:write", 'notes:"read"', "notes\\read", "nötes:read", " "]


@pytest.fixture
def desk(apis):
    return secret_for(make_client("desk", "authorization_code", "refresh_token"))


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


def secret_for(made):
    made.plain = client_secret.create(made, now=timezone.now())
    return made


@pytest.mark.parametrize("value", BAD)
def test_a_malformed_scope_is_reported_as_malformed(value):
    with pytest.raises(OAuthError, match=MALFORMED) as refused:
        rules.scopes(value)
    assert refused.value.error == "invalid_scope"


@pytest.mark.parametrize(
    ("value", "names"), [(None, []), ("a", ["a"]), ("a b a", ["a", "b", "a"]), ("!~#[]", ["!~#[]"])]
)
def test_a_scope_is_split_at_each_space(value, names):
    assert rules.scopes(value) == names


@pytest.mark.parametrize("value", BAD)
def test_every_endpoint_names_a_malformed_scope(client, browser, signer, desk, service, code, value):
    device = make_client("device", "urn:ietf:params:oauth:grant-type:device_code", public=True)
    refresh = redeem(client, desk, code(desk, scope="openid notes:read offline_access")).json()["refresh_token"]
    refreshed = {"grant_type": "refresh_token", "refresh_token": refresh}
    for path, form, who in (
        ("/oauth/token", {"grant_type": "client_credentials"}, basic("service", service.plain)),
        ("/oauth/device", {"client_id": device.client_id}, {}),
        ("/oauth/token", refreshed, basic("desk", desk.plain)),
    ):
        answer = post(client, path, form | {"scope": value}, **who)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
        assert answer.json()["error_description"] == MALFORMED
    redirected = parameters(browser.get("/oauth/authorize", authorization(desk, scope=value)))
    assert (redirected["error"], redirected["error_description"]) == ("invalid_scope", MALFORMED)


@pytest.mark.parametrize("unknown", ["groups", "address phone", "anything:else"])
def test_a_login_ignores_a_scope_that_no_api_has(client, signer, desk, code, unknown):
    """OpenID Connect Core section 3.1.2.1: unknown scopes are ignored.

    RFC 6749 section 5.1: the response names the granted scope.
    """
    answer = redeem(client, desk, code(desk, scope=f"openid {unknown} notes:read offline_access")).json()
    assert answer["scope"] == "openid notes:read offline_access"
    form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    again = post(client, "/oauth/token", form | {"scope": f"openid {unknown} notes:read"}, **basic("desk", desk.plain))
    assert again.json()["scope"] == "openid notes:read"


@pytest.mark.parametrize(
    "scope", ["openid other:read", "openid groups other:read", "notes:read groups", "profile groups"]
)
def test_a_scope_of_an_api_or_without_openid_is_still_refused(browser, desk, scope):
    assert parameters(browser.get("/oauth/authorize", authorization(desk, scope=scope)))["error"] == "invalid_scope"


def test_a_refresh_refuses_a_further_scope_of_an_api(client, signer, desk, code):
    token = redeem(client, desk, code(desk, scope="openid notes:read offline_access")).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": "openid other:read"}
    assert post(client, "/oauth/token", form, **basic("desk", desk.plain)).json()["error"] == "invalid_scope"


def test_a_service_gets_no_token_for_a_scope_that_no_api_has(client, signer, service):
    form = {"grant_type": "client_credentials", "scope": "notes:read groups"}
    assert post(client, "/oauth/token", form, **basic("service", service.plain)).json()["error"] == "invalid_scope"

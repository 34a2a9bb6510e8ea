"""A scope that is limited to groups of users.

A user who is in none of the groups does not get the scope, by any grant type.
"""

import pytest
from django.contrib.auth.models import Group

from tests.tokens.factories import (
    API,
    OTHER_API,
    authorization,
    basic,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
    refreshed,
    with_secret,
)
from tokens.errors import OAuthError
from tokens.issued import membership
from tokens.issued.audience import Target
from tokens.models import Api, ExchangePolicy, Scope, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
ISSUER = "http://localhost:8000"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@pytest.fixture
def editors(apis):
    """Limit the scope notes:write to the groups `editors` and `chiefs`, and return the group `editors`."""
    Scope.objects.filter(name="notes:write").update(groups=["editors", "chiefs"])
    Group.objects.create(name="readers")
    return Group.objects.create(name="editors")


@pytest.fixture
def app(editors):
    return with_secret(make_client("app", "authorization_code", "refresh_token", always_gets_refresh_token=True))


def test_no_statement_runs_unless_a_requested_scope_is_limited(editors, django_assert_num_queries):
    api, scopes = Api.objects.get(identifier=API), list(Scope.objects.all())
    for names in (("notes:read",), ("openid",), ()):
        with django_assert_num_queries(0):
            assert membership.narrow(Target(API, names, api), scopes, "x") == Target(API, names, api)


def test_a_scope_whose_row_is_missing_is_left_out(editors):
    api = Api.objects.get(identifier=API)
    assert membership.narrow(Target(API, ("openid", "notes:read"), api), [], "x") == Target(ISSUER, ("openid",), None)
    with pytest.raises(OAuthError):
        membership.narrow(Target(API, ("notes:read",), api), [], "x")


def test_a_member_gets_the_scope_and_another_user_the_rest(client, user, app, code, editors):
    scope = "openid notes:read notes:write"
    user.groups.set([Group.objects.get(name="readers")])
    assert redeem(client, app, code(app, scope=scope)).json()["scope"] == "openid notes:read"
    assert UserGrant.objects.get().scope == "openid notes:read"
    user.groups.add(editors)
    assert redeem(client, app, code(app, scope=scope)).json()["scope"] == scope


def test_the_consent_page_shows_only_what_the_user_can_give(client, user, app):
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(app, scope="openid notes:read notes:write")).content.decode()
    assert "notes:read" in page
    assert "notes:write" not in page


def test_a_user_without_the_group_can_log_in_and_gets_no_token_for_the_api(client, user, app, code, decode):
    body = redeem(client, app, code(app, scope="openid notes:write")).json()
    assert body["scope"] == "openid"
    assert decode(body["access_token"], ISSUER)[1]["scope"] == "openid"


@pytest.mark.parametrize("prompt", [None, "none"])
def test_a_request_of_which_nothing_is_left_is_refused(client, user, app, prompt):
    log_in(client, user)
    answer = parameters(client.get("/oauth/authorize", authorization(app, scope="notes:write", prompt=prompt)))
    assert answer["error"] == "invalid_scope"
    assert answer["error_description"] == membership.NO_MEMBER


def test_a_user_who_left_the_group_while_reading_the_page_does_not_give_the_scope(client, user, app, editors):
    user.groups.add(editors)
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(app, scope="notes:write"))
    user.groups.clear()
    form = {"shown": page.context["form"].initial["shown"], "allow": "true"}
    answer = client.post(f"{page.request['PATH_INFO']}?{page.request['QUERY_STRING']}", form)
    assert parameters(answer)["error"] == "invalid_scope"
    assert not UserGrant.objects.exists()


def test_a_user_who_joined_the_group_while_reading_the_page_is_asked_again(client, user, app, editors):
    """The consent page that the user saw did not name the scope, because the user was not in the group yet."""
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(app, scope="openid notes:read notes:write"))
    address = f"{page.request['PATH_INFO']}?{page.request['QUERY_STRING']}"
    form = {"shown": page.context["form"].initial["shown"], "allow": "true"}
    user.groups.add(editors)
    answer = client.post(address, form)
    assert answer["Location"] == address
    assert not UserGrant.objects.exists()
    user.groups.clear()
    assert "code" in parameters(client.post(address, form)), "the request that was displayed"


def test_a_user_who_left_the_group_loses_the_scope_at_the_next_refresh(client, user, app, code, decode, editors):
    user.groups.add(editors)
    first = redeem(client, app, code(app, scope="openid notes:read notes:write")).json()
    text = first["refresh_token"]
    assert "notes:write" in refreshed(client, app, text).json()["scope"]
    user.groups.clear()
    later = refreshed(client, app, text).json()
    assert later["scope"] == "openid notes:read"
    assert decode(later["access_token"], API)[1]["scope"] == "notes:read"
    refused = refreshed(client, app, text, scope="notes:write")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    user.groups.add(editors)
    assert "notes:write" in refreshed(client, app, text).json()["scope"], "the user is a member again"


def test_a_refresh_of_which_nothing_is_left_is_refused(client, user, app, code, editors):
    user.groups.add(editors)
    text = redeem(client, app, code(app, scope="notes:write")).json()["refresh_token"]
    user.groups.clear()
    answer = refreshed(client, app, text)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_refresh_that_names_the_api_gets_no_token_for_the_issuer(client, user, app, code, editors):
    user.groups.add(editors)
    text = redeem(client, app, code(app, scope="openid notes:write")).json()["refresh_token"]
    user.groups.clear()
    assert refreshed(client, app, text).json()["scope"] == "openid"
    answer = refreshed(client, app, text, resource=API)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_code_whose_user_left_the_group_gives_less(client, user, app, code, editors):
    user.groups.add(editors)
    issued = code(app, scope="openid notes:read notes:write")
    user.groups.clear()
    assert redeem(client, app, issued).json()["scope"] == "openid notes:read"


@pytest.mark.parametrize("is_member", [True, False])
def test_an_exchange_gives_the_scope_to_members_only(client, user, app, code, decode, editors, is_member):
    Scope.objects.filter(name="other:read").update(groups=["editors"])
    if is_member:
        user.groups.add(editors)
    received = redeem(client, app, code(app, scope="notes:read")).json()["access_token"]
    gateway = with_secret(make_client("gateway", EXCHANGE, scopes=()))
    Api.objects.filter(identifier=API).update(client=gateway)
    policy = ExchangePolicy.objects.create(client=gateway, api=Api.objects.get(identifier=OTHER_API))
    policy.scopes.set(Scope.objects.filter(name="other:read"))
    form = {
        "grant_type": EXCHANGE,
        "subject_token": received,
        "subject_token_type": ACCESS_TOKEN,
        "scope": "other:read",
    }
    body = post(client, "/oauth/token", form, **basic("gateway", gateway.plain)).json()
    if is_member:
        assert decode(body["access_token"], OTHER_API)[1]["scope"] == "other:read"
    else:
        assert body["error"] == "invalid_scope"


@pytest.fixture
def device_page(client, user, editors):
    """Return `begin(scope)`, which sends a device authorization request with this scope.

    `begin` returns a second function, `send(**fields)`. As the user, `send` posts the user code and the form fields
    `fields`, such as `allow="true"`, to the verification page, and returns the response.
    """
    make_client("tv", DEVICE, public=True)
    log_in(client, user)

    def begin(scope):
        code = post(client, "/oauth/device", {"client_id": "tv", "scope": scope}).json()["user_code"]
        return lambda **fields: client.post("/oauth/device/verify", {"user_code": code} | fields)

    return begin


def test_a_device_s_user_outside_of_the_group_gives_the_rest(device_page):
    send = device_page("notes:read notes:write")
    assert send(shown=send().context["shown"], allow="true").status_code == 200
    assert UserGrant.objects.get().scope == "notes:read"


def test_a_device_s_user_who_can_grant_no_scope_sees_an_error(device_page):
    page = device_page("notes:write")()
    assert page.status_code == 400
    assert membership.NO_MEMBER in page.content.decode()


def test_a_device_s_user_who_joins_the_group_while_reading_is_asked_again(device_page, user, editors):
    send = device_page("notes:read notes:write")
    shown = send().context["shown"]
    user.groups.add(editors)
    assert "shown" in send(shown=shown, allow="true").context
    assert not UserGrant.objects.exists()


def test_a_client_that_acts_for_itself_is_not_limited(client, service, editors):
    form = {"grant_type": "client_credentials", "scope": "notes:write"}
    assert post(client, "/oauth/token", form, **basic("service", service.plain)).json()["scope"] == "notes:write"


def test_a_group_that_was_renamed_no_longer_counts(client, user, app, code, editors):
    user.groups.add(editors)
    Group.objects.filter(pk=editors.pk).update(name="writers")
    assert redeem(client, app, code(app, scope="openid notes:read notes:write")).json()["scope"] == "openid notes:read"

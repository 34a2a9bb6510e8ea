"""The claims hook of an operator: the arguments that it gets, and the results that do not get into a token."""

import json
import sys
import threading
from datetime import timedelta
from types import ModuleType

import pytest

from tests.tokens.factories import API, basic, make_client, post, redeem, with_secret
from tokens.claims import hook
from tokens.claims.claims_error import ClaimsFailed
from tokens.claims.hook import LARGEST, ClaimsContext, Place
from tokens.models import Api, AuthorizationCode, ExchangePolicy, Scope

pytestmark = pytest.mark.usefixtures("signer")
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@pytest.fixture
def hooked(settings, monkeypatch):
    """Return a function that installs a claims hook, and returns a list.

    The arguments of each call of the hook are appended to the list.
    """

    def install(function, **others):
        calls = []

        def add(**arguments):
            calls.append(arguments)
            return function(**arguments)

        module = ModuleType("deployment_claims")
        module.add = add
        monkeypatch.setitem(sys.modules, "deployment_claims", module)
        settings.ISSUER = settings.ISSUER | {"CLAIMS": "deployment_claims.add"} | others
        return calls

    return install


def context(place=Place.ACCESS_TOKEN):
    return ClaimsContext(user=None, client=None, api=None, scopes=frozenset(), place=place)


def test_without_a_hook_no_claims_are_added():
    assert hook.added(context()) == {}


def test_the_hook_adds_claims_to_each_place_and_gets_its_name(client, webapp, user, code, decode, hooked):
    calls = hooked(lambda *, place, **_: {"tenant": f"acme in {place}"})
    body = redeem(client, webapp, code(webapp)).json()
    userinfo = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()
    assert decode(body["access_token"], API)[1]["tenant"] == "acme in access_token"
    assert decode(body["id_token"], "webapp")[1]["tenant"] == "acme in id_token"
    assert userinfo == {"tenant": "acme in userinfo", "sub": str(user.sub)}
    seen = [(call["user"], call["client"], call["api"].identifier, call["scopes"], call["place"]) for call in calls]
    scopes = frozenset({"openid", "notes:read"})
    assert seen == [(user, webapp, API, scopes, place) for place in Place]


def test_a_service_has_no_user_and_a_token_for_the_issuer_no_api(client, service, webapp, code, decode, hooked):
    calls = hooked(lambda *, user, **_: {} if user else {"tenant": "own"})
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    body = post(client, "/oauth/token", form, **basic("service", service.plain)).json()
    assert decode(body["access_token"], API)[1]["tenant"] == "own"
    redeem(client, webapp, code(webapp, scope="openid"))
    assert [(call["user"] is None, call["api"] is None) for call in calls] == [
        (True, False),
        (False, True),
        (False, True),
    ]


def test_the_user_of_an_exchanged_token_is_known(client, webapp, user, code, decode, hooked):
    received = redeem(client, webapp, code(webapp)).json()["access_token"]
    gateway = with_secret(make_client("gateway", EXCHANGE, scopes=()))
    Api.objects.filter(identifier=API).update(client=gateway)
    policy = ExchangePolicy.objects.create(client=gateway, api=Api.objects.get(identifier="https://other.example/"))
    policy.scopes.set(Scope.objects.filter(name="other:read"))
    hooked(lambda *, user, **_: {"tenant": user.username})
    form = {
        "grant_type": EXCHANGE,
        "subject_token": received,
        "subject_token_type": ACCESS_TOKEN,
        "scope": "other:read",
    }
    body = post(client, "/oauth/token", form, **basic("gateway", gateway.plain)).json()
    assert decode(body["access_token"], "https://other.example/")[1]["tenant"] == "ada"


def fail(**_):
    raise KeyError("no tenant")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (fail, f"KeyError: 'no tenant' at fail, line {fail.__code__.co_firstlineno + 1}"),
        (lambda **_: None, "no mapping"),
        (lambda **_: [("tenant", "a")], "no mapping"),
        (lambda **_: {1: "a"}, "no mapping"),
        (lambda **_: {"": "a"}, "no mapping"),
        (lambda **_: {"tenant": object()}, "TypeError"),
        (lambda **_: {"tenant": float("nan")}, "ValueError"),
        (lambda **_: {"tenant": 10**30}, "NotStrict"),
        (lambda **_: {"tenant": "\ud800"}, "NotStrict"),
        (lambda **_: {"tenant": "x" * LARGEST}, "bytes"),
        (lambda **_: {"sub": "root"}, "reserved claims: sub"),
        (lambda **_: {"scope": "admin", "client_id": "x"}, "reserved claims: client_id, scope"),
    ],
)
def test_an_unusable_answer_is_a_clean_error_and_its_reason_is_logged(
    client, service, hooked, caplog, function, reason
):
    hooked(function)
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    answer = post(client, "/oauth/token", form, **basic("service", service.plain))
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert reason not in answer.json()["error_description"]
    (line,) = [json.loads(record.message) for record in caplog.records if "token.refused" in record.message]
    assert reason in line["details"]["reason"]
    assert line["subject"] == "client:service"


def test_the_largest_answer_is_accepted(hooked):
    padding = "x" * (LARGEST - len('{"tenant": ""}'))
    hooked(lambda **_: {"tenant": padding})
    assert hook.added(context()) == {"tenant": padding}


def test_a_hook_that_takes_too_long_gives_no_token(hooked):
    done = threading.Event()
    hooked(lambda **_: done.wait() and {}, CLAIMS_WITHIN=timedelta(milliseconds=20))
    with pytest.raises(ClaimsFailed) as refused:
        hook.added(context())
    assert refused.value.reason == "the claims hook took longer than 0.02 s"
    done.set()


def test_a_code_is_not_redeemed_if_its_claims_cannot_be_computed(client, webapp, code, hooked, settings):
    issued = code(webapp)
    hooked(fail)
    assert redeem(client, webapp, issued).status_code == 500
    assert AuthorizationCode.objects.get().redeemed_at is None
    settings.ISSUER = settings.ISSUER | {"CLAIMS": ""}
    assert redeem(client, webapp, issued).status_code == 200


def test_userinfo_is_a_clean_error_too(client, webapp, code, hooked):
    text = redeem(client, webapp, code(webapp)).json()["access_token"]
    hooked(fail)
    answer = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {text}")
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")


@pytest.mark.parametrize(
    ("place", "name", "refused"),
    [
        (Place.ACCESS_TOKEN, "email", False),
        (Place.ID_TOKEN, "email", True),
        (Place.USERINFO, "name", True),
        (Place.USERINFO, "roles", False),
        (Place.ID_TOKEN, "groups", False),
        (Place.ACCESS_TOKEN, "cnf", True),
        (Place.ACCESS_TOKEN, "act", True),
        (Place.ID_TOKEN, "nonce", True),
    ],
)
def test_names_that_a_setting_or_the_protocol_gives_are_reserved(hooked, place, name, refused):
    hooked(lambda **_: {name: "x"})
    if refused:
        with pytest.raises(ClaimsFailed):
            hook.added(context(place))
    else:
        assert hook.added(context(place)) == {name: "x"}


@pytest.mark.parametrize("place", Place)
def test_groups_is_reserved_if_the_setting_gives_it(hooked, place):
    hooked(lambda **_: {"groups": ["admin"]}, GROUPS_CLAIM=["editors"])
    with pytest.raises(ClaimsFailed):
        hook.added(context(place))


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("json.dumps", None),
        ("json.nothing", "cannot be imported"),
        ("json", "cannot be"),
        ("json.__name__", "no function"),
    ],
)
def test_a_path_is_checked_before_the_first_token(path, problem):
    reported = hook.problem(path)
    assert reported is None if problem is None else problem in reported

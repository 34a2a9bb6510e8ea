"""Requests that are valid except for one or two changed parameters.

They pass most checks. They never cause an error 500. FUZZ_EXAMPLES makes the run longer.
"""

import json
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms
from jwt.utils import base64url_decode, base64url_encode

from tests.log_leaks import FIELDS
from tests.tokens import assertions, conftest
from tests.tokens.factories import API, CALLBACK, OTHER_API, VERIFIER, allow, authorization, log_in, make_client, post
from tests.tokens.fuzz import EXAMPLES, bounded, claims, headers_of_tokens, judge, junk, segment, tokens
from tokens import parameters
from tokens.clients import client_secret
from tokens.grants import device_answer
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.models import Api, Client, DeviceCode, ExchangePolicy, GrantType, Scope
from tokens.settings.rate import RATE_LIMITS

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
GRANT_TYPE = {"typ": "authorization-grant+jwt"}


PATHS = {"begin": "/oauth/device", "introspect": "/oauth/introspect", "revoke": "/oauth/revoke"}
KINDS = ["client_credentials", "by key", "code", "refresh", "device", "exchange", "bearer", *PATHS]


@pytest.fixture
def valid(client, user, apis, signer, settings):
    """Return a mapping from kinds of requests to functions. Each function makes the form of such a request.

    The form is valid: the endpoint answers it with 200.
    """
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": dict.fromkeys(RATE_LIMITS, (10**9, 60))}
    web = make_client("web", *(value for value in GrantType.values if value != GrantType.JWT_BEARER))
    web.plain = client_secret.create(web, now=timezone.now())
    Api.objects.filter(identifier=API).update(client=web)
    policy = ExchangePolicy.objects.create(client=web, api=apis[OTHER_API])
    policy.scopes.add(Scope.objects.get(name="other:read"))
    robot = make_client("robot", GrantType.JWT_BEARER, "client_credentials", client_jwks=assertions.jwks())
    Client.objects.filter(pk=robot.pk).update(token_endpoint_auth_method="private_key_jwt")
    log_in(client, user)
    proof = {"client_id": "web", "client_secret": web.plain}

    def code():
        request = authorization(web, scope="openid notes:read offline_access")
        code_parameters = {
            "code": conftest.parameters(allow(client, request))["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return proof | {"grant_type": "authorization_code"} | code_parameters

    def device():
        begun = post(Browser(), "/oauth/device", proof | {"scope": "notes:read"}).json()
        waiting = DeviceCode.objects.get(grant=None, refused_at=None)
        login = Login(timezone.now(), "urn:keyturn:acr:password", ("pwd",))
        target = Target(API, ("notes:read",), apis[API])
        assert device_answer.allow(waiting, user, target, login, now=timezone.now())
        return proof | {"grant_type": GrantType.DEVICE_CODE, "device_code": begun["device_code"]}

    issued = post(Browser(), "/oauth/token", code()).json()
    exchanged = {"subject_token": issued["access_token"], "subject_token_type": ACCESS_TOKEN, "resource": OTHER_API}
    return {
        "client_credentials": lambda: proof | {"grant_type": "client_credentials", "scope": "notes:read"},
        "by key": lambda: assertions.proof("robot") | {"grant_type": "client_credentials", "scope": "notes:read"},
        "code": code,
        "refresh": lambda: proof | {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]},
        "device": device,
        "exchange": lambda: proof | {"grant_type": GrantType.TOKEN_EXCHANGE, "scope": "other:read"} | exchanged,
        "bearer": lambda: {
            "grant_type": GrantType.JWT_BEARER,
            "assertion": assertions.sign("robot", sub=str(user.sub), header=GRANT_TYPE),
            "scope": "notes:read",
        },
        "begin": lambda: proof | {"scope": "openid notes:read"},
        "introspect": lambda: proof | {"token": issued["access_token"]},
        "revoke": lambda: proof | {"token": issued["access_token"], "token_type_hint": "access_token"},
    }


def changed(form, draw):
    """Return the form as pairs of name and value, with one or two parameters dropped, repeated, changed or added."""
    pairs = list(form.items())
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.one_of(st.sampled_from(sorted(form)), st.sampled_from(sorted(parameters.TOKEN))))
        what = draw(st.sampled_from(["drop", "double", "change"]))
        if what != "double":
            pairs = [pair for pair in pairs if pair[0] != name]
        if what != "drop":
            # The search for leaks in the log takes each value of a secret parameter for a secret, also a scope.
            usable = {
                parameter: value for parameter, value in form.items() if parameter in FIELDS or name not in FIELDS
            }
            others = st.sampled_from(sorted(str(value) for value in usable.values()) or [""])
            pairs.append((name, draw(st.one_of(junk, others, tokens))))
    return pairs


def strange(valid):
    """Return a Hypothesis strategy for assertions with changed members. `valid` is the assertion to change.

    The client's key signs them, so that only the members are wrong.
    """
    header, said = (json.loads(base64url_decode(part)) for part in valid.split(".")[:2])

    def sign(odd, other):
        message = f"{segment(header | odd)}.{segment(said | other)}"
        signature = get_default_algorithms()["ES256"].sign(message.encode(), assertions.private("EC"))
        return f"{message}.{base64url_encode(signature).decode()}"

    return st.builds(sign, headers_of_tokens, claims)


@pytest.mark.parametrize("kind", KINDS)
def test_no_change_to_a_valid_request_causes_an_error_500(valid, kind):
    path, browser = PATHS.get(kind, "/oauth/token"), Browser(raise_request_exception=False)
    unchanged = post(browser, path, valid[kind]())
    assert unchanged.status_code == 200, unchanged.content

    @bounded(EXAMPLES)
    @given(st.data())
    def fuzz(data):
        sent = changed(valid[kind](), data.draw)
        body = urlencode(sent, errors="replace")
        judge(path, "post", post(browser, path, body), sent)

    fuzz()


@pytest.mark.parametrize(("kind", "name"), [("by key", "client_assertion"), ("bearer", "assertion")])
def test_no_member_of_an_assertion_causes_an_error_500(valid, kind, name):
    browser = Browser(raise_request_exception=False)

    @bounded(EXAMPLES)
    @given(st.data())
    def fuzz(data):
        form = valid[kind]()
        form[name] = data.draw(strange(form[name]))
        judge("/oauth/token", "post", post(browser, "/oauth/token", form), form)

    fuzz()

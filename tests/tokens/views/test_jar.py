"""Signed authorization requests (RFC 9101), sent by the browser or pushed.

Valid requests are accepted, and similar ones that are invalid are refused.
"""

import json
from datetime import timedelta

import jwt
import pytest
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.assertions import ISSUER, jwks, private, proof, public_jwk, sign
from tests.tokens.factories import (
    API,
    CALLBACK,
    OTHER_API,
    authorization,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
    stored_query,
)
from tests.tokens.pages import assert_page
from tokens.authorize.request_signature import NOT_SIGNED
from tokens.clients import jwks_uri
from tokens.errors import Unavailable
from tokens.models import AuthorizationCode, Client, PushedRequest

PAR = "/oauth/par"
PASSWORD = "correct horse"
TYPE = "oauth-authz-req+jwt"


def make_signer(client_id, **fields):
    made = make_client(client_id, "authorization_code", skip_authorization=True, **fields)
    Client.objects.filter(pk=made.pk).update(token_endpoint_auth_method="private_key_jwt", client_jwks=jwks())
    return Client.objects.get(pk=made.pk)


@pytest.fixture
def keyed(apis, signer):
    """Return the issuer's own client, which has a key. Users are not asked for consent for it."""
    return make_signer("keyed")


@pytest.fixture
def browser(user):
    logged_in = Browser()
    log_in(logged_in, user)
    return logged_in


def signed(client, /, *, algorithm="ES256", name="own", header=None, ago=0, **changes):
    """Return a request object, which is an authorization request of the client as a JWT.

    By default, the client's key `own` signs it. `header` adds header members, `ago` is the age of the request object in
    seconds, and `changes` replace claims.
    """
    claims = {"sub": None, "jti": None, **authorization(client)} | changes
    return sign(
        client.client_id, algorithm=algorithm, name=name, header={"typ": TYPE} | (header or {}), ago=ago, **claims
    )


def send(browser, client, request, **outside):
    return browser.get("/oauth/authorize", {"client_id": client.client_id, "request": request} | outside)


def answered(browser, client, request, **outside):
    """Send the request object to the authorization endpoint, follow the redirect, and return the answer.

    `outside` has the parameters outside of the request object.
    """
    moved = send(browser, client, request, **outside)
    assert moved.status_code == 302, moved.content
    assert moved["Location"].startswith("/oauth/authorize?continue=")
    return browser.get(moved["Location"])


def push(client, request, **outside):
    return post(Browser(), PAR, {"client_id": client.client_id, "request": request} | proof(client.client_id) | outside)


def assert_refused(browser, client, request, reason):
    """Assert that the authorization endpoint and the PAR endpoint refuse the request object, and store nothing.

    The authorization endpoint shows an error page. The PAR endpoint answers invalid_request_object with `reason`.
    """
    page = send(browser, client, request)
    assert_page(page, 400)
    assert "Location" not in page
    pushed = push(client, request)
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request_object")
    assert reason in pushed.json()["error_description"]
    assert not PushedRequest.objects.exists()
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize("typ", [TYPE, "JWT", f"application/{TYPE}", TYPE.upper(), None])
def test_a_signed_request_leads_to_a_code(browser, keyed, typ):
    given = parameters(answered(browser, keyed, signed(keyed, header={"typ": typ})))
    assert (given["state"], given["iss"]) == ("s-1", ISSUER)
    assert redeem(Browser(), keyed, given["code"], client_id=None, **proof("keyed")).status_code == 200


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_each_algorithm_of_the_metadata_signs(browser, keyed, algorithm):
    Client.objects.update(client_jwks=jwks(algorithm))
    assert parameters(answered(browser, keyed, signed(keyed, algorithm=algorithm)))["code"]
    metadata = browser.get("/.well-known/openid-configuration").json()
    assert algorithm in metadata["request_object_signing_alg_values_supported"]
    assert "none" not in metadata["request_object_signing_alg_values_supported"]


def test_a_signed_request_can_be_pushed(browser, keyed):
    pushed = push(keyed, signed(keyed))
    assert pushed.status_code == 201, pushed.content
    address = {"client_id": "keyed", "request_uri": pushed.json()["request_uri"]}
    moved = browser.get("/oauth/authorize", address)
    assert parameters(browser.get(moved["Location"]))["code"]


def test_parameters_beside_the_object_are_ignored(browser, keyed):
    outside = {"scope": "openid notes:write", "state": "other", "redirect_uri": "https://evil.example/", "nonce": "x"}
    answer = answered(browser, keyed, signed(keyed, nonce=None), **outside)
    assert answer["Location"].startswith(f"{CALLBACK}?")
    assert parameters(answer)["state"] == "s-1"
    code = AuthorizationCode.objects.get()
    assert (code.grant.scope, code.nonce) == ("openid notes:read", "")
    assert push(keyed, signed(keyed), **outside).status_code == 201
    assert "other" not in PushedRequest.objects.get().query


def test_a_parameter_that_only_the_address_has_does_not_complete_the_object(browser, keyed):
    answer = answered(browser, keyed, signed(keyed, code_challenge=None), code_challenge="x" * 43)
    assert parameters(answer)["error"] == "invalid_request"
    refused = push(keyed, signed(keyed, redirect_uri="https://evil.example/"), redirect_uri=CALLBACK)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_the_object_may_expire_while_the_user_logs_in(user, keyed, at):
    start, browser = timezone.now(), Browser()
    at(start)
    moved = send(browser, keyed, signed(keyed, state="secret-state"))
    page = browser.get(moved["Location"])["Location"]
    assert "secret-state" in stored_query(browser, moved["Location"])
    at(start + timedelta(minutes=30))
    back = browser.post(page, {"login": "ada", "password": PASSWORD})["Location"]
    assert parameters(browser.get(back))["code"]


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": 0}, {"max_age": "0"}], ids=str)
def test_a_signed_request_can_require_a_new_login(user, keyed, changes):
    browser = Browser()
    log_in(browser, user)
    page = answered(browser, keyed, signed(keyed, **changes))["Location"]
    assert page.startswith("/accounts/login/?")
    back = browser.post(page, {"login": "ada", "password": PASSWORD})["Location"]
    assert parameters(browser.get(back))["code"]


def test_the_claims_of_an_object_are_json_and_not_a_text(browser, keyed):
    wanted = {"id_token": {"email": None}}
    assert parameters(answered(browser, keyed, signed(keyed, claims=wanted)))["code"]
    assert "email" in json.dumps(AuthorizationCode.objects.get().grant.claims)


def test_several_resources_are_checked_together(keyed):
    pushed = push(keyed, signed(keyed, resource=[API]))
    assert pushed.status_code == 201
    refused = push(keyed, signed(keyed, resource=[API, OTHER_API]))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")


def unsigned(client, **changes):
    return jwt.encode(
        authorization(client) | {"iss": client.client_id, "aud": ISSUER} | changes, None, algorithm="none"
    )


def symmetric(client):
    claims = authorization(client) | {
        "iss": client.client_id,
        "aud": ISSUER,
        "exp": timezone.now() + timedelta(minutes=1),
    }
    return jwt.encode(claims, "a secret of at least thirty-two bytes", algorithm="HS256")


def tampered(client):
    header, payload, signature = signed(client).split(".")
    other = signed(client, redirect_uri="https://evil.example/").split(".")[1]
    return f"{header}.{other}.{signature}" if other != payload else ""


NEIGHBOURS = {
    "4: alg none": (unsigned, "its alg is not one of"),
    "4: a shared secret": (symmetric, "its alg is not one of"),
    "4: an algorithm that is not offered": (lambda c: signed(c, algorithm="RS512"), "its alg is not one of"),
    "4: no JWT": (lambda _: "x", "it is not a JWT"),
    "4: too long": (lambda c: signed(c, state="s" * 8192), "longer than"),
    "6.2: another key": (lambda c: signed(c, name="other", header={"kid": None}), "no key of its client signed it"),
    "6.2: another key with the kid": (
        lambda c: signed(c, name="other", header={"kid": "EC-own"}),
        "no key of its client",
    ),
    "6.2: a changed payload": (tampered, "no key of its client signed it"),
    "6.2: a critical extension": (lambda c: signed(c, header={"crit": ["x"], "x": 1}), "not supported (crit)"),
    "6.3: another client": (lambda c: signed(c, client_id="other"), "its client_id is not that of the request"),
    "5: no client_id": (lambda c: signed(c, client_id=None), "its client_id is missing"),
    "4: another iss": (lambda c: signed(c, iss="other"), "its iss is not its client_id"),
    "4: no iss": (lambda c: signed(c, iss=None), "its iss is missing"),
    "4: another aud": (lambda c: signed(c, aud="https://evil.example"), "its aud is not this issuer"),
    "4: several auds": (lambda c: signed(c, aud=[ISSUER, "https://evil.example"]), "exactly one receiver"),
    "4: the endpoint as aud": (lambda c: signed(c, aud=f"{ISSUER}/oauth/authorize"), "its aud is not this issuer"),
    "4: no aud": (lambda c: signed(c, aud=None), "its aud is missing"),
    "4: no exp": (lambda c: signed(c, exp=None), "it has no exp"),
    "4: expired": (lambda c: signed(c, ago=300), "it has expired"),
    "4: an exp of a day": (lambda c: signed(c, exp=int(timezone.now().timestamp()) + 86_400), "ahead"),
    "4: not valid yet": (lambda c: signed(c, nbf=int(timezone.now().timestamp()) + 300), "not valid yet"),
    "4: request inside": (lambda c: signed(c, request="x"), "it contains request"),
    "4: request_uri inside": (lambda c: signed(c, request_uri="urn:x"), "it contains request_uri"),
    "10.8: an assertion of the client": (lambda c: sign(c.client_id, client_id=c.client_id), "its sub is its client"),
    "10.8: another typ": (lambda c: signed(c, header={"typ": "client-authentication+jwt"}), "another kind of JWT"),
    "10.8: an access token": (lambda c: signed(c, header={"typ": "at+jwt"}), "another kind of JWT"),
    "4: a state that is a number": (lambda c: signed(c, state=1), "its state has a wrong type"),
    "4: a max_age that is true": (lambda c: signed(c, max_age=True), "its max_age has a wrong type"),
    "4: scopes in a list": (lambda c: signed(c, scope=["openid"]), "its scope has a wrong type"),
    "4: resources that are numbers": (lambda c: signed(c, resource=[1]), "its resource has a wrong type"),
}


@pytest.mark.parametrize("section", NEIGHBOURS)
def test_an_object_that_is_nearly_valid_is_refused_without_a_redirect(browser, keyed, section):
    make, reason = NEIGHBOURS[section]
    assert_refused(browser, keyed, make(keyed), reason)


def test_an_object_of_another_client_is_refused(browser, keyed):
    other = make_signer("second")
    Client.objects.filter(pk=other.pk).update(client_jwks={"keys": [public_jwk("ES256", "second")]})
    other.refresh_from_db()
    assert_refused(browser, keyed, signed(other, name="second"), "no key of its client signed it")
    assert parameters(answered(browser, other, signed(other, name="second")))["code"]


def test_a_request_object_does_not_authenticate_its_client(keyed):
    form = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    for header in ({}, {"typ": "JWT"}, {"typ": None}):
        assertion = signed(keyed, header=header, jti="one")
        answer = post(Browser(), PAR, authorization(keyed) | form | {"client_assertion": assertion})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_control_character_in_an_object_is_refused(keyed):
    refused = push(keyed, signed(keyed, state="a\x01b"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "change",
    [{"request": ["x", "y"]}, {"client_id": ["keyed", "keyed"]}, {"request_uri": "https://client.example/request"}],
    ids=str,
)
def test_an_ambiguous_object_is_refused_by_a_page(browser, keyed, change):
    answer = browser.get("/oauth/authorize", {"client_id": "keyed", "request": signed(keyed)} | change)
    assert_page(answer, 400)


def test_a_request_of_more_than_8192_characters_is_refused_also_if_it_is_signed(browser, keyed):
    answer = send(browser, keyed, signed(keyed), extra="x" * 8192)
    assert_page(answer, 400)
    assert "longer than 8192 characters" in answer.content.decode()


def test_a_client_without_keys_has_no_request_objects(browser, webapp, signer):
    Client.objects.filter(pk=webapp.pk).update(client_jwks=jwks())
    answer = browser.get("/oauth/authorize", authorization(webapp, request=signed(webapp)))
    assert parameters(answer)["error"] == "request_not_supported"
    pushed = post(Browser(), PAR, authorization(webapp, request=signed(webapp), client_secret=webapp.plain))
    assert (pushed.status_code, pushed.json()["error"]) == (400, "request_not_supported")


def test_an_object_of_an_unknown_client_is_refused_by_a_page(browser, keyed):
    answer = browser.get("/oauth/authorize", {"client_id": "nobody", "request": signed(keyed)})
    assert_page(answer, 400)


def test_stored_objects_are_counted_like_requests_that_wait_for_a_login(keyed, settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"authorize": (2, 86_400)}}
    request = signed(keyed)
    assert [send(Browser(), keyed, request).status_code for _ in range(4)] == [302, 302, 429, 429]


def test_keys_that_are_being_fetched_are_answered_by_503(browser, keyed, monkeypatch):
    Client.objects.update(client_jwks=None, client_jwks_uri="https://client.example/jwks.json")

    def fetching(*_, **__):
        raise Unavailable("The client's keys are being fetched; see Retry-After.", retry_after=1)

    monkeypatch.setattr(jwks_uri, "keys", fetching)
    answer = send(browser, keyed, signed(keyed))
    assert_page(answer, 503)
    assert answer["Retry-After"] == "1"


@pytest.fixture
def required(keyed):
    Client.objects.update(require_signed_request_object=True)
    return Client.objects.get()


def test_a_client_that_has_to_sign_is_refused_without(browser, required):
    answer = browser.get("/oauth/authorize", authorization(required))
    assert (parameters(answer)["error"], parameters(answer)["error_description"]) == ("invalid_request", NOT_SIGNED)
    pushed = post(Browser(), PAR, authorization(required) | proof("keyed"))
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")
    assert parameters(answered(browser, required, signed(required)))["code"]


def test_a_pushed_and_signed_request_satisfies_both_switches(browser, required):
    Client.objects.update(require_pushed_authorization_requests=True)
    answer = answered(browser, required, signed(required))
    assert parameters(answer)["error"] == "invalid_request"
    address = {"client_id": "keyed", "request_uri": push(required, signed(required)).json()["request_uri"]}
    moved = browser.get("/oauth/authorize", address)
    assert parameters(browser.get(moved["Location"]))["code"]


def test_a_client_without_keys_cannot_be_required_to_sign_requests(apis):
    made = make_client("webapp", "authorization_code", require_signed_request_object=True)
    with pytest.raises(Exception, match="Only a client with private_key_jwt"):
        made.full_clean()


def test_the_object_is_not_in_the_audit_log(browser, keyed, caplog):
    caplog.set_level("INFO", "tokens.audit")
    request = signed(keyed, aud="https://evil.example")
    send(browser, keyed, request)
    line = next(line for line in map(json.loads, caplog.messages) if line["action"] == "authorization.refused")
    assert (line["subject"], line["details"]["error"]) == ("client:keyed", "invalid_request_object")
    assert request.split(".")[1] not in caplog.text


def test_a_private_key_never_signs_for_the_test_by_chance():
    assert private("EC") is not private("EC", "other")

"""Pushed authorization requests (RFC 9126): accepted and refused requests, and the browser's use of the request_uri."""

import json
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.assertions import ISSUER, jwks, proof
from tests.tokens.factories import (
    API,
    CALLBACK,
    OTHER_API,
    authorization,
    basic,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
    stored_query,
    with_secret,
)
from tests.tokens.pages import assert_page
from tests.tokens.proofs import Key
from tokens.authorize import request_push
from tokens.authorize.request_push import NESTED, NOT_PUSHED, PREFIX, UNUSABLE
from tokens.issued import one_time
from tokens.models import AuthorizationCode, Client, PushedRequest
from tokens.revoking import purge

pytestmark = pytest.mark.django_db
PAR = "/oauth/par"
PASSWORD = "correct horse"


@pytest.fixture
def own(apis, signer):
    """Return the issuer's own client.

    Users are not asked for consent for it, so a login leads from the request to the code.
    """
    return with_secret(make_client("own", "authorization_code", skip_authorization=True))


@pytest.fixture
def browser(user):
    logged_in = Browser()
    log_in(logged_in, user)
    return logged_in


def push(client, /, *, browser=None, **changes):
    return post(browser or Browser(), PAR, authorization(client, **changes), **basic(client.client_id, client.plain))


def pushed(client, /, **changes):
    """Push an authorization request of the client, and return its request_uri."""
    response = push(client, **changes)
    assert response.status_code == 201, response.content
    return response.json()["request_uri"]


def bring(browser, client, request_uri, **more):
    return browser.get("/oauth/authorize", {"client_id": client.client_id, "request_uri": request_uri} | more)


def followed(browser, client, request_uri):
    """Send the browser to the authorization endpoint with the request_uri.

    Return the answer at the address to which the endpoint redirects.
    """
    moved = bring(browser, client, request_uri)
    assert moved.status_code == 302, moved.content
    return browser.get(moved["Location"])


def assert_unusable(response):
    assert_page(response, 400)
    assert UNUSABLE in response.content.decode()
    assert "Location" not in response


def audit(caplog, action):
    lines = [json.loads(record.message) for record in caplog.records if record.name == "tokens.audit"]
    return [line["details"] for line in lines if line["action"] == action]


def test_a_client_gets_a_request_uri_of_which_only_the_hash_is_stored(own):
    response = push(own)
    assert (response.status_code, response["Content-Type"]) == (201, "application/json")
    assert response["Cache-Control"] == "no-store"
    members = response.json()
    assert members.keys() == {"request_uri", "expires_in"}
    assert members["expires_in"] == 90
    reference = members["request_uri"].removeprefix(PREFIX)
    assert len(reference) == 43
    row = PushedRequest.objects.get()
    assert row.digest == one_time.digest(reference)
    assert reference not in f"{row.digest}{row.query}"


def test_the_lifetime_is_the_settings(own, settings):
    settings.ISSUER = settings.ISSUER | {"PUSHED_REQUEST_LIFETIME": timedelta(seconds=60)}
    assert push(own).json()["expires_in"] == 60


def test_the_browser_brings_the_request_uri_and_gets_a_code(browser, own):
    answer = followed(browser, own, pushed(own))
    given = parameters(answer)
    assert (given["state"], given["iss"]) == ("s-1", ISSUER)
    assert redeem(Browser(), own, given["code"]).status_code == 200


def test_the_handle_and_the_login_page_carry_nothing_of_the_request(user, own):
    browser = Browser()
    request_uri = pushed(own, state="secret-state", login_hint="ada")
    moved = bring(browser, own, request_uri)
    to_login = browser.get(moved["Location"])
    for address in (moved["Location"], to_login["Location"]):
        assert not [word for word in ("secret-state", "notes:read", "own", request_uri) if word in address], address
    assert "secret-state" in stored_query(browser, moved["Location"])


def test_the_login_may_take_longer_than_the_request_uri_is_valid(user, own, at):
    browser, start = Browser(), timezone.now()
    at(start)
    moved = bring(browser, own, pushed(own))
    page = browser.get(moved["Location"])["Location"]
    at(start + timedelta(minutes=30))
    back = browser.post(page, {"login": "ada", "password": PASSWORD})["Location"]
    assert parameters(browser.get(back))["code"]


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}], ids=str)
def test_a_pushed_request_can_require_a_new_login(user, own, changes):
    browser = Browser()
    log_in(browser, user)
    page = followed(browser, own, pushed(own, **changes))["Location"]
    assert page.startswith("/accounts/login/?")
    back = browser.post(page, {"login": "ada", "password": PASSWORD})["Location"]
    assert parameters(browser.get(back))["code"]


def test_the_consent_page_of_a_pushed_request_can_be_reloaded_and_answered(browser, webapp, signer):
    moved = bring(browser, webapp, pushed(webapp))["Location"]
    pages = [browser.get(moved) for _ in range(3)]
    assert [page.status_code for page in pages] == [200, 200, 200]
    answer = browser.post(moved, {"shown": pages[-1].context["form"].initial["shown"], "allow": "true"})
    assert parameters(answer)["code"]


def test_only_client_id_and_request_uri_count(browser, own):
    request_uri = pushed(own)
    changes = {"redirect_uri": "https://evil.example/", "state": "other", "scope": "notes:write", "prompt": "login"}
    moved = bring(browser, own, request_uri, **changes)
    answer = browser.get(moved["Location"])
    assert answer["Location"].startswith(f"{CALLBACK}?")
    assert parameters(answer)["state"] == "s-1"
    assert AuthorizationCode.objects.get().grant.scope == "openid notes:read"


def test_a_request_uri_can_be_sent_as_a_form(browser, own):
    form = {"client_id": "own", "request_uri": pushed(own)}
    sent = browser.post("/oauth/authorize", form)
    assert (sent.status_code, parse_qs(urlsplit(sent["Location"]).query)) == (303, {k: [v] for k, v in form.items()})
    assert parameters(browser.get(browser.get(sent["Location"])["Location"]))["code"]


def test_another_browser_cannot_use_a_request_uri_again(browser, own, user, caplog):
    caplog.set_level("INFO", "tokens.audit")
    request_uri, other = pushed(own), Browser()
    log_in(other, user)
    assert followed(browser, own, request_uri).status_code == 302
    assert_unusable(bring(other, own, request_uri))
    assert_unusable(bring(Browser(), own, request_uri))
    assert [line["reason"] for line in audit(caplog, "authorization.refused")] == [
        "the request_uri was used before"
    ] * 2
    assert AuthorizationCode.objects.count() == 1


def test_the_same_browser_is_led_to_the_same_request_again(user, own):
    browser, request_uri = Browser(), pushed(own)
    first, again = bring(browser, own, request_uri), bring(browser, own, request_uri)
    assert first["Location"] == again["Location"]
    log_in(browser, user)
    assert parameters(browser.get(again["Location"]))["code"]


def test_an_answered_request_gives_no_second_code_later(browser, own, at):
    start = timezone.now()
    at(start)
    request_uri = pushed(own)
    moved = bring(browser, own, request_uri)["Location"]
    assert parameters(browser.get(moved))["code"]
    at(start + timedelta(seconds=20))
    assert bring(browser, own, request_uri)["Location"] == moved
    assert_page(browser.get(moved), 410)
    assert AuthorizationCode.objects.count() == 1


@pytest.mark.parametrize("seconds", [90, 3600])
@pytest.mark.parametrize("used", [False, True])
def test_an_expired_request_uri_is_refused_for_every_browser(browser, own, at, seconds, used):
    start = timezone.now()
    at(start)
    request_uri = pushed(own)
    if used:
        bring(browser, own, request_uri)
    at(start + timedelta(seconds=seconds))
    assert_unusable(bring(browser, own, request_uri))


def test_a_request_uri_is_valid_until_it_expires(browser, own, at):
    start = timezone.now()
    at(start)
    request_uri = pushed(own)
    at(start + timedelta(seconds=89))
    assert bring(browser, own, request_uri).status_code == 302


def test_a_request_uri_of_another_client_is_refused_and_stays_usable(browser, own, webapp):
    request_uri = pushed(own)
    assert_unusable(bring(browser, webapp, request_uri))
    assert parameters(followed(browser, own, request_uri))["code"]


def test_an_unknown_request_uri_is_refused_without_a_redirect(browser, own):
    assert_unusable(bring(browser, own, f"{PREFIX}{one_time.new()}"))
    assert_unusable(bring(browser, own, PREFIX))
    assert_unusable(bring(browser, own, f"{PREFIX}\0"))


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.replace("client_id=own&", ""),
        lambda query: f"{query}&client_id=own",
        lambda query: f"{query}&request_uri={PREFIX}x",
        lambda query: f"{query}&request=x",
    ],
    ids=["no client", "two clients", "two references", "a request object beside it"],
)
def test_an_ambiguous_reference_is_refused_and_not_used(browser, own, change):
    request_uri = pushed(own)
    query = urlencode({"client_id": "own", "request_uri": request_uri})
    response = browser.get(f"/oauth/authorize?{change(query)}")
    assert_page(response, 400)
    assert not PushedRequest.objects.get().used_at


@pytest.mark.parametrize("name", ["request_uri", "request"])
def test_a_client_id_with_a_nul_is_refused_before_the_database_reads_it(browser, own, name):
    value = pushed(own) if name == "request_uri" else "x"
    with patch.object(Client.objects, "filter", side_effect=AssertionError("read")):
        page = browser.get("/oauth/authorize", {"client_id": "own\0", name: value})
    assert_page(page, 400)
    assert "control character" in page.content.decode()


def test_a_request_uri_that_the_issuer_did_not_issue_is_not_fetched(browser, own):
    for uri in ("https://evil.example/request.jwt", "urn:example:request"):
        answer = browser.get("/oauth/authorize", authorization(own, request_uri=uri))
        assert parameters(answer)["error"] == "request_uri_not_supported"


def test_a_pushed_request_is_checked_again_when_the_browser_sends_it(browser, own):
    request_uri = pushed(own)
    Client.objects.filter(pk=own.pk).update(redirect_uris="https://client.example/other")
    answer = followed(browser, own, request_uri)
    assert_page(answer, 400)
    assert not AuthorizationCode.objects.exists()


def test_a_request_of_a_deleted_client_is_unknown(browser, own):
    request_uri = pushed(own)
    Client.objects.filter(pk=own.pk).delete()
    assert_unusable(bring(browser, own, request_uri))


REFUSED = {
    "2.1: request_uri": ({"request_uri": f"{PREFIX}x"}, "invalid_request", NESTED),
    "2.1: request_uri of a stranger": ({"request_uri": "https://x.example"}, "invalid_request", NESTED),
    "2.3: another redirect URI": ({"redirect_uri": "https://evil.example/"}, "invalid_request", "redirect URI"),
    "2.3: no redirect URI with openid": ({"redirect_uri": None}, "invalid_request", ""),
    "2.3: an unknown response type": ({"response_type": "token"}, "unsupported_response_type", ""),
    "2.3: no response type": ({"response_type": None}, "invalid_request", ""),
    "2.3: another client's scope": ({"scope": "openid other:read"}, "invalid_scope", ""),
    "2.3: a malformed scope": ({"scope": 'a"b'}, "invalid_scope", ""),
    "2.3: another API": ({"resource": OTHER_API}, "invalid_target", ""),
    "2.3: no PKCE": ({"code_challenge": None}, "invalid_request", "PKCE is required"),
    "2.3: a plain challenge": ({"code_challenge_method": "plain"}, "invalid_request", "S256"),
    "2.3: a malformed challenge": ({"code_challenge": "short"}, "invalid_request", "code challenge"),
    "2.3: an unknown prompt": ({"prompt": "dance"}, "invalid_request", "prompt"),
    "2.3: an unknown response mode": ({"response_mode": "fragment"}, "invalid_request", "response_mode"),
    "2.3: a control character": ({"state": "a\x00b"}, "invalid_request", "control character"),
    "2.3: claims that are no JSON": ({"claims": "{"}, "invalid_request", "claims"),
    "2.3: another client_id": ({"client_id": "service"}, "invalid_request", "different clients"),
}


@pytest.mark.parametrize("section", REFUSED)
def test_a_request_that_could_not_succeed_is_refused_when_it_is_pushed(own, service, section):
    changes, error, description = REFUSED[section]
    response = push(own, **changes)
    assert (response.status_code, response["Content-Type"]) == (400, "application/json")
    assert response.json()["error"] == error
    assert description in response.json()["error_description"]
    assert not PushedRequest.objects.exists()


def test_a_repeated_parameter_is_refused(own):
    body = f"{urlencode(authorization(own))}&state=other"
    response = post(Browser(), PAR, body, **basic("own", own.plain))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_parameters_in_the_address_are_refused(own):
    response = post(Browser(), f"{PAR}?state=other", authorization(own), **basic("own", own.plain))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_client_without_the_grant_type_is_refused(service, signer):
    response = push(service)
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_a_confidential_client_has_to_authenticate(own):
    for form, headers in ((authorization(own), {}), (authorization(own), basic("own", "wrong"))):
        response = post(Browser(), PAR, form, **headers)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert not PushedRequest.objects.exists()


def test_a_client_that_authenticates_in_the_header_can_leave_out_its_client_id(browser, own):
    response = post(Browser(), PAR, authorization(own, client_id=None), **basic("own", own.plain))
    assert parameters(followed(browser, own, response.json()["request_uri"]))["code"]


def test_no_credential_is_stored_with_the_request(own):
    post(Browser(), PAR, authorization(own) | {"client_secret": own.plain})
    row = PushedRequest.objects.get()
    assert own.plain not in row.query
    assert "client_secret" not in row.query


def test_a_public_client_pushes_with_its_client_id(browser, spa, signer):
    response = post(Browser(), PAR, authorization(spa))
    assert response.status_code == 201
    assert followed(browser, spa, response.json()["request_uri"]).status_code == 200


def test_a_client_can_authenticate_by_its_key(browser, apis, signer):
    keyed = make_client("keyed", "authorization_code", skip_authorization=True)
    Client.objects.update(token_endpoint_auth_method="private_key_jwt", client_jwks=jwks())
    response = post(Browser(), PAR, authorization(keyed) | proof("keyed"))
    assert response.status_code == 201
    assert "assertion" not in PushedRequest.objects.get().query
    assert parameters(followed(browser, keyed, response.json()["request_uri"]))["code"]


def test_an_assertion_for_the_endpoint_needs_the_option_for_legacy_audiences(apis, signer):
    keyed = make_client("keyed", "authorization_code")
    Client.objects.update(token_endpoint_auth_method="private_key_jwt", client_jwks=jwks())
    form = authorization(keyed)
    refused = post(Browser(), PAR, form | proof("keyed", aud=f"{ISSUER}{PAR}"))
    assert (refused.status_code, "--legacy-audience" in refused.json()["error_description"]) == (401, True)
    Client.objects.update(accepts_token_endpoint_audience=True)
    assert post(Browser(), PAR, form | proof("keyed", aud=f"{ISSUER}{PAR}")).status_code == 201


def test_a_request_of_16_kb_is_too_large(own):
    response = push(own, state="s" * 16384)
    assert (response.status_code, response.json()["error"]) == (413, "invalid_request")


def test_a_request_that_is_too_long_for_an_address_can_be_pushed(browser, own):
    state = "s" * 12000
    assert parameters(followed(browser, own, pushed(own, state=state)))["state"] == state


def test_only_post_is_answered(own):
    response = Browser().get(PAR)
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_a_page_of_a_registered_origin_may_push(spa, signer):
    Client.objects.filter(pk=spa.pk).update(allowed_origins="https://app.example")
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        response = post(Browser(), PAR, authorization(spa), HTTP_ORIGIN=origin)
        assert response.status_code == 201
        assert response.get("Access-Control-Allow-Origin") == allowed
    preflight = Browser().options(PAR, HTTP_ORIGIN="https://app.example", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST")
    assert (preflight.status_code, preflight["Access-Control-Allow-Methods"]) == (204, "POST")


def test_several_resources_are_pushed_and_checked_together(own):
    body = f"{urlencode(authorization(own, resource=API))}&{urlencode({'resource': OTHER_API})}"
    response = post(Browser(), PAR, body, **basic("own", own.plain))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")


def test_the_log_names_the_pushed_scopes_and_the_refusal(own, caplog):
    caplog.set_level("INFO", "tokens.audit")
    pushed(own)
    push(own, scope="openid other:read")
    assert audit(caplog, "request.pushed") == [{"aud": API, "scope": "openid notes:read"}]
    assert [line["error"] for line in audit(caplog, "request.push_refused")] == ["invalid_scope"]


def test_the_purge_deletes_expired_requests(own):
    pushed(own)
    (row,) = PushedRequest.objects.all()
    for now, left in ((row.expires_at, 1), (row.expires_at + timedelta(minutes=5), 0)):
        list(purge.purge("pushed requests", now=now))
        assert PushedRequest.objects.count() == left


KEY, OTHER = Key(), Key()


def dpop(key=KEY, /, **changes):
    """Return a DPoP header with a new proof by `key` for the PAR endpoint."""
    claims = {"iat": timezone.now().timestamp()} | changes
    return {"HTTP_DPOP": key.proof("POST", claims.pop("htu", f"{ISSUER}{PAR}"), **claims)}


def stored_thumbprints():
    return [parse_qs(row.query).get("dpop_jkt") for row in PushedRequest.objects.all()]


@pytest.mark.parametrize("named", [False, True])
def test_a_proof_binds_the_code_to_its_key_like_dpop_jkt(browser, own, named):
    form = authorization(own, dpop_jkt=KEY.thumbprint if named else None)
    pushed = post(Browser(), PAR, form, **basic("own", own.plain), **dpop())
    assert pushed.status_code == 201, pushed.content
    assert stored_thumbprints() == [[KEY.thumbprint]]
    given = parameters(followed(browser, own, pushed.json()["request_uri"]))
    assert AuthorizationCode.objects.get().dpop_jkt == KEY.thumbprint
    refused = redeem(Browser(), own, given["code"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_proof_and_dpop_jkt_of_different_keys_are_refused(own):
    form = authorization(own, dpop_jkt=OTHER.thumbprint)
    refused = post(Browser(), PAR, form, **basic("own", own.plain), **dpop())
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    assert not PushedRequest.objects.exists()


def test_a_proof_for_another_endpoint_or_a_second_time_is_refused(own):
    credentials, once = basic("own", own.plain), dpop()
    elsewhere = post(Browser(), PAR, authorization(own), **credentials, **dpop(htu=f"{ISSUER}/oauth/token"))
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_dpop_proof")
    answers = [post(Browser(), PAR, authorization(own), **credentials, **once) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 400]


def test_a_nonce_is_required_here_too_if_the_setting_requires_it(own, settings):
    settings.ISSUER = settings.ISSUER | {"DPOP_REQUIRES_NONCE": True}
    first = post(Browser(), PAR, authorization(own), **basic("own", own.plain), **dpop())
    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    again = post(Browser(), PAR, authorization(own), **basic("own", own.plain), **dpop(nonce=first["DPoP-Nonce"]))
    assert again.status_code == 201
    assert again["DPoP-Nonce"]


@pytest.fixture(params=["client", "setting"])
def required(request, settings):
    """Return a function that makes the issuer require pushed requests.

    Each test runs twice: they are required by a field of the client `own`, or by a setting for all clients.
    """

    def switch():
        if request.param == "client":
            Client.objects.filter(client_id="own").update(require_pushed_authorization_requests=True)
        else:
            settings.ISSUER = settings.ISSUER | {"REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": True}

    return switch


def test_a_client_that_has_to_push_is_refused_without(browser, own, required):
    required()
    answer = browser.get("/oauth/authorize", authorization(own))
    assert answer["Location"].startswith(f"{CALLBACK}?")
    assert (parameters(answer)["error"], parameters(answer)["error_description"]) == ("invalid_request", NOT_PUSHED)
    visitor = Browser().get("/oauth/authorize", authorization(own))
    assert_page(visitor, 400)
    assert parameters(followed(browser, own, pushed(own)))["code"]


def test_a_request_that_waited_for_its_login_unpushed_is_refused_afterwards(user, own, required):
    browser = Browser()
    page = browser.get("/oauth/authorize", authorization(own))["Location"]
    required()
    back = browser.post(page, {"login": "ada", "password": PASSWORD})["Location"]
    assert parameters(browser.get(back))["error"] == "invalid_request"


def test_a_parameter_of_the_address_does_not_pass_for_pushed(browser, own, required):
    required()
    for more in ({"is_pushed": "1"}, {"authorization_pushed": "1"}, {"continue": "0123456789abcdef"}):
        answer = browser.get("/oauth/authorize", authorization(own) | more)
        assert parameters(answer)["error"] == "invalid_request"


@pytest.mark.parametrize("required_of_all", [False, True])
def test_the_metadata_says_if_each_client_has_to_push(client, settings, required_of_all):
    settings.ISSUER = settings.ISSUER | {"REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": required_of_all}
    members = client.get("/.well-known/oauth-authorization-server").json()
    assert members["pushed_authorization_request_endpoint"] == f"{ISSUER}{PAR}"
    assert members["require_pushed_authorization_requests"] is required_of_all


def test_one_update_decides_who_uses_a_request(own):
    request_uri = pushed(own)
    row = request_push.find(request_uri, "own", now=timezone.now())
    key = request_push.use(row, handle="0" * 16, now=timezone.now())
    with pytest.raises(request_push.OAuthError):
        request_push.use(row, handle="1" * 16, now=timezone.now())
    assert PushedRequest.objects.get().handle == "0" * 16
    assert [copy.pk for copy in Session.objects.all()] == [key], "only the first browser gets a copy"

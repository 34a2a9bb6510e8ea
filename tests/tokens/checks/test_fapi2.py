"""Clients that must follow the FAPI 2.0 Security Profile.

For each clause of the profile, a request is refused, and a similar one is accepted.
"""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.assertions import ISSUER, jwks, proof
from tests.tokens.factories import CALLBACK, VERIFIER, authorization, log_in, make_client, parameters, post, with_secret
from tests.tokens.pages import assert_page
from tests.tokens.proofs import Key
from tests.tokens.views.test_jar import signed
from tokens.models import AuditEvent, Client, fapi2

PAR = "/oauth/par"
BY_KEY = {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": jwks("ES256", "RS256", "PS256")}


def make(client_id, **changes):
    """Return a client that has all that the profile requires. `changes` replace some of its fields."""
    made = make_client(client_id, "authorization_code", "client_credentials", "refresh_token", skip_authorization=True)
    Client.objects.filter(pk=made.pk).update(**BY_KEY | changes)
    return Client.objects.get(pk=made.pk)


@pytest.fixture(params=["client", "setting"])
def bank(request, apis, signer, settings):
    """Return a client that must follow the FAPI 2.0 profile.

    Each test runs twice: the profile is required by a field of the client, or by a setting for all clients.
    """
    if request.param == "setting":
        settings.ISSUER = settings.ISSUER | {"FAPI2": True}
        return make("bank")
    return make("bank", security_profile="fapi2")


@pytest.fixture
def browser(user):
    logged_in = Browser()
    log_in(logged_in, user)
    return logged_in


def push(client, /, *, by=None, **changes):
    return post(Browser(), PAR, authorization(client, **changes) | (by or proof(client.client_id)))


def error(response):
    return response.status_code, response.json()["error"]


def code_of(browser, client, /, **changes):
    pushed = push(client, **changes)
    assert pushed.status_code == 201, pushed.content
    address = {"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]}
    return parameters(browser.get(browser.get("/oauth/authorize", address)["Location"]))["code"]


FORBIDDEN = {
    fapi2.NO_PUBLIC: {"client_type": "public", "token_endpoint_auth_method": "none", "client_jwks": None},
    fapi2.BY_KEY: {"token_endpoint_auth_method": "client_secret_post", "client_jwks": None},
    fapi2.NO_LEGACY_AUDIENCE: {"accepts_token_endpoint_audience": True},
    fapi2.NO_ROTATION: {"rotates_refresh_tokens": True},
    fapi2.HTTPS: {"redirect_uris": f"{CALLBACK} com.example.app:/callback"},
}
HTTP = ["http://client.example/", "http://localhost/callback", "http://127.0.0.1.evil.example/", "myapp:/callback"]


@pytest.mark.parametrize("problem", FORBIDDEN)
@pytest.mark.parametrize("switch", [{"security_profile": "fapi2"}, {}], ids=["client", "setting"])
def test_a_client_that_the_profile_forbids_gets_nothing(browser, apis, signer, settings, problem, switch):
    shop = with_secret(make("shop", **FORBIDDEN[problem]))
    credentials = {"client_id": "shop"} | ({"client_secret": shop.plain} if problem == fapi2.BY_KEY else {})
    by = credentials if problem in {fapi2.NO_PUBLIC, fapi2.BY_KEY} else proof("shop")
    assert push(shop, by=by).status_code == 201, "without the profile it may"
    Client.objects.update(**switch)
    settings.ISSUER = settings.ISSUER | {"FAPI2": not switch}
    by = by if "client_assertion" not in by else proof("shop")
    refused = push(shop, by=by)
    assert error(refused) == (400, "unauthorized_client")
    assert refused.json()["error_description"] == problem
    assert parameters(browser.get("/oauth/authorize", authorization(shop)))["error"] == "unauthorized_client"
    shop.refresh_from_db()
    with pytest.raises(ValidationError) as invalid:
        shop.full_clean()
    assert problem in invalid.value.message_dict["security_profile"]


@pytest.mark.parametrize("uri", HTTP)
def test_a_redirect_uri_that_is_nearly_safe_is_none(uri):
    client = Client(redirect_uris=uri, **BY_KEY)
    assert fapi2.HTTPS in fapi2.problems(client)


@pytest.mark.parametrize("uri", ["https://client.example/", "http://127.0.0.1/callback", "http://[::1]:8080/callback"])
def test_a_redirect_uri_by_https_or_on_loopback_is_safe(uri):
    assert fapi2.problems(Client(redirect_uris=uri, **BY_KEY)) == []


def test_a_request_that_was_not_pushed_is_refused(browser, bank):
    assert parameters(browser.get("/oauth/authorize", authorization(bank)))["error"] == "invalid_request"
    moved = browser.get("/oauth/authorize", {"client_id": "bank", "request": signed(bank)})
    assert parameters(browser.get(moved["Location"]))["error"] == "invalid_request"
    assert code_of(browser, bank)


def test_a_visitor_gets_a_page_for_a_request_that_was_not_pushed(bank):
    assert_page(Browser().get("/oauth/authorize", authorization(bank)), 400)


def test_pkce_is_required_for_every_rule_of_the_client(bank):
    Client.objects.update(pkce="optional")
    assert error(push(bank, code_challenge=None, code_challenge_method=None)) == (400, "invalid_request")
    assert error(push(bank, code_challenge_method="plain")) == (400, "invalid_request")
    assert push(bank).status_code == 201


def test_a_pushed_request_names_its_redirect_uri(bank):
    refused = push(bank, redirect_uri=None, scope="notes:read")
    assert error(refused) == (400, "invalid_request")
    assert push(bank, scope="notes:read").status_code == 201


def test_without_the_profile_the_only_redirect_uri_need_not_be_named(apis, signer):
    assert push(make("shop"), redirect_uri=None, scope="notes:read").status_code == 201


def test_the_aud_of_an_assertion_is_the_issuer_as_a_text(bank):
    for aud in ([ISSUER], f"{ISSUER}/oauth/token", f"{ISSUER}{PAR}"):
        assert error(push(bank, by=proof("bank", aud=aud))) == (401, "invalid_client")
    assert push(bank, by=proof("bank", aud=ISSUER)).status_code == 201


def test_an_assertion_by_rs256_is_refused(bank):
    assert error(push(bank, by=proof("bank", algorithm="RS256"))) == (401, "invalid_client")
    for algorithm in ("PS256", "ES256"):
        assert push(bank, by=proof("bank", algorithm=algorithm)).status_code == 201


def test_a_request_object_by_rs256_is_refused(bank):
    for algorithm, status in (("RS256", 400), ("PS256", 201)):
        form = {"client_id": "bank", "request": signed(bank, algorithm=algorithm)} | proof("bank")
        assert post(Browser(), PAR, form).status_code == status


def test_without_the_profile_rs256_and_a_list_are_accepted(apis, signer):
    shop = make("shop")
    assert push(shop, by=proof("shop", algorithm="RS256", aud=[ISSUER])).status_code == 201


@pytest.mark.parametrize(("seconds", "status"), [(10, 201), (55, 201), (75, 401), (3000, 401)])
@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_an_iat_in_the_future_is_accepted_up_to_a_minute(bank, claim, seconds, status):
    at = int(timezone.now().timestamp()) + seconds
    assert push(bank, by=proof("bank", exp=at + 60, **{claim: at})).status_code == status


KEY = Key()
OWN = {"grant_type": "client_credentials", "scope": "notes:read"}


def dpop(key=KEY):
    return {"HTTP_DPOP": key.proof("POST", f"{ISSUER}/oauth/token", iat=timezone.now().timestamp())}


def redeem_bound(client, code, key=KEY):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return post(Browser(), "/oauth/token", form | proof(client.client_id), **dpop(key))


def test_a_token_request_without_a_proof_is_refused(bank):
    assert error(post(Browser(), "/oauth/token", OWN | proof("bank"))) == (400, "invalid_dpop_proof")
    answer = post(Browser(), "/oauth/token", OWN | proof("bank"), **dpop())
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


@pytest.mark.parametrize(("algorithm", "status"), [("RS256", 400), ("PS256", 200), ("ES256", 200), ("Ed25519", 200)])
def test_a_proof_by_rs256_is_refused(bank, algorithm, status):
    answer = post(Browser(), "/oauth/token", OWN | proof("bank"), **dpop(Key(algorithm)))
    assert answer.status_code == status, answer.content


def test_a_code_is_bound_to_the_key_of_dpop_jkt(browser, bank):
    code = code_of(browser, bank, dpop_jkt=KEY.thumbprint)
    assert error(redeem_bound(bank, code, Key())) == (400, "invalid_grant")
    assert redeem_bound(bank, code).status_code == 200


def test_a_refresh_token_stays(browser, bank):
    code = code_of(browser, bank, scope="openid notes:read offline_access")
    text = redeem_bound(bank, code).json()["refresh_token"]
    for _ in range(2):
        form = {"grant_type": "refresh_token", "refresh_token": text} | proof("bank")
        answer = post(Browser(), "/oauth/token", form, **dpop())
        assert answer.status_code == 200
        assert answer.json().get("refresh_token", text) == text


def test_a_nonce_of_64_characters_is_in_the_id_token(browser, bank, decode):
    answer = redeem_bound(bank, code_of(browser, bank, nonce="n" * 64)).json()
    _, claims = decode(answer["id_token"], "bank")
    assert (claims["nonce"], bool(claims["sub"])) == ("n" * 64, True)


def test_the_command_registers_a_client_with_keys_only(tmp_path, apis):
    grant = ("--name", "Bank", "--grant", "authorization_code", "--redirect-uri", CALLBACK, "--fapi2")
    with pytest.raises(CommandError, match="private_key_jwt"):
        call_command("create_client", *grant)
    (tmp_path / "jwks.json").write_text(str(jwks()).replace("'", '"'), encoding="utf-8")
    call_command("create_client", *grant, "--jwks", str(tmp_path / "jwks.json"))
    assert Client.objects.get().follows_fapi2
    assert AuditEvent.objects.get(action="client.created").details["security_profile"] == "fapi2"


def test_the_admin_offers_the_profile(admin_client, apis):
    make("bank")
    page = admin_client.get(f"/admin/tokens/client/{Client.objects.get().pk}/change/").content.decode()
    assert '<option value="fapi2">FAPI 2.0 Security Profile</option>' in page

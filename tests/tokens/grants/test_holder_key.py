"""Tokens that are bound to a DPoP key, by every grant type (RFC 9449 sections 5, 8 and 10)."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.assertions import jwks, sign
from tests.tokens.factories import (
    API,
    CALLBACK,
    OTHER_API,
    VERIFIER,
    allow,
    authorization,
    basic,
    log_in,
    make_client,
    parameters,
    post,
    with_secret,
)
from tests.tokens.proofs import Key, claims_of
from tokens.dpop import nonce
from tokens.issued import one_time
from tokens.issued import user_grant as user_grants
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.keys import keyring
from tokens.models import (
    Api,
    AuthorizationCode,
    Client,
    DeviceCode,
    ExchangePolicy,
    RefreshToken,
    Scope,
    UsedProof,
    UserGrant,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

URL = "http://localhost:8000/oauth/token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
OWN = {"grant_type": "client_credentials", "scope": "notes:read"}
KEY, OTHER = Key(), Key("Ed25519")
PUBLIC = ("authorization_code", "refresh_token", DEVICE)


def proof(key=KEY, **changes):
    """Return a DPoP header with a new proof by `key` for the token endpoint. `changes` replace claims of the proof."""
    return {"HTTP_DPOP": key.proof("POST", changes.pop("htu", URL), **{"iat": time.time()} | changes)}


def own(browser, service, **extra):
    return post(browser, "/oauth/token", OWN, **basic("service", service.plain), **extra)


def refused(answer):
    return answer.status_code, answer.json()["error"]


def bound(answer, key=KEY):
    """Return True if the token response has the type DPoP and a token that is bound to `key`."""
    body = answer.json()
    assert answer.status_code == 200, body
    return body["token_type"] == "DPoP" and claims_of(body["access_token"])["cnf"] == {"jkt": key.thumbprint}


def unbound(answer):
    body = answer.json()
    assert answer.status_code == 200, body
    return body["token_type"] == "Bearer" and "cnf" not in claims_of(body["access_token"])


@pytest.fixture
def app(apis):
    return make_client("app", *PUBLIC, public=True)


@pytest.fixture
def confidential(apis):
    return with_secret(make_client("confidential", *PUBLIC))


@pytest.fixture
def fresh(user, code):
    """Return a function that gets an authorization code with the scope offline_access for a client."""
    return lambda client, **changes: code(client, scope="openid notes:read offline_access", **changes)


def refresh(browser, client, text, **extra):
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": client.client_id}
    secret = {"client_secret": client.plain} if hasattr(client, "plain") else {}
    return post(browser, "/oauth/token", form | secret, **extra)


def first(browser, client, issued, **extra):
    form = {
        "grant_type": "authorization_code",
        "code": issued,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": client.client_id,
    } | ({"client_secret": client.plain} if hasattr(client, "plain") else {})
    return post(browser, "/oauth/token", form, **extra)


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "EdDSA", "PS256", "RS256"])
def test_a_client_that_acts_for_itself_gets_a_token_bound_to_its_key(client, service, algorithm):
    key = Key(algorithm)
    assert bound(own(client, service, **proof(key)), key)
    assert unbound(own(client, service))


def test_a_proof_is_accepted_once(client, service):
    once = proof()
    assert bound(own(client, service, **once))
    again = own(client, service, **once)
    assert refused(again) == (400, "invalid_dpop_proof")
    assert again.json()["error_description"] == "The DPoP proof is not valid: its jti was used before."
    assert "DPoP-Nonce" not in again.headers


def test_a_request_whose_client_fails_to_authenticate_uses_up_no_proof(client, service):
    once = proof()
    wrong = post(client, "/oauth/token", OWN, **basic("service", "wrong"), **once)
    assert refused(wrong) == (401, "invalid_client")
    assert not UsedProof.objects.exists()
    assert bound(own(client, service, **once))


def test_a_proof_for_another_endpoint_or_host_is_refused(client, service):
    for url in ("http://localhost:8000/oauth/userinfo", "http://testserver/oauth/token"):
        assert refused(own(client, service, **proof(htu=url))) == (400, "invalid_dpop_proof")
    forged = own(client, service, **proof(htu="http://evil.example/oauth/token"), headers={"host": "evil.example"})
    assert forged.status_code == 400


def test_a_client_that_requires_dpop_gets_no_token_without_a_proof(client, service):
    Client.objects.filter(client_id="service").update(dpop_bound_access_tokens=True)
    assert refused(own(client, service)) == (400, "invalid_dpop_proof")
    assert bound(own(client, service, **proof()))


def test_a_code_and_the_refresh_tokens_of_a_public_client_are_bound(client, app, fresh):
    answer = first(client, app, fresh(app), **proof())
    assert bound(answer)
    text = answer.json()["refresh_token"]
    for extra in ({}, proof(OTHER)):
        assert refused(refresh(client, app, text, **extra)) == (400, "invalid_grant")
    answer = refresh(client, app, text, **proof())
    assert bound(answer)
    successor = answer.json()["refresh_token"]
    assert refused(refresh(client, app, successor)) == (400, "invalid_grant")
    assert bound(refresh(client, app, successor, **proof()))
    assert UserGrant.objects.get().revoked_at is None


def test_a_refresh_token_is_bound_when_its_public_client_begins_to_send_proofs(client, app, fresh):
    text = first(client, app, fresh(app)).json()["refresh_token"]
    answer = refresh(client, app, text, **proof())
    assert bound(answer)
    successor = answer.json()["refresh_token"]
    assert refused(refresh(client, app, successor)) == (400, "invalid_grant")
    assert refused(refresh(client, app, successor, **proof(OTHER))) == (400, "invalid_grant")
    assert bound(refresh(client, app, successor, **proof()))


def late(text):
    """Make the retry window of the used refresh token `text` end."""
    RefreshToken.objects.filter(digest=one_time.digest(text)).update(used_at=timezone.now() - timedelta(minutes=1))


def test_an_attacker_cannot_hide_the_reuse_of_a_stolen_token_behind_a_key(client, app, fresh):
    text = first(client, app, fresh(app)).json()["refresh_token"]
    stolen = refresh(client, app, text, **proof(OTHER)).json()["refresh_token"]
    late(text)
    assert refused(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is not None
    assert refused(refresh(client, app, stolen, **proof(OTHER))) == (400, "invalid_grant")


def test_an_attacker_without_the_key_cannot_revoke_a_bound_family(client, app, fresh):
    text = first(client, app, fresh(app), **proof()).json()["refresh_token"]
    assert bound(refresh(client, app, text, **proof()))
    late(text)
    assert refused(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None
    assert refused(refresh(client, app, text, **proof())) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is not None


def test_a_refresh_token_of_a_confidential_client_is_not_bound(client, confidential, fresh):
    answer = first(client, confidential, fresh(confidential), **proof())
    assert bound(answer)
    text = answer.json()["refresh_token"]
    assert bound(refresh(client, confidential, text, **proof(OTHER)), OTHER)
    assert unbound(refresh(client, confidential, text))


def test_a_code_that_names_a_key_is_redeemed_with_a_proof_of_that_key_only(client, app, fresh):
    issued = fresh(app, dpop_jkt=KEY.thumbprint)
    for extra in ({}, proof(OTHER)):
        assert refused(first(client, app, issued, **extra)) == (400, "invalid_grant")
    assert AuthorizationCode.objects.get().redeemed_at is None
    assert bound(first(client, app, issued, **proof()))
    AuthorizationCode.objects.update(redeemed_at=timezone.now() - timedelta(minutes=1))
    assert refused(first(client, app, issued)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None, "no reuse by a client that lacks the key"


@pytest.mark.parametrize("value", ["x", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "+"])
def test_an_authorization_request_with_a_malformed_key_is_refused(client, app, user, value):
    log_in(client, user)
    answer = parameters(client.get("/oauth/authorize", authorization(app, dpop_jkt=value)))
    assert (answer["error"], answer["error_description"]) == (
        "invalid_request",
        "The dpop_jkt is not the base64url of a SHA-256.",
    )


def test_an_authorization_request_with_two_keys_is_refused(client, app, user):
    log_in(client, user)
    query = authorization(app) | {"dpop_jkt": [KEY.thumbprint, OTHER.thumbprint]}
    assert parameters(client.get("/oauth/authorize", query))["error"] == "invalid_request"


def test_a_code_without_a_key_stores_none(client, app, user):
    log_in(client, user)
    allow(client, authorization(app))
    assert AuthorizationCode.objects.get().dpop_jkt is None


def test_a_device_gets_bound_tokens(client, app, user):
    now = timezone.now()
    target = Target(API, ("notes:read", "offline_access"), Api.objects.get(identifier=API))
    grant = user_grants.create(
        user, app, target, Login(at=now, acr="", amr=()), now=now, lasts=timedelta(days=1),
    )  # fmt: skip
    DeviceCode.objects.create(
        digest=one_time.digest("device"), user_code_digest="x", client=app, grant=grant, audience=API, interval=5,
        scope="notes:read", created_at=now, expires_at=now + timedelta(minutes=5),
    )  # fmt: skip
    form = {"grant_type": DEVICE, "device_code": "device", "client_id": "app"}
    answer = post(client, "/oauth/token", form, **proof())
    assert bound(answer)
    assert refused(refresh(client, app, answer.json()["refresh_token"])) == (400, "invalid_grant")
    assert bound(refresh(client, app, answer.json()["refresh_token"], **proof()))


def test_an_application_that_acts_for_a_user_gets_bound_tokens(client, apis, user):
    make_client("robot", BEARER, client_jwks=jwks())
    Client.objects.filter(client_id="robot").update(token_endpoint_auth_method="private_key_jwt")

    def act(**extra):
        assertion = sign("robot", header={"typ": "authorization-grant+jwt"}, sub=str(user.sub))
        form = {"grant_type": BEARER, "assertion": assertion, "scope": "notes:read"}
        return post(client, "/oauth/token", form, **extra)

    assert bound(act(**proof()))
    assert unbound(act())


@pytest.fixture
def gateway(apis):
    """Return the client that acts for one API. It exchanges users' tokens for tokens of another API."""
    made = with_secret(make_client("gateway", EXCHANGE, scopes=()))
    Api.objects.filter(identifier=API).update(client=made)
    policy = ExchangePolicy.objects.create(client=made, api=apis[OTHER_API])
    policy.scopes.set(Scope.objects.filter(name="other:read"))
    return made


def exchange(browser, gateway, token, **extra):
    form = {
        "grant_type": EXCHANGE,
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "other:read",
    }
    return post(browser, "/oauth/token", form, **basic("gateway", gateway.plain), **extra)


def test_an_exchanged_token_is_bound_to_the_key_of_the_client_that_exchanges(client, app, fresh, gateway):
    token = first(client, app, fresh(app), **proof()).json()["access_token"]
    assert bound(exchange(client, gateway, token, **proof(OTHER)), OTHER)


def test_a_bound_token_is_not_exchanged_for_a_bearer_token(client, app, fresh, gateway):
    token = first(client, app, fresh(app), **proof()).json()["access_token"]
    assert refused(exchange(client, gateway, token)) == (400, "invalid_dpop_proof")


def test_a_bearer_token_is_exchanged_for_either_kind(client, app, fresh, gateway):
    token = first(client, app, fresh(app)).json()["access_token"]
    assert unbound(exchange(client, gateway, token))
    assert bound(exchange(client, gateway, token, **proof(OTHER)), OTHER)


def test_introspection_names_the_key_and_the_type(client, service):
    def introspected(token):
        return post(client, "/oauth/introspect", {"token": token}, **basic("service", service.plain)).json()

    answer = introspected(own(client, service, **proof()).json()["access_token"])
    assert (answer["token_type"], answer["cnf"]) == ("DPoP", {"jkt": KEY.thumbprint})
    answer = introspected(own(client, service).json()["access_token"])
    assert (answer["token_type"], "cnf" in answer) == ("Bearer", False)


def test_a_repeated_request_with_a_valid_proof_is_accepted_after_a_refused_one(client, service):
    """A repeated request gets a token if its new DPoP proof is valid, although the first request was refused.

    golang.org/x/oauth2 repeats a refused request with the secret in the body instead of the header.
    """
    assert refused(own(client, service, **proof(iat=1))) == (400, "invalid_dpop_proof")
    secret = {"client_id": "service", "client_secret": service.plain}
    assert bound(post(client, "/oauth/token", OWN | secret, **proof()))


def test_the_description_of_a_refusal_repeats_nothing_of_the_proof(client, service):
    answer = own(client, service, **proof(htu="https://secret.example/", jti="secret"))
    assert answer.json()["error_description"] == "The DPoP proof is not valid: its htu is not the URL of the request."


@pytest.fixture
def nonces(settings):
    settings.ISSUER = settings.ISSUER | {"DPOP_REQUIRES_NONCE": True}


@pytest.mark.usefixtures("nonces")
def test_a_client_gets_a_nonce_and_repeats_its_request(client, app, fresh):
    issued = fresh(app)
    without = first(client, app, issued, **proof())
    assert refused(without) == (400, "use_dpop_nonce")
    assert without["Cache-Control"] == "no-store"
    answer = first(client, app, issued, **proof(nonce=without["DPoP-Nonce"], iat=1))
    assert bound(answer)
    assert answer["DPoP-Nonce"], "the next one (RFC 9449 section 8.2)"
    assert bound(refresh(client, app, answer.json()["refresh_token"], **proof(nonce=answer["DPoP-Nonce"])))


@pytest.mark.usefixtures("nonces")
def test_a_nonce_that_is_too_old_is_replaced(client, service):
    old = nonce.current(["x"], now=timezone.now())
    answer = own(client, service, **proof(nonce=old))
    assert refused(answer) == (400, "use_dpop_nonce")
    assert bound(own(client, service, **proof(nonce=answer["DPoP-Nonce"])))


@pytest.mark.usefixtures("nonces")
def test_a_request_without_a_proof_needs_no_nonce_and_gets_none(client, service):
    answer = own(client, service)
    assert unbound(answer)
    assert "DPoP-Nonce" not in answer.headers


def test_without_the_setting_no_nonce_is_sent_and_a_stale_one_is_replaced(client, service, audit_lines):
    assert "DPoP-Nonce" not in own(client, service, **proof()).headers
    answer = own(client, service, **proof(nonce="stale"))
    assert refused(answer) == (400, "use_dpop_nonce")
    (logged,) = audit_lines("token.refused")
    assert logged["details"]["reason"] == "its nonce is not one of this issuer, or is too old"
    assert bound(own(client, service, **proof(nonce=answer["DPoP-Nonce"])))


def test_the_endpoint_s_clock_is_the_database_s(client, service, monkeypatch):
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(keyring, "clock", lambda *, now: later)
    assert refused(own(client, service, **proof())) == (400, "invalid_dpop_proof")
    assert bound(own(client, service, **proof(iat=later.timestamp())))

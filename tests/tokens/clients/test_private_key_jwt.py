"""A client authenticates by its private key (private_key_jwt), once per assertion (RFC 7523)."""

import jwt
import pytest
from django.utils import timezone

from tests.tokens.assertions import ISSUER, TYPE, jwks, private, proof, public_jwk, sign
from tests.tokens.factories import API, OTHER_API, basic, make_client, post
from tokens.clients import client_secret, private_key_jwt
from tokens.jose.public_keys import ClientKey
from tokens.models import Client, UsedAssertion

pytestmark = pytest.mark.django_db

TOKEN_REQUEST = {"grant_type": "client_credentials", "scope": "notes:read"}
REFUSED = {"error": "invalid_client", "error_description": "Client authentication failed."}
ENDPOINT = f"{ISSUER}/oauth/token"


@pytest.fixture
def keyed(apis, signer):
    made = make_client("keyed", "client_credentials", client_jwks=jwks("RS256", "ES256", "EdDSA"))
    Client.objects.filter(pk=made.pk).update(token_endpoint_auth_method="private_key_jwt")
    return made


def request_token(browser, form, **extra):
    return post(browser, "/oauth/token", TOKEN_REQUEST | form, **extra)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_client_authenticates_by_its_key(client, keyed, decode, algorithm):
    response = request_token(client, proof("keyed", algorithm=algorithm))
    assert response.status_code == 200
    assert decode(response.json()["access_token"], API)[1]["sub"] == "keyed"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": [ISSUER]}, id="aud as a list of one"),
        pytest.param({"header": {"typ": "client-authentication+jwt"}}, id="the typ of its own"),
        pytest.param({"header": {"typ": None}}, id="no typ"),
        pytest.param({"header": {"kid": None}}, id="no kid, where one key fits"),
        pytest.param({"iat": None}, id="iat is optional"),
        pytest.param({"ago": 50}, id="50 seconds old"),
        pytest.param({"ago": -50}, id="a clock 50 seconds ahead"),
        pytest.param({"ago": 110}, id="expired for 50 seconds: a clock behind"),
    ],
)
def test_an_assertion_that_rfc_7523_permits_is_accepted(client, keyed, changes):
    assert request_token(client, proof("keyed", **changes)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iss": None}, id="RFC 7523 3 (1): no iss"),
        pytest.param({"iss": "nobody"}, id="RFC 7523 3 (1): unknown iss"),
        pytest.param({"sub": None}, id="RFC 7523 3 (2): no sub"),
        pytest.param({"sub": "service"}, id="RFC 7523 3 (2) B: sub is another client"),
        pytest.param({"aud": None}, id="RFC 7523 3 (3): no aud"),
        pytest.param({"aud": f"{ISSUER}/"}, id="RFC 7523 3 (3): not the same string"),
        pytest.param({"aud": [ISSUER, "https://other.example"]}, id="RFC 7523 3 (3): not the only one"),
        pytest.param({"aud": API}, id="RFC 7523 3 (3): an API"),
        pytest.param({"aud": [7]}, id="RFC 7519 4.1.3: no text"),
        pytest.param({"exp": None}, id="RFC 7523 3 (4): no exp"),
        pytest.param({"ago": 121}, id="RFC 7523 3 (4): expired, clocks allowed for"),
        pytest.param({"exp": 2**33}, id="RFC 7523 3 (4): unreasonably far in the future"),
        pytest.param({"nbf": 2**33}, id="RFC 7523 3 (5): not yet valid"),
        pytest.param({"iat": 2**33}, id="RFC 7523 3 (6): issued in the future"),
        pytest.param({"jti": None}, id="RFC 7523 3 (7): no jti"),
        pytest.param({"jti": ""}, id="RFC 7523 3 (7): an empty jti"),
        pytest.param({"jti": "x" * 256}, id="RFC 7523 3 (7): a jti too long"),
        pytest.param({"name": "stranger"}, id="RFC 7523 3 (9): signed by another key, another kid"),
        pytest.param({"name": "stranger", "header": {"kid": "EC-own"}}, id="RFC 7523 3 (9): by another key, our kid"),
        pytest.param({"header": {"kid": "RSA-own"}}, id="RFC 7515 4.1.4: the kid of another key"),
        pytest.param({"header": {"typ": "authorization-grant+jwt"}}, id="RFC 8725 3.11: a grant is no authentication"),
        pytest.param({"header": {"typ": "at+jwt"}}, id="RFC 8725 3.11: an access token is none"),
        pytest.param({"header": {"crit": ["exp"], "exp": 1}}, id="RFC 7515 4.1.11: crit"),
        pytest.param({"algorithm": "RS512"}, id="RFC 8725 3.1: an algorithm that is not offered"),
    ],
)
def test_an_assertion_that_rfc_7523_forbids_gets_the_same_answer_each_time(client, keyed, changes):
    response = request_token(client, proof("keyed", **changes))
    assert (response.status_code, response.json()) == (401, REFUSED)
    assert response["Cache-Control"] == "no-store"
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "..",
        "a.b.c",
        "é.é.é",
        "eyJhbGciOiJub25lIn0.e30.",
        "W10.W10.",
        "eyJhbGciOlsxXX0.e30.AA",
        "eyJhbGciOiJFUzI1NiIsInR5cCI6W119.e30.AA",
        "eyJhbGciOiJFUzI1NiIsInR5cCI6e319.e30.AA",
        "x" * 9000,
        jwt.encode({"iss": "keyed", "sub": "keyed", "aud": ISSUER, "exp": 2**32, "jti": "1"}, "s" * 32, "HS256"),
    ],
)
def test_garbage_is_answered_by_invalid_client(client, keyed, text):
    response = request_token(client, {"client_assertion_type": TYPE, "client_assertion": text})
    assert (response.status_code, response.json()) == (401, REFUSED)


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        pytest.param({"client_secret": "x"}, {}, 400, "invalid_request", id="RFC 6749 2.3: a secret as well"),
        pytest.param({}, basic("keyed", "x"), 400, "invalid_request", id="RFC 6749 2.3: Basic as well"),
        pytest.param({"client_id": "other"}, {}, 400, "invalid_request", id="RFC 7521 4.2: another client_id"),
        pytest.param({"client_assertion": ""}, {}, 400, "invalid_request", id="RFC 7521 4.2: no assertion"),
        pytest.param({"client_assertion_type": ""}, {}, 400, "invalid_request", id="RFC 7521 4.2: no type"),
        pytest.param({"client_assertion_type": "saml"}, {}, 401, "invalid_client", id="RFC 7521 4.2.1: another type"),
    ],
)
def test_a_client_authenticates_by_one_complete_method(client, keyed, form, headers, status, error):
    response = request_token(client, proof("keyed") | form, **headers)
    assert (response.status_code, response.json()["error"]) == (status, error)


def test_an_assertion_is_accepted_once(client, keyed):
    form = proof("keyed")
    assert [request_token(client, form).status_code for _ in range(2)] == [200, 401]
    assert request_token(client, proof("keyed")).status_code == 200


def test_two_clients_may_use_the_same_jti(client, keyed):
    other = make_client("other", "client_credentials", client_jwks=jwks())
    Client.objects.filter(pk=other.pk).update(token_endpoint_auth_method="private_key_jwt")
    assert [request_token(client, proof(name, jti="1")).status_code for name in ("keyed", "other")] == [200, 200]


def test_a_used_jti_is_stored_for_longer_than_its_assertion_is_accepted(client, keyed):
    before = timezone.now().timestamp()
    request_token(client, proof("keyed"))
    assert UsedAssertion.objects.get().expires_at.timestamp() >= int(before) + 60 + 60


def test_another_client_s_key_does_not_authenticate_this_client(client, keyed):
    Client.objects.update(client_jwks={"keys": [public_jwk("ES256", "stranger")]})
    assert request_token(client, proof("keyed")).status_code == 401


def test_the_token_endpoint_is_an_audience_only_for_a_client_with_the_option(client, keyed):
    Client.objects.update(accepts_token_endpoint_audience=True)
    assert request_token(client, proof("keyed", aud=ENDPOINT)).status_code == 200
    assert request_token(client, proof("keyed", aud=ISSUER)).status_code == 200
    assert request_token(client, proof("keyed", aud=f"{ENDPOINT}/")).status_code == 401


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device", "/oauth/par"])
def test_an_assertion_for_the_token_endpoint_is_refused_with_the_option_that_accepts_it(client, keyed, caplog, path):
    caplog.set_level("INFO", logger="tokens.audit")
    form = {"token": "x", "scope": "notes:read", "grant_type": "client_credentials"}
    refused = post(client, path, form | proof("keyed", aud=[ENDPOINT]))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert "--legacy-audience" in refused.json()["error_description"]
    assert "WWW-Authenticate" not in refused
    assert "its aud is not this issuer" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": ENDPOINT, "name": "stranger"}, id="signed by another key"),
        pytest.param({"aud": ENDPOINT, "iss": "nobody", "sub": "nobody"}, id="an unknown client"),
        pytest.param({"aud": f"{ISSUER}/oauth/revoke"}, id="another endpoint"),
    ],
)
def test_only_the_owner_of_the_key_gets_the_error_that_the_option_is_off(client, keyed, changes):
    assert request_token(client, proof("keyed", **changes)).json() == REFUSED


def test_with_the_option_an_expired_assertion_for_the_token_endpoint_is_refused(client, keyed):
    Client.objects.update(accepts_token_endpoint_audience=True)
    assert request_token(client, proof("keyed", aud=ENDPOINT, ago=121)).json() == REFUSED


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_registered_for_a_secret_cannot_authenticate_by_a_key(client, keyed, method):
    Client.objects.update(token_endpoint_auth_method=method)
    assert request_token(client, proof("keyed")).status_code == 401


def test_a_client_registered_for_a_key_cannot_authenticate_by_a_secret(client, keyed):
    secret = client_secret.create(keyed, now=timezone.now())
    assert request_token(client, {}, **basic("keyed", secret)).status_code == 401
    assert request_token(client, {"client_id": "keyed"}).status_code == 401


def test_an_inactive_client_is_not_authenticated(client, keyed):
    Client.objects.update(is_active=False)
    assert request_token(client, proof("keyed")).status_code == 401


def test_an_assertion_without_a_kid_is_refused_if_two_keys_fit(client, keyed):
    Client.objects.update(client_jwks={"keys": [public_jwk("ES256"), public_jwk("ES256", "next")]})
    assert request_token(client, proof("keyed", header={"kid": None})).status_code == 401
    assert [request_token(client, proof("keyed", name=name)).status_code for name in ("own", "next")] == [200, 200]


def test_a_key_verifies_only_the_algorithm_that_it_is_bound_to(client, keyed):
    Client.objects.update(client_jwks={"keys": [public_jwk("RS256", alg="PS256")]})
    assert request_token(client, proof("keyed", algorithm="RS256")).status_code == 401
    assert request_token(client, proof("keyed", algorithm="PS256")).status_code == 200


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("who", ["keyed", "nobody", "by_secret"])
def test_an_unknown_client_costs_the_same_verification_as_a_wrong_key(
    client, keyed, monkeypatch, who, warm, django_assert_num_queries
):
    """Every refused request runs two SQL statements and two signature verifications.

    The SQL statements read the version of the registry, and the client. The first verification uses the keys of the
    cached client, the second one those of the stored client. A dummy key is used if there is no key.
    """
    make_client("by_secret", "client_credentials")
    if warm:
        request_token(client, proof("keyed"))
    form, verified = proof(who, name="stranger"), []
    private_key_jwt.stand_in("ES256")
    verifies = ClientKey.verifies
    monkeypatch.setattr(ClientKey, "verifies", lambda *args: verified.append(args) or verifies(*args))
    with django_assert_num_queries(2):
        assert request_token(client, form).status_code == 401
    assert len(verified) == 2


@pytest.mark.parametrize(
    ("registered", "cause"),
    [
        ({}, "Enter a JWKS"),
        ({"keys": [{"kty": "EC", "crv": "P-521", "kid": "own"}]}, "A key's type, curve and alg fit none of"),
        ({"keys": [public_jwk("ES256") | {"d": "the-private-half"}]}, "A key contains its private half"),
    ],
)
def test_the_log_says_once_why_a_registered_jwks_cannot_be_used(client, keyed, caplog, registered, cause):
    Client.objects.update(client_jwks=registered)
    private_key_jwt._pasted.cache_clear()
    for _ in range(2):
        assert request_token(client, proof("keyed")).json() == REFUSED
    logged = [line.getMessage() for line in caplog.records if line.name == "tokens.clients.private_key_jwt"]
    assert [line.startswith(f"The registered JWKS of the client keyed cannot be used: {cause}") for line in logged] == [
        True
    ]
    assert "the-private-half" not in caplog.text


def test_the_reason_for_a_refusal_is_in_the_log_only(client, keyed, audit_lines):
    assert request_token(client, proof("keyed", aud=OTHER_API)).json() == REFUSED
    (line,) = audit_lines("assertion.refused")
    assert (line["subject"], line["details"]) == ("client:keyed", {"reason": "its aud is not this issuer"})


def test_a_signature_under_the_name_of_another_algorithm_is_refused(client, keyed):
    """The assertion names ES256 and the kid of the client's Ed25519 key. A stranger's EC key signed it.

    It is refused, and causes no error 500.
    """
    text = sign("keyed", algorithm="EdDSA")
    header, claims = jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False})
    forged = jwt.encode(claims, private("EC", "stranger"), "ES256", headers={"kid": header["kid"]})
    assert request_token(client, {"client_assertion_type": TYPE, "client_assertion": forged}).status_code == 401

"""Client authentication. A client authenticates by one method, and every failure gets the same answer."""

import base64

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from tests.tokens.assertions import jwks, proof
from tests.tokens.factories import basic, make_client, post
from tokens.clients import authentication, client_secret
from tokens.clients.authentication import Credentials
from tokens.models import Client, GrantType

pytestmark = pytest.mark.django_db

TOKEN_REQUEST = {"grant_type": "client_credentials", "scope": "notes:read"}
REFUSED = {"error": "invalid_client", "error_description": "Client authentication failed."}
ENDPOINTS = {
    "/oauth/token": TOKEN_REQUEST,
    "/oauth/revoke": {"token": "x"},
    "/oauth/introspect": {"token": "x"},
    "/oauth/device": {"scope": "notes:read"},
}


@pytest.mark.parametrize(
    ("given", "proves"),
    [
        ({}, False),
        ({"name": "app", "client_id": "app", "secret": "", "assertion": ""}, False),
        ({"secret": "s"}, True),
        ({"assertion": "a.b.c"}, True),
        ({"assertion_type": "another"}, True),
    ],
)
def test_any_part_of_a_proof_counts_as_one(given, proves):
    assert Credentials(has_header=False, **given).proves is proves
    assert Credentials(has_header=True, **given).proves


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ("Bearer c2VydmljZTp4", authentication.NOT_BASIC),
        ("Basic c2VydmljZTp4", ""),
        ("Basic c2Vy!dmljZTp4", authentication.MALFORMED),
        ("Basic " + base64.b64encode(b":x").decode(), authentication.MALFORMED),
        ("Basic " + base64.b64encode(b"service").decode(), authentication.MALFORMED),
    ],
)
def test_a_basic_header_has_a_client_id_and_a_colon_in_base64(sent, problem):
    read = authentication.read(sent, {})
    assert (read.problem, read.basic is None) == (problem, problem != "")


def header(value):
    return {"HTTP_AUTHORIZATION": value}


@pytest.fixture
def anywhere(service):
    """Return a client that may also use the device grant, so that every endpoint can answer its requests with 200."""
    Client.objects.filter(pk=service.pk).update(grants=["client_credentials", GrantType.DEVICE_CODE.value])
    return service


def at(browser, path, who, shown):
    """Send a request with the secret of the client `who` to the endpoint `path`. Return the answer.

    `shown` says where the secret is sent: in the header or in the body.
    """
    in_body = {"client_id": who.client_id, "client_secret": who.plain}
    if shown == "header":
        return post(browser, path, ENDPOINTS[path], **basic(who.client_id, who.plain))
    return post(browser, path, ENDPOINTS[path] | in_body)


@pytest.mark.parametrize(
    "how",
    [
        lambda secret: ({}, basic("service", secret)),
        lambda secret: ({"client_id": "service"}, basic("service", secret)),
        lambda secret: ({"client_id": "service", "client_secret": secret}, {}),
        lambda secret: ({}, header(basic("service", secret)["HTTP_AUTHORIZATION"].replace("Basic", "bASIC"))),
        lambda secret: ({}, basic("%73ervice", secret)),
    ],
    ids=["Basic", "Basic and the same client_id", "body", "scheme in any case", "form-encoded"],
)
def test_a_client_with_the_right_secret_is_authenticated(client, service, signer, how):
    form, headers = how(service.plain)
    assert post(client, "/oauth/token", TOKEN_REQUEST | form, **headers).status_code == 200


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"client_id": "service"}, {}, id="a confidential client's name alone"),
        pytest.param({"client_id": "nobody"}, {}, id="an unknown client's name alone"),
        pytest.param({"client_id": "service", "client_secret": "wrong"}, {}, id="a wrong secret"),
        pytest.param({"client_id": "service", "client_secret": ""}, {}, id="a blank secret"),
        pytest.param({}, basic("service", ""), id="a blank secret in the header"),
        pytest.param({}, basic("service", "wrong"), id="a wrong secret in the header"),
        pytest.param({}, basic("nobody", "wrong"), id="an unknown client"),
        pytest.param({}, basic("", ""), id="no name"),
        pytest.param({}, header("Basic"), id="no credentials"),
        pytest.param({}, header("Basic !!!"), id="no base64"),
        pytest.param({}, header("Basic " + base64.b64encode(b"service").decode()), id="no colon"),
        pytest.param({}, header("Basic " + base64.b64encode(b"\xff:\xff").decode()), id="no UTF-8"),
        pytest.param({}, header("Basic " + base64.b64encode(b"a%00:b").decode()), id="a NUL"),
        pytest.param({}, header("Bearer eyJhbGciOiJub25lIn0.e30."), id="another scheme"),
    ],
)
def test_every_failure_gets_the_same_answer(client, service, signer, form, headers):
    response = post(client, "/oauth/token", TOKEN_REQUEST | form, **headers)
    assert (response.status_code, response.json()) == (401, REFUSED)
    challenge = 'Basic realm="token endpoint", charset="UTF-8"' if headers else None
    assert response.get("WWW-Authenticate") == challenge, "a browser answers a challenge with a password box"
    assert response["Cache-Control"] == "no-store"


def test_a_public_client_cannot_authenticate_by_a_secret(client, apis, signer):
    public = make_client("app", "client_credentials", public=True)
    secret = client_secret.create(public, now=timezone.now())
    assert post(client, "/oauth/token", TOKEN_REQUEST, **basic("app", secret)).status_code == 401


def test_a_client_with_a_key_cannot_authenticate_by_a_secret(client, service, signer):
    type(service).objects.update(token_endpoint_auth_method="private_key_jwt")
    assert post(client, "/oauth/token", TOKEN_REQUEST, **basic("service", service.plain)).status_code == 401


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("shown", ["header", "body"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_secret_is_accepted_in_either_place_for_either_registered_method(
    client, anywhere, signer, path, method, shown, warm
):
    """Every endpoint accepts the secret in the header and in the body (RFC 6749 section 2.3.1)."""
    Client.objects.filter(pk=anywhere.pk).update(token_endpoint_auth_method=method)
    if warm:
        assert post(client, "/oauth/token", TOKEN_REQUEST, **basic("service", anywhere.plain)).status_code == 200
    assert at(client, path, anywhere, shown).status_code == 200


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize(
    ("method", "right", "wrong"),
    [("client_secret_basic", "header", "body"), ("client_secret_post", "body", "header")],
)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_pinned_client_authenticates_in_its_own_place_only(
    client, anywhere, signer, path, method, right, wrong, warm
):
    Client.objects.filter(pk=anywhere.pk).update(token_endpoint_auth_method=method, pins_authentication_method=True)
    if warm:
        assert at(client, path, anywhere, right).status_code == 200
    refused = at(client, path, anywhere, wrong)
    assert (refused.status_code, refused.json()) == (401, REFUSED)
    assert at(client, path, anywhere, right).status_code == 200
    Client.objects.filter(pk=anywhere.pk).update(pins_authentication_method=False)
    assert at(client, path, anywhere, wrong).status_code == 200


@pytest.mark.parametrize("shown", ["header", "body"])
@pytest.mark.parametrize("method", ["private_key_jwt", "none"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_secret_authenticates_neither_a_client_with_a_key_nor_a_public_one(
    client, anywhere, signer, path, method, shown
):
    kind = "public" if method == "none" else "confidential"
    Client.objects.filter(pk=anywhere.pk).update(token_endpoint_auth_method=method, client_type=kind)
    refused = at(client, path, anywhere, shown)
    assert (refused.status_code, refused.json()) == (401, REFUSED)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_empty_parameters_beside_the_header_are_not_a_second_method(client, anywhere, signer, path):
    empty = {"client_id": "", "client_secret": "", "client_assertion": ""}
    assert post(client, path, ENDPOINTS[path] | empty, **basic("service", anywhere.plain)).status_code == 200
    for second in ({"client_secret": anywhere.plain}, {"client_secret": " "}, proof("service")):
        twice = post(client, path, ENDPOINTS[path] | second, **basic("service", anywhere.plain))
        assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("right", [True, False])
def test_a_secret_in_the_wrong_place_costs_the_same_hashes_and_leaves_no_trace(
    client, service, signer, monkeypatch, right
):
    only_header = {"token_endpoint_auth_method": "client_secret_basic", "pins_authentication_method": True}
    Client.objects.filter(pk=service.pk).update(**only_header)
    hashed, digest = [], client_secret._digest
    monkeypatch.setattr(client_secret, "_digest", lambda *args: hashed.append(args) or digest(*args))
    form = {"client_id": "service", "client_secret": service.plain if right else "wrong"}
    assert post(client, "/oauth/token", TOKEN_REQUEST | form).status_code == 401
    assert len(hashed) == 2
    assert service.secrets.get().last_used_on is None


@pytest.mark.parametrize(
    ("changes", "form", "headers", "reason"),
    [
        (
            {"token_endpoint_auth_method": "client_secret_basic", "pins_authentication_method": True},
            {"client_id": "service", "client_secret": "x"},
            {},
            "a secret in the body, from a client that is pinned to client_secret_basic",
        ),
        (
            {"token_endpoint_auth_method": "private_key_jwt"},
            {},
            basic("service", "x"),
            "a secret in the Authorization header, from a client that is registered for private_key_jwt",
        ),
        (
            {"token_endpoint_auth_method": "client_secret_basic", "pins_authentication_method": True},
            {"client_id": "service"},
            {},
            "the secret is wrong, or missing",
        ),
    ],
)
def test_the_log_and_not_the_answer_says_that_a_secret_is_missing_or_in_the_wrong_place(
    client, service, signer, caplog, changes, form, headers, reason
):
    caplog.set_level("INFO", logger="tokens.audit")
    Client.objects.filter(pk=service.pk).update(**changes)
    assert post(client, "/oauth/token", TOKEN_REQUEST | form, **headers).json() == REFUSED
    assert reason in caplog.text


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke", "/oauth/token"])
@pytest.mark.parametrize("how", ["secret", "key"])
def test_a_client_that_authenticates_at_any_endpoint_is_recorded_as_used_that_day(client, service, signer, path, how):
    """The date of a client's last use is recorded at every endpoint, even if the client gets no token.

    For example, the client of an API only introspects and revokes tokens.
    """
    Client.objects.filter(pk=service.pk).update(
        grants=[],
        **({} if how == "secret" else {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": jwks()}),
    )
    shown = basic("service", service.plain) if how == "secret" else {}
    form = TOKEN_REQUEST | {"token": "x"} | (proof("service") if how == "key" else {})
    assert post(client, path, form, **shown).status_code in {200, 400}
    assert Client.objects.get(pk=service.pk).last_used_on == timezone.now().date()


def test_a_client_that_fails_or_only_names_itself_is_not_recorded_as_used(client, service, apis, signer):
    make_client("public", "authorization_code", public=True)
    assert post(client, "/oauth/introspect", {"token": "x"}, **basic("service", "wrong")).status_code == 401
    assert post(client, "/oauth/revoke", {"token": "x", "client_id": "public"}).status_code == 200
    assert set(Client.objects.values_list("last_used_on", flat=True)) == {None}


@pytest.mark.parametrize("who", ["service", "nobody", "keyed", "public", "inactive"])
def test_every_wrong_secret_costs_the_same_number_of_hashes(client, service, monkeypatch, who):
    make_client("keyed", "client_credentials", client_jwks=jwks("ES256"))
    Client.objects.filter(client_id="keyed").update(token_endpoint_auth_method="private_key_jwt")
    make_client("public", "authorization_code", public=True)
    make_client("inactive", "client_credentials", is_active=False)
    hashed, digest = [], client_secret._digest
    monkeypatch.setattr(client_secret, "_digest", lambda *args: hashed.append(args) or digest(*args))
    assert post(client, "/oauth/token", TOKEN_REQUEST, **basic(who, "wrong")).status_code == 401
    assert len(hashed) == 2


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device", "/oauth/par"])
def test_malformed_encrypting_keys_are_answered_by_503(client, service, settings, path):
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": ["not base64url!"]}
    response = post(client, path, TOKEN_REQUEST | {"token": "x"}, **basic("service", service.plain))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["error"] == "temporarily_unavailable"


def at_another_node(*entries):
    """Return a context in which the settings are those of another node with the same database.

    `entries` are the KEY_ENCRYPTION_KEYS of that node.
    """
    return override_settings(ISSUER=settings.ISSUER | {"KEY_ENCRYPTION_KEYS": list(entries)})


@pytest.mark.parametrize("remembered", [False, True])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_node_that_lacks_the_key_of_a_secret_answers_503(client, service, signer, path, remembered):
    shown = basic("service", service.plain)
    if remembered:
        assert post(client, "/oauth/token", TOKEN_REQUEST, **shown).status_code == 200
    with at_another_node("Z" * 43):
        answer = post(client, path, ENDPOINTS[path], **shown)
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert answer["Retry-After"]
    assert post(client, "/oauth/token", TOKEN_REQUEST, **shown).status_code == 200


def test_a_node_that_lacks_the_key_of_one_secret_takes_the_others(client, service, signer):
    former = settings.ISSUER["KEY_ENCRYPTION_KEYS"]
    with at_another_node("Z" * 43, *former):
        newer = client_secret.create(service, now=timezone.now())
    with at_another_node("Z" * 43):
        assert post(client, "/oauth/token", TOKEN_REQUEST, **basic("service", newer)).status_code == 200
        assert post(client, "/oauth/token", TOKEN_REQUEST, **basic("service", service.plain)).status_code == 503


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param({}, basic("nobody", "x" * 43), id="an unknown client"),
        pytest.param({"client_id": "service"}, {}, id="no secret"),
        pytest.param({"client_id": "header_only", "client_secret": "x" * 43}, {}, id="in the wrong place"),
    ],
)
def test_a_node_that_lacks_a_key_refuses_a_request_that_no_key_could_authenticate(
    client, service, signer, form, headers
):
    other = make_client("header_only", "client_credentials")
    client_secret.create(other, now=timezone.now())
    only_header = {"token_endpoint_auth_method": "client_secret_basic", "pins_authentication_method": True}
    Client.objects.filter(pk=other.pk).update(**only_header)
    with at_another_node("Z" * 43):
        response = post(client, "/oauth/token", TOKEN_REQUEST | form, **headers)
    assert (response.status_code, response.json()) == (401, REFUSED)

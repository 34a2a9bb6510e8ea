"""A client proves who it is, in one way; whatever fails gives one answer."""

import base64

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from tests.tokens.assertions import jwks, proof
from tests.tokens.conftest import basic, make_client, post
from tokens.models import Client
from tokens.oauth import client_secret

pytestmark = pytest.mark.django_db

ASK = {"grant_type": "client_credentials", "scope": "notes:read"}
REFUSED = {"error": "invalid_client", "error_description": "Client authentication failed."}


def header(value):
    return {"HTTP_AUTHORIZATION": value}


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
def test_a_client_that_proves_itself_is_let_in(client, service, signer, how):
    form, headers = how(service.plain)
    assert post(client, "/oauth/token", ASK | form, **headers).status_code == 200


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
def test_a_client_that_does_not_is_told_no_more_than_that(client, service, signer, form, headers):
    response = post(client, "/oauth/token", ASK | form, **headers)
    assert (response.status_code, response.json()) == (401, REFUSED)
    challenge = 'Basic realm="token endpoint", charset="UTF-8"' if headers else None
    assert response.get("WWW-Authenticate") == challenge, "a browser answers a challenge with a password box"
    assert response["Cache-Control"] == "no-store"


def test_a_public_client_cannot_authenticate_by_a_secret(client, apis, signer):
    public = make_client("app", "client_credentials", public=True)
    secret = client_secret.create(public, now=timezone.now())
    assert post(client, "/oauth/token", ASK, **basic("app", secret)).status_code == 401


def test_a_client_with_a_key_of_its_own_cannot_fall_back_to_a_secret(client, service, signer):
    type(service).objects.update(token_endpoint_auth_method="private_key_jwt")
    assert post(client, "/oauth/token", ASK, **basic("service", service.plain)).status_code == 401


@pytest.mark.parametrize(
    ("method", "shown", "status"),
    [
        ("client_secret_basic", "header", 200),
        ("client_secret_basic", "body", 401),
        ("client_secret_post", "body", 200),
        ("client_secret_post", "header", 200),
    ],
)
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_a_secret_in_the_body_is_for_clients_that_are_registered_for_it_and_the_header_is_for_all(
    client, service, signer, method, shown, status, warm
):
    """RFC 7591 section 2 names the methods; RFC 6749 section 2.3.1 wants the header to work for every secret."""
    Client.objects.filter(pk=service.pk).update(token_endpoint_auth_method=method)
    in_header, in_body = basic("service", service.plain), {"client_id": "service", "client_secret": service.plain}
    if warm:
        assert post(client, "/oauth/token", ASK, **in_header).status_code == 200
    response = post(
        client, "/oauth/token", ASK | (in_body if shown == "body" else {}), **(in_header if shown == "header" else {})
    )
    assert response.status_code == status
    assert status == 200 or response.json() == REFUSED


@pytest.mark.parametrize("right", [True, False])
def test_a_secret_that_came_the_wrong_way_costs_the_same_hashes_and_leaves_no_trace(
    client, service, signer, monkeypatch, right
):
    Client.objects.filter(pk=service.pk).update(token_endpoint_auth_method="client_secret_basic")
    hashed, digest = [], client_secret._digest
    monkeypatch.setattr(client_secret, "_digest", lambda *args: hashed.append(args) or digest(*args))
    form = {"client_id": "service", "client_secret": service.plain if right else "wrong"}
    assert post(client, "/oauth/token", ASK | form).status_code == 401
    assert len(hashed) == 2
    assert service.secrets.get().last_used_on is None


@pytest.mark.parametrize(
    ("method", "form", "headers", "where"),
    [
        ("client_secret_basic", {"client_id": "service", "client_secret": "x"}, {}, "in the body"),
        ("private_key_jwt", {}, basic("service", "x"), "in the Authorization header"),
    ],
)
def test_the_log_and_not_the_answer_names_a_secret_that_came_the_wrong_way(
    client, service, signer, caplog, method, form, headers, where
):
    caplog.set_level("INFO", logger="tokens.audit")
    Client.objects.filter(pk=service.pk).update(token_endpoint_auth_method=method)
    assert post(client, "/oauth/token", ASK | form, **headers).json() == REFUSED
    assert f"a secret {where}, from a client that is registered for {method}" in caplog.text


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke", "/oauth/token"])
@pytest.mark.parametrize("how", ["secret", "key"])
def test_a_client_that_proves_itself_anywhere_was_used_on_that_day(client, service, signer, path, how):
    """An API's client only introspects or revokes, and gets no token ever."""
    Client.objects.filter(pk=service.pk).update(
        grants=[],
        **({} if how == "secret" else {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": jwks()}),
    )
    shown = basic("service", service.plain) if how == "secret" else {}
    form = ASK | {"token": "x"} | (proof("service") if how == "key" else {})
    assert post(client, path, form, **shown).status_code in {200, 400}
    assert Client.objects.get(pk=service.pk).last_used_on == timezone.now().date()


def test_whoever_fails_to_prove_itself_or_only_names_itself_was_not_used(client, service, apis, signer):
    make_client("public", "authorization_code", public=True)
    assert post(client, "/oauth/introspect", {"token": "x"}, **basic("service", "wrong")).status_code == 401
    assert post(client, "/oauth/revoke", {"token": "x", "client_id": "public"}).status_code == 200
    assert set(Client.objects.values_list("last_used_on", flat=True)) == {None}


@pytest.mark.parametrize("who", ["service", "nobody", "keyed", "public", "inactive"])
def test_whoever_has_no_right_secret_costs_the_same_hashes(client, service, monkeypatch, who):
    make_client("keyed", "client_credentials", client_jwks=jwks("ES256"))
    Client.objects.filter(client_id="keyed").update(token_endpoint_auth_method="private_key_jwt")
    make_client("public", "authorization_code", public=True)
    make_client("inactive", "client_credentials", is_active=False)
    hashed, digest = [], client_secret._digest
    monkeypatch.setattr(client_secret, "_digest", lambda *args: hashed.append(args) or digest(*args))
    assert post(client, "/oauth/token", ASK, **basic(who, "wrong")).status_code == 401
    assert len(hashed) == 2


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device"])
def test_while_the_encrypting_keys_cannot_be_read_the_answer_is_503_and_no_crash(client, service, settings, path):
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": ["not base64url!"]}
    response = post(client, path, ASK | {"token": "x"}, **basic("service", service.plain))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["error"] == "temporarily_unavailable"


def at_another_node(*entries):
    """The same database, served with other KEY_ENCRYPTION_KEYS."""
    return override_settings(ISSUER=settings.ISSUER | {"KEY_ENCRYPTION_KEYS": list(entries)})


ENDPOINTS = {
    "/oauth/token": ASK,
    "/oauth/revoke": {"token": "x"},
    "/oauth/introspect": {"token": "x"},
    "/oauth/device": {"scope": "notes:read"},
}


@pytest.mark.parametrize("remembered", [False, True])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_node_that_lacks_the_key_of_a_secret_answers_503(client, service, signer, path, remembered):
    shown = basic("service", service.plain)
    if remembered:
        assert post(client, "/oauth/token", ASK, **shown).status_code == 200
    with at_another_node("Z" * 43):
        answer = post(client, path, ENDPOINTS[path], **shown)
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert answer["Retry-After"]
    assert post(client, "/oauth/token", ASK, **shown).status_code == 200


def test_a_node_that_lacks_the_key_of_one_secret_takes_the_others(client, service, signer):
    former = settings.ISSUER["KEY_ENCRYPTION_KEYS"]
    with at_another_node("Z" * 43, *former):
        newer = client_secret.create(service, now=timezone.now())
    with at_another_node("Z" * 43):
        assert post(client, "/oauth/token", ASK, **basic("service", newer)).status_code == 200
        assert post(client, "/oauth/token", ASK, **basic("service", service.plain)).status_code == 503


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param({}, basic("nobody", "x" * 43), id="an unknown client"),
        pytest.param({"client_id": "service"}, {}, id="no secret"),
        pytest.param({"client_id": "header_only", "client_secret": "x" * 43}, {}, id="in the wrong place"),
    ],
)
def test_what_no_key_could_make_right_is_refused_at_such_a_node_too(client, service, signer, form, headers):
    other = make_client("header_only", "client_credentials")
    client_secret.create(other, now=timezone.now())
    Client.objects.filter(pk=other.pk).update(token_endpoint_auth_method="client_secret_basic")
    with at_another_node("Z" * 43):
        response = post(client, "/oauth/token", ASK | form, **headers)
    assert (response.status_code, response.json()) == (401, REFUSED)

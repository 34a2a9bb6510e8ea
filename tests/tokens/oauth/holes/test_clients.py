"""Holes 1, 3 and 7: who is taken for a client, and what it costs to find out."""

import base64
import hashlib
import hmac

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.views import IntrospectTokenView
from oauth2_provider.views.generic import (
    ClientProtectedResourceMetadataView,
    ClientProtectedResourceView,
    ClientProtectedScopedResourceView,
)

from tests.tokens.conftest import basic, make_client, post, redeem
from tests.tokens.oauth.holes import toolkit
from tests.tokens.oauth.holes.toolkit import DEVICE, form
from tokens import conf
from tokens.errors import InvalidClient
from tokens.models import ClientSecret
from tokens.oauth import client_secret
from tokens.oauth.backend import backend

pytestmark = pytest.mark.django_db

OWN = {"grant_type": "client_credentials", "scope": "notes:read"}


def hashed(secret):
    """How a secret is kept."""
    first, *_ = conf.issuer().encryption_keys()
    return hmac.digest(first.derive("client secret"), secret.encode(), hashlib.sha256)


def error(answer):
    return answer.status_code, answer.json().get("error")


# 1: any public client is taken for an authenticated one


def test_1_plain_a_public_client_authenticates_by_naming_the_device_grant(plain, spa):
    assert plain.authenticate_client(form({"client_id": "spa", "grant_type": DEVICE}))


def test_1_here_naming_a_grant_authenticates_nobody(spa, webapp):
    for named in ("spa", "webapp"):
        assert not backend().authenticate_client(form({"client_id": named, "grant_type": DEVICE}))
    with pytest.raises(InvalidClient):
        backend().client(form({"client_id": "webapp", "grant_type": DEVICE}), frozenset(), now=timezone.now())


def test_1_plain_a_public_client_reads_another_s_token(plain, spa, webapp, user):
    toolkit.access_token(webapp, user, "t")
    asked = {"token": "t", "client_id": "spa", "grant_type": DEVICE}
    assert toolkit.body(IntrospectTokenView.as_view()(form(asked)))["username"] == "ada"


@pytest.mark.parametrize("whose", ["webapp", "spa"])
def test_1_here_a_public_client_reads_no_token_not_even_its_own(client, spa, webapp, code, signer, whose):
    of = {"webapp": webapp, "spa": spa}[whose]
    text = redeem(client, of, code(of)).json()["access_token"]
    asked = {"token": text, "client_id": "spa", "grant_type": DEVICE}
    assert error(post(client, "/oauth/introspect", asked)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "view", [ClientProtectedResourceView, ClientProtectedScopedResourceView, ClientProtectedResourceMetadataView]
)
def test_1_plain_a_public_client_opens_every_view_that_is_for_clients(plain, spa, view):
    class Protected(view):
        required_scopes = ("introspection",)

        def post(self, request):
            return HttpResponse("what is for clients")

    answer = Protected.as_view()(form({"client_id": "spa", "grant_type": DEVICE}))
    assert answer.content == b"what is for clients"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/oauth/introspect", {"token": "t", "grant_type": DEVICE}),
        ("/oauth/revoke", {"token": "t", "grant_type": DEVICE}),
        ("/oauth/device", {"scope": "notes:read", "grant_type": DEVICE}),
        ("/oauth/token", {"device_code": "d", "grant_type": DEVICE}),
        ("/oauth/token", OWN),
    ],
)
def test_1_here_no_view_takes_a_name_for_a_proof(client, apis, signer, path, asked):
    box = make_client("box", DEVICE, "client_credentials")
    assert error(post(client, path, asked | {"client_id": "box"})) == (401, "invalid_client")
    secret = client_secret.create(box, now=timezone.now())
    assert post(client, path, asked | {"client_id": "box", "client_secret": secret}).status_code != 401


def test_1_here_nobody_takes_back_a_confidential_client_s_token_by_a_name(client, spa, webapp, code, signer):
    text = redeem(client, webapp, code(webapp)).json()["access_token"]
    asked = {"token": text, "grant_type": DEVICE}
    assert error(post(client, "/oauth/revoke", asked | {"client_id": "webapp"})) == (401, "invalid_client")
    assert error(post(client, "/oauth/revoke", asked | {"client_id": "spa"})) == (400, "invalid_grant")
    assert post(client, "/oauth/introspect", {"token": text}, **basic("webapp", webapp.plain)).json()["active"]


# 3: a confidential client without a secret authenticates with none


def test_3_plain_a_client_that_was_saved_without_a_secret_shows_none(stock):
    assert stock["a_blank_secret"] == 200


@pytest.mark.parametrize("shown", [{}, {"client_secret": ""}, {"client_secret": " "}, {"client_secret": "service"}])
@pytest.mark.parametrize("kept", ["no row", "a row of nothing"])
def test_3_here_a_client_without_a_secret_proves_nothing(client, service, signer, kept, shown):
    if kept == "no row":
        service.secrets.all().delete()
    else:  # which client_secret.add refuses to make
        service.secrets.update(digest=hashed(""))
    answer = post(client, "/oauth/token", OWN | {"client_id": "service"} | shown)
    assert error(answer) == (401, "invalid_client")


def test_3_here_nothing_is_no_secret_even_where_it_was_kept(service):
    service.secrets.update(digest=hashed(""))
    assert not client_secret.matches(client_secret.kept_of(service), "", now=timezone.now())


def test_3_here_a_blank_secret_cannot_be_kept(service):
    with pytest.raises(ValueError, match="256 random bits"):
        client_secret.add(service, "", now=timezone.now())


# 7: what the check of a secret costs


def test_7_plain_each_request_costs_a_million_rounds(stock):
    algorithm, rounds, _ = stock["the_stored_secret"].split("$", 2)
    assert algorithm == "pbkdf2_sha256"
    assert int(rounds) >= 1_000_000


def test_7_here_a_secret_is_kept_as_one_keyed_hash(service):
    assert bytes(service.secrets.get().digest) == hashed(service.plain)


def test_7_plain_a_request_that_is_wrong_twice_costs_twice(stock):
    assert stock["checks_of_one_request"] == 2


def test_7_here_a_request_that_shows_two_secrets_is_refused_before_any_is_compared(client, service, monkeypatch):
    compared = []
    monkeypatch.setattr(client_secret, "matches", lambda *args, **_: compared.append(args))
    form = OWN | {"client_id": "service", "client_secret": "wrong too"}
    assert error(post(client, "/oauth/token", form, **basic("service", "wrong"))) == (400, "invalid_request")
    assert compared == []


def work(monkeypatch, target, name, attempt):
    """How many comparisons a wrong secret costs: of a client, and of one that does not exist."""
    done = []
    monkeypatch.setattr(target, name, lambda *args, **kwargs: done.append(args) or False)
    counts = []
    for client_id in ("webapp", "nobody"):
        attempt(form({"client_id": client_id, "client_secret": "wrong"}))
        counts.append(len(done))
        done.clear()
    return counts


def test_7_plain_an_unknown_client_costs_nothing(plain, webapp, monkeypatch):
    assert work(monkeypatch, OAuth2Validator, "_check_secret", plain.authenticate_client) == [1, 0]


def test_7_here_an_unknown_client_costs_the_same(webapp, monkeypatch):
    def attempt(request):
        with pytest.raises(InvalidClient):
            backend().client(request, frozenset(), now=timezone.now())

    assert work(monkeypatch, client_secret, "matches", attempt) == [2, 2]


def test_7_plain_what_is_stored_is_a_secret_once_its_hasher_is_gone(stock):
    assert stock["the_stored_secret_as_a_secret"] == [401, 200]


@override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.ScryptPasswordHasher"])
@pytest.mark.parametrize(
    "written",
    [bytes.hex, lambda raw: base64.b64encode(raw).decode(), lambda raw: base64.urlsafe_b64encode(raw).decode(), str],
    ids=["hex", "base64", "base64url", "as Python writes it"],
)
def test_7_here_what_is_stored_is_no_secret(client, service, signer, written):
    stored = written(bytes(ClientSecret.objects.get().digest))
    assert error(post(client, "/oauth/token", OWN, **basic("service", stored))) == (401, "invalid_client")
    assert post(client, "/oauth/token", OWN, **basic("service", service.plain)).status_code == 200

"""Only a secret or a key authenticates a client (RFC 6749 section 2.3).

The amount of work does not depend on whether the client exists.
"""

import base64
import hashlib
import hmac

import pytest
from django.test import override_settings
from django.utils import timezone

from tests.tokens.factories import basic, make_client, post, redeem
from tests.tokens.hardening.forms import DEVICE, form
from tokens import conf
from tokens.authorize.backend import backend
from tokens.clients import authentication, client_secret
from tokens.errors import InvalidClient
from tokens.models import ClientSecret

pytestmark = pytest.mark.django_db

OWN = {"grant_type": "client_credentials", "scope": "notes:read"}


def hashed(secret):
    """Return the hash of a secret that the database stores."""
    first, *_ = conf.issuer().encryption_keys()
    return hmac.digest(first.derive("client secret"), secret.encode(), hashlib.sha256)


def error(answer):
    return answer.status_code, answer.json().get("error")


def authenticate(body):
    return authentication.authenticate(authentication.read(None, body), now=timezone.now())


# a client_id is not authentication


def test_naming_a_grant_type_authenticates_no_client(spa, webapp):
    for named in ("spa", "webapp"):
        assert not backend().authenticate_client(form({"client_id": named, "grant_type": DEVICE}))
    with pytest.raises(InvalidClient):
        authenticate({"client_id": "webapp", "grant_type": DEVICE})


@pytest.mark.parametrize("whose", ["webapp", "spa"])
def test_a_public_client_introspects_no_token_not_even_its_own(client, spa, webapp, code, signer, whose):
    of = {"webapp": webapp, "spa": spa}[whose]
    text = redeem(client, of, code(of)).json()["access_token"]
    body = {"token": text, "client_id": "spa", "grant_type": DEVICE}
    assert error(post(client, "/oauth/introspect", body)) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/oauth/introspect", {"token": "t", "grant_type": DEVICE}),
        ("/oauth/revoke", {"token": "t", "grant_type": DEVICE}),
        ("/oauth/device", {"scope": "notes:read", "grant_type": DEVICE}),
        ("/oauth/token", {"device_code": "d", "grant_type": DEVICE}),
        ("/oauth/token", OWN),
    ],
)
def test_no_endpoint_accepts_a_client_id_as_authentication(client, apis, signer, path, form):
    box = make_client("box", DEVICE, "client_credentials")
    assert error(post(client, path, form | {"client_id": "box"})) == (401, "invalid_client")
    secret = client_secret.create(box, now=timezone.now())
    assert post(client, path, form | {"client_id": "box", "client_secret": secret}).status_code != 401


def test_a_client_id_alone_revokes_no_token_of_a_confidential_client(client, spa, webapp, code, signer):
    text = redeem(client, webapp, code(webapp)).json()["access_token"]
    body = {"token": text, "grant_type": DEVICE}
    assert error(post(client, "/oauth/revoke", body | {"client_id": "webapp"})) == (401, "invalid_client")
    assert error(post(client, "/oauth/revoke", body | {"client_id": "spa"})) == (400, "invalid_grant")
    assert post(client, "/oauth/introspect", {"token": text}, **basic("webapp", webapp.plain)).json()["active"]


# no secret is not an empty secret


@pytest.mark.parametrize("shown", [{}, {"client_secret": ""}, {"client_secret": " "}, {"client_secret": "service"}])
@pytest.mark.parametrize("kept", ["no row", "a row of nothing"])
def test_a_confidential_client_without_a_secret_cannot_authenticate(client, service, signer, kept, shown):
    if kept == "no row":
        service.secrets.all().delete()
    else:  # which client_secret.add refuses to make
        service.secrets.update(digest=hashed(""))
    answer = post(client, "/oauth/token", OWN | {"client_id": "service"} | shown)
    assert error(answer) == (401, "invalid_client")


def test_an_empty_secret_matches_nothing_even_if_it_is_stored(service):
    service.secrets.update(digest=hashed(""))
    assert not client_secret.use(client_secret.stored_of(service), "", now=timezone.now())


def test_an_empty_secret_cannot_be_stored(service):
    with pytest.raises(ValueError, match="256 random bits"):
        client_secret.add(service, "", now=timezone.now())


# secrets at rest, and what comparing them costs


def test_a_secret_is_stored_as_a_keyed_hash(service):
    assert bytes(service.secrets.get().digest) == hashed(service.plain)


def test_a_request_with_two_secrets_is_refused_before_any_is_compared(client, service, monkeypatch):
    compared = []
    monkeypatch.setattr(client_secret, "use", lambda *args, **_: compared.append(args))
    form = OWN | {"client_id": "service", "client_secret": "wrong too"}
    assert error(post(client, "/oauth/token", form, **basic("service", "wrong"))) == (400, "invalid_request")
    assert compared == []


def work(monkeypatch, target, name, attempt):
    """Call `attempt` with a form that has a wrong secret: first for an existing client, then for an unknown client.

    Return how often each of the two calls compares secrets. A comparison is a call of the function `name` in the module
    `target`.
    """
    done = []
    monkeypatch.setattr(target, name, lambda *args, **kwargs: done.append(args) or False)
    counts = []
    for client_id in ("webapp", "nobody"):
        attempt({"client_id": client_id, "client_secret": "wrong"})
        counts.append(len(done))
        done.clear()
    return counts


def test_an_unknown_client_costs_as_many_comparisons_as_a_known_one(webapp, monkeypatch):
    def attempt(request):
        with pytest.raises(InvalidClient):
            authenticate(request)

    assert work(monkeypatch, client_secret, "use", attempt) == [2, 2]


@override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.ScryptPasswordHasher"])
@pytest.mark.parametrize(
    "written",
    [bytes.hex, lambda raw: base64.b64encode(raw).decode(), lambda raw: base64.urlsafe_b64encode(raw).decode(), str],
    ids=["hex", "base64", "base64url", "as Python writes it"],
)
def test_the_stored_digest_is_no_secret(client, service, signer, written):
    stored = written(bytes(ClientSecret.objects.get().digest))
    assert error(post(client, "/oauth/token", OWN, **basic("service", stored))) == (401, "invalid_client")
    assert post(client, "/oauth/token", OWN, **basic("service", service.plain)).status_code == 200

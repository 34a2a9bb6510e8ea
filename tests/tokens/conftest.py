"""Clients and APIs, a signing key for tests, and helpers by which a client gets a token."""

import base64
import hashlib
import json
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from allauth.account.internal.flows.login import record_authentication
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.cache import caches
from django.http import HttpRequest
from django.test import Client as Browser
from django.utils import timezone

from tokens.audit import trail
from tokens.authorize import login_session
from tokens.clients import client_secret, registry
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.models import Api, Client, Scope, User
from tokens.parameters import FORM
from tokens.views import request_store

API = "https://api.example/"
OTHER_API = "https://other.example/"
CALLBACK = "https://client.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class TestSigner:
    """Signs with a key that is generated for the test run."""

    __test__ = False
    kid = "test-key"
    algorithm = "RS256"
    max_lifetime = timedelta(hours=1)

    def __init__(self):
        self.private = rsa.generate_private_key(65537, 2048)
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key()))
        self.public = keyring.PublicKey(self.kid, self.algorithm, jwk | {"kid": self.kid, "alg": self.algorithm})

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message, padding.PKCS1v15(), SHA256())


@pytest.fixture(autouse=True)
def nobody_remembered():
    """Empty the cache of clients before each test."""
    registry.forget()


@pytest.fixture(autouse=True)
def forms_are_sent_as_browsers_send_them(monkeypatch):
    """Send forms URL-encoded: Django's test client sends multipart/form-data, which no form of the issuer is."""
    send = Browser.post

    def post(self, path, data=None, content_type=FORM, **extra):
        is_form = content_type == FORM and not isinstance(data, str | bytes)
        return send(self, path, urlencode(data or {}, doseq=True) if is_form else data, content_type, **extra)

    monkeypatch.setattr(Browser, "post", post)


@pytest.fixture(autouse=True)
def nothing_counted():
    """Reset the rate limits before each test."""
    for cache in caches.all():
        cache.clear()
    rate_limit.memory.clear()


@pytest.fixture(autouse=True)
def lines_are_written_at_once(request, monkeypatch):
    """Write audit lines at once, because a test's transaction is never committed, unless the test needs real ones."""
    marker = request.node.get_closest_marker("django_db")
    real = "django_capture_on_commit_callbacks" in request.fixturenames or (marker and marker.kwargs.get("transaction"))
    if not real:
        monkeypatch.setattr(trail.transaction, "on_commit", lambda line, **_: line())


@pytest.fixture(scope="session")
def test_signer():
    return TestSigner()


@pytest.fixture
def signer(test_signer, monkeypatch):
    monkeypatch.setattr(keyring, "signer", lambda ring="default", *, now: test_signer)
    monkeypatch.setattr(keyring, "published", lambda ring="default", *, now: (test_signer.public,))
    for name in ("clock", "carried_clock", "estimated_clock"):
        monkeypatch.setattr(keyring, name, lambda *, now: now)
    monkeypatch.setattr(keyring, "signing_ring", lambda audience, *, now: "default")
    # looked up when called: a test can replace `signer`
    monkeypatch.setattr(
        keyring, "for_audience", lambda audience, *, now: keyring.Signing("default", keyring.signer(now=now), now)
    )
    monkeypatch.setattr(keyring, "trusted_rings", lambda audience, *, now: ("default",))
    return test_signer


@pytest.fixture
def decode(signer):
    """Verify a token with PyJWT and return its header and claims."""

    def read(token, audience):
        claims = jwt.decode(token, signer.private.public_key(), algorithms=["RS256"], audience=audience)
        return jwt.get_unverified_header(token), claims

    return read


@pytest.fixture
def apis(db):
    made = {}
    for identifier, names in ((API, ("notes:read", "notes:write")), (OTHER_API, ("other:read",))):
        made[identifier] = Api.objects.create(identifier=identifier, name=identifier)
        for name in names:
            Scope.objects.create(name=name, description=f"May {name}", api=made[identifier])
    return made


@pytest.fixture
def user(db):
    return User.objects.create_user("ada", email="ada@example.org", password="correct horse")


def make_client(client_id, *grants, public=False, scopes=("notes:read", "notes:write"), **fields):
    made = Client.objects.create(
        client_id=client_id,
        name=client_id,
        client_type=Client.CLIENT_PUBLIC if public else Client.CLIENT_CONFIDENTIAL,
        # a secret is accepted in either place
        token_endpoint_auth_method="none" if public else "client_secret_post",
        grants=list(grants),
        redirect_uris=CALLBACK,
        **fields,
    )
    made.scopes.set(Scope.objects.filter(name__in=scopes))
    return made


@pytest.fixture
def service(apis):
    """A confidential client with the client credentials grant, and its secret as `.plain`."""
    made = make_client("service", "client_credentials")
    made.plain = client_secret.create(made, now=timezone.now())
    return made


@pytest.fixture
def webapp(apis):
    made = make_client("webapp", "authorization_code")
    made.plain = client_secret.create(made, now=timezone.now())
    return made


@pytest.fixture
def spa(apis):
    return make_client("spa", "authorization_code", public=True)


def basic(client_id, secret):
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def post(browser, path, data, **extra):
    body = data if isinstance(data, str) else urlencode(data, doseq=True)
    return browser.post(path, body, content_type="application/x-www-form-urlencoded", **extra)


def log_in(browser, user, *, ago=0):
    """Log `user` in, as the login page does, `ago` seconds in the past."""
    browser.force_login(user)
    request = HttpRequest()
    request.session = browser.session
    record_authentication(request, user, method="password", username=user.username)
    request.session["account_authentication_methods"][0]["at"] = time.time() - ago
    request.session[login_session.EPOCH] = login_session.epoch(user)
    request.session.save()


def authorization(client, **changes):
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid notes:read",
        "state": "s-1",
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes
    return {name: value for name, value in asked.items() if value is not None}


def allow(browser, query, answer="true"):
    """Read the consent page, submit it, and return the response."""
    page = browser.get("/oauth/authorize", query)
    if page.status_code != 200:
        return page
    shown = page.context["form"].initial["shown"]
    address = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    return browser.post(address, {"shown": shown, "allow": answer})


def stored_query(browser, address):
    """Return the authorization request that the server stores for the handle in the address, or None."""
    request = HttpRequest()
    request.COOKIES = {name: cookie.value for name, cookie in browser.cookies.items()}
    return request_store.find_query(request, address.partition("?")[2])


def parameters(response):
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


@pytest.fixture
def code(client, user):
    """Return a function that gets an authorization code for a client."""

    def fetch(of, **changes):
        log_in(client, user)
        return parameters(allow(client, authorization(of, **changes)))["code"]

    return fetch


def redeem(browser, client, issued, /, **changes):
    form = {
        "grant_type": "authorization_code",
        "code": issued,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": client.client_id,
    } | changes
    if hasattr(client, "plain"):
        form.setdefault("client_secret", client.plain)
    return post(browser, "/oauth/token", {name: value for name, value in form.items() if value is not None})

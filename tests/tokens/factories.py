"""Clients, APIs, users and keys for the issuer's tests. Also the requests that clients, users and browsers send."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from allauth.account.internal.flows.login import record_authentication
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from django.http import HttpRequest
from django.utils import timezone

from tokens import conf
from tokens.authorize import login_session
from tokens.clients import client_secret
from tokens.keys import publication
from tokens.keys.operation import Operation
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import Api, Client, Scope, User
from tokens.views import request_store

API = "https://api.example/"
OTHER_API = "https://other.example/"
CALLBACK = "https://client.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class TestSigner:
    """A signer of tokens with a private key that is made once per run of the tests."""

    __test__ = False
    kid = "test-key"
    algorithm = "RS256"
    max_lifetime = timedelta(hours=1)

    def __init__(self):
        self.private = rsa.generate_private_key(65537, 2048)
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key()))
        self.public = publication.PublicKey(self.kid, self.algorithm, jwk | {"kid": self.kid, "alg": self.algorithm})

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message, padding.PKCS1v15(), SHA256())


def operation(now=None, **changes):
    """Return the context in which a step of key rotation runs: policy, encryption keys, actor and time.

    The policy has the timings of production. `now` is by default the time of this node's clock.
    """
    now, keys = now or timezone.now(), conf.issuer().encryption_keys()
    return replace(Operation(policy=PRODUCTION, encryption_keys=keys, actor="test", now=now), **changes)


def make_api(identifier, *scopes):
    made = Api.objects.create(identifier=identifier, name=identifier)
    for name in scopes:
        Scope.objects.create(name=name, description=f"May {name}", api=made)
    return made


def make_user(username="ada", *, password="correct horse", **fields):
    return User.objects.create_user(username, email=f"{username}@example.org", password=password, **fields)


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


def with_secret(client):
    """Give the client a secret, and return the client. The secret is in `client.plain`."""
    client.plain = client_secret.create(client, now=timezone.now())
    return client


def basic(client_id, secret):
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def post(browser, path, data, **extra):
    body = data if isinstance(data, str) else urlencode(data, doseq=True)
    return browser.post(path, body, content_type="application/x-www-form-urlencoded", **extra)


def log_in(browser, user, *, ago=0):
    """Log the user in without the login page. The session is as if the user had logged in `ago` seconds ago."""
    browser.force_login(user)
    request = HttpRequest()
    request.session = browser.session
    record_authentication(request, user, method="password", username=user.username)
    request.session["account_authentication_methods"][0]["at"] = time.time() - ago
    request.session[login_session.EPOCH] = login_session.epoch(user)
    request.session[login_session.SID] = secrets.token_urlsafe(24)
    request.session.save()


def authorization(client, **changes):
    request = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid notes:read",
        "state": "s-1",
        "nonce": "n-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes
    return {name: value for name, value in request.items() if value is not None}


def allow(browser, query, answer="true"):
    """Load the consent page for the authorization request `query`, send `answer`, and return the response.

    If the issuer shows no consent page, return its first response.
    """
    page = browser.get("/oauth/authorize", query)
    if page.status_code != 200:
        return page
    shown = page.context["form"].initial["shown"]
    address = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    return browser.post(address, {"shown": shown, "allow": answer})


def stored_query(browser, address):
    """Return the query of the authorization request that the issuer stores for this browser.

    `address` has the handle of the request, which is its short identifier. Returns None if no request is stored.
    """
    request = HttpRequest()
    request.COOKIES = {name: cookie.value for name, cookie in browser.cookies.items()}
    return request_store.find_query(request, address.partition("?")[2])


def parameters(response):
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


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


def refreshed(browser, client, text, /, **changes):
    """Send a refresh request of a confidential client with the refresh token `text`. Return the answer.

    `changes` replace or add form parameters.
    """
    form = {"grant_type": "refresh_token", "refresh_token": text, **changes}
    return post(browser, "/oauth/token", form, **basic(client.client_id, client.plain))

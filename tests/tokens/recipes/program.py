"""A simulated program that uses the issuer.

It sends the requests that a recipe (registration of a known program) describes, and knows only what the recipe's
commands print.
"""

import base64
import hashlib
import json
import re
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from typing import Any

import jwt
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import API, basic, log_in, parameters, post
from tokens import conf
from tokens.models import Api, Client
from tokens.recipes import options
from tokens.recipes.example import SCOPE
from tokens.recipes.schema import Recipe

SITE = "https://program.example"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def run(command, *arguments):
    """Run a command of the issuer, and return the JSON that it prints."""
    out = StringIO()
    call_command(command, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def challenge(verifier):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Program:
    """A simulated program that a recipe registers. `browser` is the browser of its user."""

    recipe: Recipe
    browser: Browser
    key: Any = None
    jwks: str = ""
    calls_api: bool = True
    """False: the operator names no API, and the program asks for no scope of one."""
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    printed: dict[str, Any] = field(default_factory=dict)

    @property
    def profile(self):
        return self.recipe.requests

    def register(self):
        """Register the client as the recipe says, and return the program.

        If the program sends requests, first register the API as the recipe says. Then register each scope of the client
        that does not exist yet, and run `create_client --for`.
        """
        for step in self.recipe.steps:
            if step.command == "create_api" and self.recipe.requests and self.recipe.step("create_api"):
                call_command(*options.words(step), stdout=StringIO())
        own = self.recipe.step("create_client")
        for scope in self._unknown_scopes(own):
            api, _ = Api.objects.get_or_create(identifier="https://own.example/", name="Own")
            api.scopes.create(name=scope, description=scope)
        words = ["--for", self.recipe.name]
        if any("https://app.example" in uri for uri in own.options.get("redirect_uris", ())):
            words += ["--site", SITE]
        if self.calls_api and SCOPE in own.options.get("scopes", ()):
            words += ["--scope", SCOPE]
        if self.jwks:
            words += ["--jwks", self.jwks]
        self.printed = run("create_client", *words)
        return self

    def _unknown_scopes(self, step):
        registered = {scope.name for api in Api.objects.all() for scope in api.scopes.all()}
        return [scope for scope in step.options.get("scopes", ()) if scope not in registered]

    @property
    def client(self):
        return Client.objects.get(client_id=self.printed["client_id"])

    @property
    def scope(self):
        scopes = [scope for scope in self.profile.scope.split() if self.calls_api or scope != SCOPE]
        return " ".join(scopes) or None

    @property
    def redirect_uri(self):
        return self.client.redirect_uris.split()[0]

    def request(self, **changes):
        """Return the authorization request that the program sends. `changes` replace parameters; None removes one."""
        query = {
            "response_type": "code",
            "client_id": self.printed["client_id"],
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": "s-1",
            "nonce": self.nonce if self.profile.nonce else None,
            "code_challenge": challenge(self.verifier) if self.profile.pkce else None,
            "code_challenge_method": "S256" if self.profile.pkce else None,
        } | changes
        return {name: value for name, value in query.items() if value is not None}

    def authorize(self, **changes):
        """Send the user's browser to the issuer, and let the user allow the request. Return the last response."""
        page = self.browser.get("/oauth/authorize", self.request(**changes))
        if page.status_code != 200 or "form" not in (page.context or {}):
            return page
        form = {"shown": page.context["form"].initial["shown"], "allow": "true"}
        return self.browser.post(f"/oauth/authorize?{page.request['QUERY_STRING']}", form)

    def post(self, path, form, *, secret=None, style=None):
        """Send a request with the program's client authentication, and return the answer.

        With the style "basic then post", a refused request is sent again with the credentials in the body.
        """
        client_id, secret = self.printed["client_id"], secret or self.printed["client_secret"]
        style = style or self.profile.authentication
        if style in ("basic", "basic then post"):
            answer = post(self.browser, path, form, **basic(client_id, secret))
            again = style == "basic then post" and answer.status_code in (400, 401)
            return self.post(path, form, secret=secret, style="post") if again else answer
        if style in ("post", "post then basic"):
            return post(self.browser, path, {**form, "client_id": client_id, "client_secret": secret})
        if style == "private_key_jwt":
            proof = {"client_assertion_type": ASSERTION, "client_assertion": self.assertion()}
            return post(self.browser, path, {**form, "client_id": client_id, **proof})
        return post(self.browser, path, {**form, "client_id": client_id})

    def assertion(self, *, audience=None):
        issuer, now = conf.issuer().url, timezone.now()
        named = f"{issuer}/oauth/token" if self.profile.audience == "token endpoint" else issuer
        claims = {
            "iss": self.printed["client_id"],
            "sub": self.printed["client_id"],
            "aud": audience or named,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + timedelta(minutes=1),
        }
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "program"})

    def redeem(self, code, **changes):
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        verifier = {"code_verifier": self.verifier} if self.profile.pkce else {}
        return self.post("/oauth/token", form | verifier, **changes)

    def log_in(self, user):
        """Log the user in, and return the tokens that the program gets."""
        log_in(self.browser, user)
        answer = self.authorize()
        code = parameters(answer)["code"]
        tokens = self.redeem(code)
        assert tokens.status_code == 200, tokens.content
        return tokens.json()

    def claims(self, tokens):
        """Return the user's claims that the program gets with these tokens."""
        if self.profile.claims == "userinfo":
            headers = {"HTTP_AUTHORIZATION": f"Bearer {tokens['access_token']}"}
            answer = self.browser.get("/oauth/userinfo", **headers)
            assert answer.status_code == 200, answer.content
            return answer.json()
        return jwt.decode(tokens["id_token"], options={"verify_signature": False})

    def refresh(self, token):
        return self.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": token})

    def device_log_in(self, user):
        """Begin a device authorization request, let the user allow it in a browser, and return the token response."""
        begun = self.post("/oauth/device", {"scope": self.profile.scope}).json()
        log_in(self.browser, user)
        page = self.browser.post("/oauth/device/verify", {"user_code": begun["user_code"]})
        shown = re.search(r'name="shown" value="([^"]+)"', page.content.decode())[1]
        self.browser.post("/oauth/device/verify", {"user_code": begun["user_code"], "shown": shown, "allow": "true"})
        answer = self.post("/oauth/token", {"grant_type": DEVICE, "device_code": begun["device_code"]})
        assert answer.status_code == 200, answer.content
        return answer.json()


def audience(token):
    return jwt.decode(token, options={"verify_signature": False})["aud"]


__all__ = ["API", "Program", "audience", "run"]

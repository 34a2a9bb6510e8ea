"""The client and the browser of the certification tests. Authlib requests tokens, and joserfc verifies ID tokens."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwk
from joserfc import jwt as joserfc_jwt

from project.launch import processes
from project.launch.browser import Browser, Page, forms
from tests import manage_process

TIMEOUT = 60
TRIES = 20


def rotate(variables: dict[str, str], *options: str) -> str:
    """Run `rotate_keys` with these options, and return its output. Runs it again if the step took too long."""
    for _ in range(TRIES):
        try:
            return manage_process.command(variables, "rotate_keys", *options)
        except processes.Failed as error:
            if "run it again" not in str(error):
                raise
    return manage_process.command(variables, "rotate_keys", *options)


@dataclass(frozen=True, slots=True)
class Answer:
    """An authorization response: its parameters (`values`), and whether they were sent by GET or POST.

    `page` is the page in the browser. If it is a page of the issuer, there is no response, and `values` is empty.
    """

    values: dict[str, str]
    method: str
    page: Page


@dataclass(slots=True)
class Suite:
    """A client of a plan, and its user's browser. Together they replace the certification suite in a test."""

    issuer: str
    plan: dict[str, Any]
    response_mode: str | None = None
    browser: Browser = field(default_factory=Browser)
    logins: int = 0

    @property
    def metadata(self) -> dict[str, Any]:
        return requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=TIMEOUT).json()

    @property
    def callback(self) -> str:
        return self.plan["callback"]

    def client(self, name: str = "client", method: str = "client_secret_basic") -> OAuth2Session:
        entry = self.plan[name]
        return OAuth2Session(
            entry["client_id"], entry["client_secret"], token_endpoint_auth_method=method, redirect_uri=self.callback
        )

    def request(self, name: str = "client", **parameters: str | None) -> dict[str, str]:
        """Return the parameters of an authorization request as the plans send it, without a code challenge."""
        query: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.plan[name]["client_id"],
            "redirect_uri": self.callback,
            "scope": "openid",
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "response_mode": self.response_mode,
        } | parameters
        return {key: value for key, value in query.items() if value is not None}

    def authorize(self, request: dict[str, str], *, by_post: bool = False, log_in: bool = True) -> Answer:
        """Send the browser to the authorization endpoint, and return the response.

        Logs in and allows the request if the issuer asks. With `log_in=False`, stops at the login page. With `by_post`,
        sends the request by POST.
        """
        if by_post:
            page = self.post(f"{self.issuer}/oauth/authorize", request)
        else:
            page = self.browser.get(f"{self.issuer}/oauth/authorize?{urlencode(request)}")
        if "id_login" in page.text and log_in:
            self.logins += 1
            page = self.browser.log_in(page, self.plan["username"], self.plan["password"])
        if 'name="allow"' in page.text:
            page = self.browser.submit(page, {}, button="allow")
        return self._answer(page)

    def _answer(self, page: Page) -> Answer:
        if page.url.startswith(self.callback):
            return Answer(dict(parse_qsl(urlsplit(page.url).query)), "GET", page)
        for form in forms(page.text):
            if form.action == self.callback and form.method == "post":
                return Answer(dict(form.fields), "POST", page)
        return Answer({}, "", page)

    def post(self, url: str, data: dict[str, str]) -> Page:
        return self.browser._page(self.browser._session.post(url, data=data, timeout=TIMEOUT))

    def tokens(self, name: str = "client", method: str = "client_secret_basic", **parameters: str | None) -> dict:
        """Run the whole code flow, and verify the ID token. Return the token response.

        The verified claims of the ID token are added to the response as `claims`. `name` is the client, and `method` is
        its authentication method. `parameters` are those of the authorization request.
        """
        request = self.request(name, **parameters)
        answer = self.authorize(request)
        assert answer.values.get("state") == request.get("state"), answer.page.text
        return self.redeem(answer, request, name=name, method=method)

    def redeem(self, answer: Answer, request: dict[str, str], *, name: str = "client", method: str = "") -> dict:
        assert answer.values["iss"] == self.issuer
        extra = {"code_verifier": request["verifier"]} if "verifier" in request else {}
        tokens = self.client(name, method or "client_secret_basic").fetch_token(
            f"{self.issuer}/oauth/token", grant_type="authorization_code", code=answer.values["code"], **extra
        )
        assert tokens["token_type"] == "Bearer"
        tokens["claims"] = self.verified(tokens["id_token"], name, nonce=request.get("nonce"))
        return dict(tokens)

    def verified(self, id_token: str, name: str = "client", *, nonce: str | None = None) -> dict[str, Any]:
        """Verify an ID token with the JWKS (OpenID Connect Core section 3.1.3.7), and return its claims."""
        keys = jwk.KeySet.import_key_set(requests.get(self.metadata["jwks_uri"], timeout=TIMEOUT).json())
        algorithm = name if name in ("PS256", "ES256", "EdDSA") else "RS256"  # those clients are named by their choice
        decoded = joserfc_jwt.decode(id_token, keys, algorithms=[algorithm])
        assert decoded.header["alg"] == algorithm
        assert decoded.header["kid"]
        registry = joserfc_jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.plan[name]["client_id"]},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            **({"nonce": {"essential": True, "value": nonce}} if nonce else {}),
        )
        registry.validate(decoded.claims)
        assert nonce or "nonce" not in decoded.claims
        return decoded.claims

    def userinfo(self, tokens: dict, method: str = "GET", *, in_body: bool = False) -> dict[str, Any]:
        url, token = f"{self.issuer}/oauth/userinfo", tokens["access_token"]
        sent = {"data": {"access_token": token}} if in_body else {"headers": {"Authorization": f"Bearer {token}"}}
        answer = requests.request(method, url, timeout=TIMEOUT, **sent)
        assert answer.status_code == 200, answer.text
        assert answer.json()["sub"] == tokens["claims"]["sub"]
        return answer.json()

    def error(self, answer: Answer) -> str:
        """Return the error of an authorization response. Asserts that the response has no code."""
        assert "code" not in answer.values
        return answer.values["error"]

    def refused(self, answer: Answer) -> bool:
        """Return True if the user got an error page of the issuer, and the redirect URI got no response."""
        page = answer.page
        return (
            answer.values == {} and page.url.startswith(self.issuer) and "This request cannot be answered" in page.text
        )

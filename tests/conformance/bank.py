"""A client of the FAPI 2.0 plan. Its `Suite` has the user's browser, and joserfc signs assertions and proofs."""

import hashlib
import json
import secrets
import sqlite3
import time
from base64 import urlsafe_b64encode
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from tests.conformance.suite import TIMEOUT, Answer, Suite

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["ES256", "PS256", "RS256"]
VERIFIER = "v" * 43
OPENID, OAUTH, OWN = "openid", "plain-oauth", "client-credentials"
SCOPES = {OPENID: "openid", OAUTH: "notes:read", OWN: "notes:read"}


@dataclass(slots=True)
class Bank:
    """A registered client with two private keys.

    `variant` is the variant of the plan that the client uses. It decides the scopes and the grant type.
    """

    suite: Suite
    name: str = "client"
    variant: str = OPENID
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    """The key of its DPoP proofs, another one in each test."""

    @property
    def client_id(self) -> str:
        return self.suite.plan[self.name]["client_id"]

    @property
    def keys(self) -> dict[str, ECKey | RSAKey]:
        """Return the private keys of the client by algorithm."""
        return self.suite.plan[self.name]["keys"]

    def named(self, name: str) -> "Bank":
        """Return the plan's client `name` as a `Bank`, with the same browser, variant and key for DPoP proofs."""
        return replace(self, name=name)

    def url(self, path: str) -> str:
        return f"{self.suite.issuer}/oauth/{path}"

    def assertion(self, *, algorithm: str = "ES256", signer: str = "", **changes: Any) -> dict[str, str]:
        """Return the form parameters of a client assertion.

        `signer` is the client whose key signs, by default this one. `changes` replace claims; None removes a claim.
        """
        now = int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.suite.issuer, "iat": now, "exp": now + 60}
        claims |= {"jti": secrets.token_urlsafe(12)} | changes
        key = self.suite.plan[signer or self.name]["keys"][algorithm]
        header = {"alg": algorithm, "kid": key.kid}
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(header, without_none(claims), key, algorithms=ALGORITHMS),
        }

    def proof(self, method: str, url: str, *, token: str = "", header: dict[str, Any] | None = None, **changes: Any):
        """Return a DPoP proof.

        `header` replaces members of the header, and `changes` replace claims. The value None removes a member.
        """
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)} | (header or {})
        claims = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": int(time.time())}
        claims |= ({"ath": hashed(token)} if token else {}) | changes
        registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)  # tests send unknown members
        return jwt.encode(without_none(head), without_none(claims), self.key, registry=registry)

    def push(self, *, by: dict[str, str] | None = None, proof: str = "", **changes: str | None) -> requests.Response:
        """Push an authorization request, and return the response. `changes` replace parameters; None removes one.

        Authenticates with a client assertion, or with the form parameters `by` if they are given.
        """
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.suite.callback,
            "scope": SCOPES[self.variant],
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8) if self.variant == OPENID else None,
            "code_challenge": create_s256_code_challenge(VERIFIER),
            "code_challenge_method": "S256",
        } | changes
        form = without_none(query) | (self.assertion() if by is None else by)
        return requests.post(self.url("par"), data=form, headers={"DPoP": proof} if proof else {}, timeout=TIMEOUT)

    def pushed(self, **changes: Any) -> str:
        """Push an authorization request, and return its request_uri. Fails if the issuer refuses it."""
        answer = self.push(**changes)
        assert answer.status_code == 201, answer.text
        assert answer.json()["expires_in"] < 600
        return answer.json()["request_uri"]

    def visit(self, request_uri: str, **further: str) -> Answer:
        """Send the user's browser to the authorization endpoint with the request_uri. Return the response.

        Logs in and allows the request if the issuer asks.
        """
        return self.suite.authorize({"client_id": self.client_id, "request_uri": request_uri, **further})

    def code(self, **changes: Any) -> str:
        """Push an authorization request, let the user allow it, and return the authorization code.

        Fails unless the response has the issuer and the state of the request.
        """
        state = secrets.token_urlsafe(8)
        answer = self.visit(self.pushed(**{"state": state} | changes))
        assert "code" in answer.values, answer.page.text
        assert answer.values["iss"] == self.suite.issuer
        assert answer.values.get("state") == changes.get("state", state)
        return answer.values["code"]

    def form(self, **changes: str | None) -> dict[str, str]:
        """Return the form of a token request without client authentication, for the grant type of this variant.

        `changes` replace parameters; None removes a parameter. If the grant type needs a code, and `changes` has none,
        the user allows a new authorization request first.
        """
        if self.variant == OWN:
            body: dict[str, str | None] = {"grant_type": "client_credentials", "scope": SCOPES[OWN]}
        else:
            body = {"grant_type": "authorization_code", "code": changes.get("code") or self.code()}
            body |= {"redirect_uri": self.suite.callback, "code_verifier": VERIFIER}
        return without_none(body | changes)

    def token(self, form: dict[str, str], *, by: dict[str, str] | None = None, proof: str | None = None):
        """Send the token request `form` with a client assertion and a DPoP proof. Return the response.

        If `by` is given, its form parameters replace the assertion. If `proof` is given, it replaces the valid proof.
        If `proof` is "", none is sent.
        """
        proof = self.proof("POST", self.url("token")) if proof is None else proof
        data = form | (self.assertion() if by is None else by)
        headers = {"DPoP": proof} if proof else {}
        return requests.post(self.url("token"), data=data, headers=headers, timeout=TIMEOUT)

    def tokens(self, **changes: Any) -> dict[str, Any]:
        """Request tokens, and return the response. Asserts that the access token is bound to the DPoP key.

        Also asserts that only the variant with OpenID Connect gets an ID token. `changes` replace request parameters.
        """
        answer = self.token(self.form(**changes))
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        assert tokens["token_type"] == "DPoP"
        assert claims_of(tokens["access_token"])["cnf"]["jkt"] == self.key.thumbprint()
        assert ("id_token" in tokens) == (self.variant == OPENID)
        return tokens

    @property
    def resource(self) -> str:
        """Return the URL to which tests send access tokens: userinfo with OpenID Connect, else the example API."""
        return self.url("userinfo") if self.variant == OPENID else f"{self.suite.plan['api']}/api/whoami/"

    def use(self, tokens: dict[str, Any], *, proof: str | None = None, **headers: str) -> requests.Response:
        """Request the resource of this variant with a bound token, and return the response.

        The DPoP proof is valid unless `proof` is given. If `proof` is "", none is sent.
        """
        token = tokens["access_token"]
        good = self.proof("GET", self.resource, token=token) if proof is None else proof
        sent = {"Authorization": f"DPoP {token}"} | ({"DPoP": good} if good else {}) | headers
        return requests.get(self.resource, headers=sent, timeout=TIMEOUT)


def without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def hashed(token: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def claims_of(text: str) -> dict[str, Any]:
    """Return the claims of a JWT without verifying it."""
    return json.loads(jws.extract_compact(text.encode()).payload)


def refusal(answer: requests.Response, *errors: str) -> str:
    """Return the error of a JSON response.

    Asserts that the error is one of `errors`, and that the status is 400, or 401 for invalid_client.
    """
    assert answer.status_code in {400, 401}, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["error"] in errors, answer.text
    assert answer.status_code == 400 or answer.json()["error"] == "invalid_client"
    return answer.json()["error"]


def age(database: Any, table: str, column: str, seconds: int) -> None:
    """Subtract `seconds` from the times in a column, in every row, so that a test does not have to wait.

    `database` is the path of the issuer's SQLite file.
    """
    with closing(sqlite3.connect(database, timeout=30)) as file, file:
        file.execute(
            f"UPDATE {table} SET {column} = strftime('%Y-%m-%d %H:%M:%f', {column}, ?) WHERE {column} IS NOT NULL",
            (f"-{seconds} seconds",),
        )

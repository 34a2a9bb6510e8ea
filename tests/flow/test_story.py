"""The seven steps of the flow, with a browser and with client libraries of other projects."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from project.launch.browser import Browser, Page
from tests import marks
from tests.flow.conftest import System
from tests.ports import free

pytestmark = [*marks.stack]
SCOPE = "openid notes:read notes:write"


def discovered(system: System) -> dict[str, str]:
    return requests.get(f"{system.issuer}/.well-known/openid-configuration", timeout=60).json()


def log_in(system: System) -> dict[str, str]:
    """Run the authorization code flow with PKCE through the real forms, and return the token response."""
    session = client(system, "webapp", SCOPE)
    metadata = discovered(system)
    verifier = generate_token(64)
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, resource=system.audience, nonce="n-0S6_WzA2Mj"
    )
    landed = agree(system, url)
    answer = parse_qs(urlsplit(landed.url).query)
    assert (answer["state"], answer["iss"]) == ([state], [metadata["issuer"]])
    return session.fetch_token(
        metadata["token_endpoint"],
        authorization_response=landed.url,
        code_verifier=verifier,
        resource=system.audience,
    )


def agree(system: System, url: str) -> Page:
    browser = Browser()
    login = browser.get(url)
    consent = browser.log_in(login, "demo", system.variables.demo["DEMO_PASSWORD"])
    assert "Read your notes" in consent.text
    return browser.submit(consent, {}, button="allow")


def client(system: System, client_id: str, scope: str) -> OAuth2Session:
    secret = system.variables.demo[f"{client_id.upper()}_CLIENT_SECRET"]
    return OAuth2Session(
        client_id,
        secret,
        scope=scope,
        redirect_uri=system.callback if client_id == "webapp" else None,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    )


def service_token(system: System) -> str:
    session = client(system, "service", "notes:read")
    return session.fetch_token(f"{system.issuer}/oauth/token", grant_type="client_credentials")["access_token"]


def test_a_user_logs_in_agrees_and_keeps_notes_that_no_other_user_sees(system: System) -> None:
    token = log_in(system)
    metadata = discovered(system)
    assert metadata["issuer"] == system.issuer
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=60).json())

    access = jwt.decode(token["access_token"], keys, algorithms=["RS256"])
    assert access.header["typ"] == "at+jwt"
    assert access.header["kid"] in [key.kid for key in keys.keys]
    assert (access.claims["iss"], access.claims["aud"]) == (system.issuer, system.audience)
    assert access.claims["scope"] == "notes:read notes:write", "openid means nothing to an API (RFC 9068 2.2.3)"
    assert access.claims["client_id"] == "webapp"

    identity = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": "webapp"},
        exp={"essential": True},
        nonce={"essential": True, "value": "n-0S6_WzA2Mj"},
    ).validate(identity.claims)
    assert identity.claims["sub"] == access.claims["sub"]
    assert identity.claims["auth_time"] == access.claims["auth_time"]

    answer = system.call("GET", "/api/whoami/", token["access_token"])
    assert answer.status_code == 200
    assert answer.json()["sub"] == access.claims["sub"]

    note = {"title": "Milk", "body": "Two litres"}
    made = system.call("POST", "/api/notes/", token["access_token"], json=note)
    assert made.status_code == 201
    assert {name: made.json()[name] for name in note} == note
    url = f"/api/notes/{made.json()['id']}/"
    assert system.call("GET", url, token["access_token"]).json() == made.json()
    assert made.json() in system.call("GET", "/api/notes/", token["access_token"]).json()["results"]
    assert system.call("GET", "/api/notes/", service_token(system)).json()["results"] == []
    assert system.call("GET", url, service_token(system)).status_code == 404, "a user sees only their own notes"


def test_a_service_acts_for_itself_and_only_within_its_scope(system: System) -> None:
    token = service_token(system)
    claims = system.call("GET", "/api/whoami/", token).json()
    assert claims["sub"] == claims["client_id"] == "service"
    assert system.call("GET", "/api/notes/", token).json()["results"] == []
    assert system.call("POST", "/api/notes/", token, json={"title": "a"}).status_code == 403


def test_the_code_works_once_and_for_its_own_client_and_verifier_only(system: System) -> None:
    session = client(system, "webapp", SCOPE)
    verifier = generate_token(64)
    url, _ = session.create_authorization_url(
        f"{system.issuer}/oauth/authorize", code_verifier=verifier, resource=system.audience
    )
    code = agree(system, url).url.partition("code=")[2].partition("&")[0]

    def redeem(verifier: str) -> tuple[int, str]:
        response = requests.post(
            f"{system.issuer}/oauth/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": system.callback,
                "code_verifier": verifier,
            },
            auth=("webapp", system.variables.demo["WEBAPP_CLIENT_SECRET"]),
            timeout=60,
        )
        return response.status_code, response.json().get("error", "")

    assert redeem("x" * 64) == (400, "invalid_grant")
    assert redeem(verifier) == (200, "")
    assert redeem(verifier) == (400, "invalid_grant")


def test_tokens_with_a_known_key_are_accepted_while_the_issuer_is_down(system: System) -> None:
    token = service_token(system)
    assert system.call("GET", "/api/notes/", token).status_code == 200
    with system.without_issuer():
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{system.issuer}/healthz", timeout=60)
        assert system.call("GET", "/api/notes/", token).status_code == 200


def test_an_api_whose_issuer_is_down_starts_and_answers_503(system: System, api_of: Callable[[str], str]) -> None:
    api = api_of(f"http://localhost:{free()}")
    headers = {"Authorization": f"Bearer {service_token(system)}"}
    response = requests.get(f"{api}/api/notes/", headers=headers, timeout=60)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.json()["error"] == "temporarily_unavailable"

"""Refused tokens over real HTTP. The tests compare the whole WWW-Authenticate header."""

import base64
import json
from collections.abc import Iterator

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests import marks
from tests.flow.conftest import System, further_apis
from tests.flow.other_issuer import OtherIssuer
from tests.flow.test_story import log_in, service_token

pytestmark = [*marks.stack]
OFFER = 'DPoP algs="ES256 EdDSA Ed25519"'


def challenge(api: str, error: str = "", description: str = "", scope: str = "") -> str:
    """Return the expected WWW-Authenticate header of `api`."""
    parts = {
        "realm": "api",
        "error": error,
        "error_description": description,
        "scope": scope,
        "resource_metadata": f"{api}/.well-known/oauth-protected-resource",
    }
    own = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)
    return own if error in {"invalid_request", "insufficient_scope"} else f"{own}, {OFFER}"


def refused(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.headers.get("WWW-Authenticate", "")


def invalid(api: str, description: str) -> tuple[int, str]:
    return 401, challenge(api, "invalid_token", description, "notes:read")


def encode(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def token(system: System) -> str:
    return service_token(system)


def test_a_request_without_a_token_is_refused(system: System) -> None:
    response = system.call("GET", "/api/notes/")
    assert refused(response) == (401, challenge(system.api, scope="notes:read"))


def test_the_challenge_names_a_missing_scope(system: System, token: str) -> None:
    response = system.call("POST", "/api/notes/", token, json={"title": "a"})
    description = challenge(system.api, "insufficient_scope", "The token's scope is not enough", "notes:write")
    assert refused(response) == (403, description)


def test_a_token_in_the_query_string_is_refused_with_a_good_one_and_ignored_alone(system: System, token: str) -> None:
    both = system.call("GET", f"/api/notes/?access_token={token}", token)
    description = "Send one bearer token, in the Authorization header only"
    assert refused(both) == (400, challenge(system.api, "invalid_request", description))
    alone = system.call("GET", f"/api/notes/?access_token={token}")
    assert refused(alone) == (401, challenge(system.api, scope="notes:read"))
    assert token not in alone.text


def test_a_tampered_payload_is_refused(system: System, token: str) -> None:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    forged = f"{header}.{encode({**claims, 'scope': 'notes:read notes:write'})}.{signature}"
    assert refused(system.call("GET", "/api/notes/", forged)) == invalid(
        system.api, "The token's signature is not valid"
    )


def test_an_unknown_kid_is_refused(system: System, token: str) -> None:
    _, payload, signature = token.split(".")
    forged = f"{encode({'typ': 'at+jwt', 'alg': 'RS256', 'kid': 'nobody'})}.{payload}.{signature}"
    assert refused(system.call("GET", "/api/notes/", forged)) == invalid(
        system.api, "The token's key is not published by its issuer"
    )


def test_alg_none_and_a_mac_keyed_with_the_public_key_are_refused(system: System, token: str) -> None:
    _, payload, _ = token.split(".")
    kid = jwt.get_unverified_header(token)["kid"]
    jwks = requests.get(f"{system.issuer}/.well-known/jwks.json", timeout=60).json()
    public = jwt.PyJWKSet.from_dict(jwks)[kid].key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    message = f"{encode({'typ': 'at+jwt', 'alg': 'HS256', 'kid': kid})}.{payload}".encode()
    keyed = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(keyed.sign(message, public)).rstrip(b"=").decode()
    none = f"{encode({'typ': 'at+jwt', 'alg': 'none', 'kid': kid})}.{payload}"
    description = invalid(system.api, "The token's algorithm is not accepted")
    assert refused(system.call("GET", "/api/notes/", f"{message.decode()}.{signature}")) == description
    assert refused(system.call("GET", "/api/notes/", f"{none}.AAAA")) == description
    assert refused(system.call("GET", "/api/notes/", f"{none}.")) == invalid(system.api, "The token is malformed")


def test_an_id_token_is_refused(system: System) -> None:
    response = system.call("GET", "/api/notes/", log_in(system)["id_token"])
    assert refused(response) == invalid(system.api, "The token is not an access token")


@pytest.fixture(scope="module")
def api_of_other_issuer(
    tmp_path_factory: pytest.TempPathFactory, system: System, elsewhere: OtherIssuer
) -> Iterator[str]:
    with further_apis(tmp_path_factory.mktemp("var"), system) as start:
        yield start(elsewhere.url)


@pytest.mark.parametrize(
    ("changed", "description"),
    [
        ({"iat": 1_700_000_000, "exp": 1_700_000_300}, "The token has expired"),
        ({"aud": "http://localhost:1/"}, "The token is not meant for this API"),
        ({"iss": "http://localhost:1"}, "The token's issuer is not trusted"),
    ],
)
def test_a_well_signed_token_with_a_wrong_claim_is_refused(
    api_of_other_issuer: str, elsewhere: OtherIssuer, changed: dict[str, object], description: str
) -> None:
    def call(token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{api_of_other_issuer}/api/whoami/", headers=headers, timeout=60)

    assert call(elsewhere.token(f"{api_of_other_issuer}/")).status_code == 200, "the same token, with nothing changed"
    assert refused(call(elsewhere.token(f"{api_of_other_issuer}/", **changed))) == (
        401,
        challenge(api_of_other_issuer, "invalid_token", description),
    )

"""DPoP at an API in a separate process, with a real server: requests with repeated headers or unusual paths."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from resources.testing import Holder
from tests import marks
from tests.flow.conftest import System, further_apis
from tests.flow.other_issuer import OtherIssuer

pytestmark = [*marks.stack]
HOLDER = Holder()
WHOAMI = "/api/whoami/"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, system: System, elsewhere: OtherIssuer) -> Iterator[str]:
    with further_apis(tmp_path_factory.mktemp("api"), system) as start:
        yield start(elsewhere.url)


def send(api: str, method: str, path: str, headers: list[tuple[str, str]]) -> tuple[int, str]:
    """Send a request with exactly these headers, even if a name is repeated.

    Returns the HTTP status and the WWW-Authenticate header, or "" if that header is missing.
    """
    connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=60)
    try:
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers.get("WWW-Authenticate", "")
    finally:
        connection.close()


def token(api: str, issuer: OtherIssuer) -> str:
    return issuer.token(f"{api}/", cnf=HOLDER.cnf)


def proof(api: str, bound: str, method: str = "GET", path: str = WHOAMI) -> str:
    return HOLDER.proof(method, api + path, bound)


def test_a_bound_token_is_accepted_once_per_proof(api: str, elsewhere: OtherIssuer) -> None:
    bound = token(api, elsewhere)
    headers = [("Authorization", f"DPoP {bound}"), ("DPoP", proof(api, bound))]
    assert send(api, "GET", WHOAMI, headers)[0] == 200
    status, challenge = send(api, "GET", WHOAMI, headers)
    assert (status, "The proof was used before" in challenge) == (401, True)


def test_two_proofs_are_refused_also_if_both_are_good(api: str, elsewhere: OtherIssuer) -> None:
    bound = token(api, elsewhere)
    first, second = proof(api, bound), proof(api, bound)
    for values in ([first, second], [first, first], [first, "junk"], ["junk", first], [f"{first}, {second}"]):
        headers = [("Authorization", f"DPoP {bound}"), *(("DPoP", value) for value in values)]
        status, challenge = send(api, "GET", WHOAMI, headers)
        assert (status, 'error="invalid_dpop_proof"' in challenge) == (401, True), values


def test_two_authorization_headers_are_refused(api: str, elsewhere: OtherIssuer) -> None:
    bound, unbound = token(api, elsewhere), elsewhere.token(f"{api}/")
    schemes = [f"DPoP {bound}", f"Bearer {unbound}"]
    for first, second in (schemes, schemes[::-1], [schemes[0]] * 2):
        headers = [("Authorization", first), ("Authorization", second), ("DPoP", proof(api, bound))]
        assert send(api, "GET", WHOAMI, headers)[0] in {400, 401}


@pytest.mark.parametrize("path", ["/api/whoami/?page=2", "/api/./whoami/", "/api/%77hoami/"])
def test_a_proof_is_for_its_resource_in_any_spelling(api: str, elsewhere: OtherIssuer, path: str) -> None:
    bound = token(api, elsewhere)
    headers = [("Authorization", f"DPoP {bound}"), ("DPoP", proof(api, bound))]
    status, _ = send(api, "GET", path, headers)
    assert status in {200, 404}, "the same resource, or none"
    other = [("Authorization", f"DPoP {bound}"), ("DPoP", proof(api, bound, path="/api/notes/"))]
    assert send(api, "GET", path, other)[0] in {401, 404}


def test_the_method_counts(api: str, elsewhere: OtherIssuer) -> None:
    bound = token(api, elsewhere)
    for method, status in (("HEAD", 401), ("GET", 200)):
        headers = [("Authorization", f"DPoP {bound}"), ("DPoP", proof(api, bound))]
        assert send(api, method, WHOAMI, headers)[0] == status
    assert send(api, "HEAD", WHOAMI, [headers[0], ("DPoP", proof(api, bound, "HEAD"))])[0] == 200

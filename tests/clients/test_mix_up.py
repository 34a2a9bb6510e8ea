"""The mix-up attack (RFC 9207 section 1). A client that checks `iss` sends no code to the attacker's issuer."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session

from project.launch.browser import Browser
from tests import marks
from tests.flow.conftest import System
from tests.flow.other_issuer import OtherIssuer

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), *marks.stack]
VERIFIER = "v" * 43


class MixedUp(Exception):
    """Raised if the response does not come from the issuer to which the client sent the user."""


@dataclass
class Client:
    """A client of several issuers.

    `issuer` is the issuer to which the client sent the user. `sent` has the token endpoints to which the client sent
    codes.
    """

    client_id: str
    callback: str
    issuer: str = ""
    sent: list[str] = field(default_factory=list)

    def begin(self, issuer: str, *, endpoint: str) -> str:
        self.issuer = issuer
        self.session = OAuth2Session(
            self.client_id, scope="notes:read", redirect_uri=self.callback, token_endpoint_auth_method="none",
            code_challenge_method="S256",
        )  # fmt: skip
        return self.session.create_authorization_url(endpoint, code_verifier=VERIFIER)[0]

    def finish(self, landed: str) -> dict[str, object]:
        """Redeem the code in the response URL `landed`, and return the token response.

        Raises MixedUp if the response's `iss` is not exactly `self.issuer` (RFC 9207 section 2.4).
        """
        if parse_qs(urlsplit(landed).query).get("iss") != [self.issuer]:
            raise MixedUp
        endpoint = f"{self.issuer}/oauth/token"
        self.sent.append(endpoint)
        return self.session.fetch_token(endpoint, authorization_response=landed, code_verifier=VERIFIER)


@pytest.fixture
def client(public, system: System) -> Client:
    return Client(public, system.callback)


def test_a_client_accepts_the_response_of_the_issuer_that_it_sent_the_user_to(
    client: Client, system: System, agree
) -> None:
    landed = agree(client.begin(system.issuer, endpoint=f"{system.issuer}/oauth/authorize"))
    assert client.finish(landed)["access_token"]


def test_an_attacker_s_issuer_that_redirects_the_user_to_this_issuer_gets_no_code(
    client: Client, system: System, elsewhere: OtherIssuer, agree
) -> None:
    """A client that sent the user to the attacker's issuer refuses a code of the honest issuer.

    The attacker's issuer redirects the user to the honest issuer.
    """
    begun = client.begin(elsewhere.url, endpoint=f"{elsewhere.url}/authorize")
    landed = agree(f"{system.issuer}/oauth/authorize?{urlsplit(begun).query}")
    assert "code=" in landed
    with pytest.raises(MixedUp):
        client.finish(landed)
    assert client.sent == []


def test_an_error_response_names_its_issuer(client: Client, system: System, elsewhere: OtherIssuer) -> None:
    begun = client.begin(elsewhere.url, endpoint=f"{elsewhere.url}/authorize")
    landed = Browser().get(f"{system.issuer}/oauth/authorize?{urlsplit(begun).query}&prompt=none").url
    assert parse_qs(urlsplit(landed).query)["error"] == ["login_required"]
    with pytest.raises(MixedUp):
        client.finish(landed)


def test_the_metadata_says_that_responses_name_the_issuer(system: System) -> None:
    for name in ("oauth-authorization-server", "openid-configuration"):
        metadata = requests.get(f"{system.issuer}/.well-known/{name}", timeout=60).json()
        assert metadata["authorization_response_iss_parameter_supported"] is True

"""Authorization requests of any length up to the limit, through the real server, login and consent."""

from urllib.parse import parse_qs, urlsplit

import pytest

from project.launch.browser import Browser
from tests import marks
from tests.flow.conftest import System
from tests.flow.test_story import agree, client, discovered
from tests.tokens.factories import CHALLENGE

pytestmark = [*marks.stack]


def address(system: System, length: int) -> str:
    session = client(system, "webapp", "openid notes:read")
    url, _ = session.create_authorization_url(
        discovered(system)["authorization_endpoint"],
        state="s" * length,
        code_challenge=CHALLENGE,
        code_challenge_method="S256",
        resource=system.audience,
    )
    return url


@pytest.mark.parametrize("length", [500, 2000, 4000, 7000])
def test_a_long_state_is_returned_after_login_and_consent(system: System, length: int) -> None:
    landed = agree(system, address(system, length))
    answer = parse_qs(urlsplit(landed.url).query)
    assert answer["state"] == ["s" * length]
    assert answer["code"]
    assert all(len(visited) < 200 for visited in landed.history if "/accounts/login/" in visited)


def test_a_longer_request_is_an_error_page_for_a_visitor(system: System) -> None:
    refused = Browser().get(address(system, 8192))
    assert (refused.status, refused.url.startswith(system.issuer)) == (400, True)
    assert "The authorization request is longer than 8192 characters." in refused.text

"""Several browsers use one `request_uri` at the same time, on PostgreSQL. Only one of the browsers succeeds.

RFC 9126 section 4.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import requests

from tests.services.conftest import Issuer
from tests.services.test_answered_requests import REQUEST, serving

pytestmark = pytest.mark.services
BROWSERS = 8
ROUNDS = 5


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[str]:
    with serving(issuer, tmp_path) as url:
        yield url


def test_one_of_the_browsers_that_bring_a_request_uri_at_once_gets_the_request(issuer: Issuer, served: str) -> None:
    for round_ in range(1, ROUNDS + 1):
        pushed = requests.post(f"{served}/oauth/par", REQUEST, timeout=60)
        assert pushed.status_code == 201, pushed.text
        address = {"client_id": "app", "request_uri": pushed.json()["request_uri"]}
        together = Barrier(BROWSERS)

        def browser(_: int, address: dict = address, together: Barrier = together) -> requests.Response:
            together.wait()
            return requests.get(f"{served}/oauth/authorize", address, timeout=60, allow_redirects=False)

        with ThreadPoolExecutor(BROWSERS) as pool:
            answers = list(pool.map(browser, range(BROWSERS)))
        assert sorted(answer.status_code for answer in answers) == [302, *[400] * (BROWSERS - 1)]
        (won,) = [answer for answer in answers if answer.status_code == 302]
        assert "continue=" in won.headers["Location"]
        assert all("Location" not in answer.headers for answer in answers if answer is not won)
        assert issuer.rows("SELECT count(*) FROM django_session") == [(round_,)], "the others stored nothing"
    assert issuer.rows("SELECT count(*) FROM tokens_pushedrequest WHERE used_at IS NOT NULL") == [(ROUNDS,)]

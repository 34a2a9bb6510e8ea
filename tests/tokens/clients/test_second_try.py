"""Which request can be a second try, and how long a refusal is stored for it.

tests/tokens/views/test_second_try.py sends the requests.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tokens.clients import second_try
from tokens.clients.authentication import Credentials
from tokens.clients.second_try import WINDOW
from tokens.errors import OAuthError

NOW = datetime(2030, 1, 1, tzinfo=UTC)
REFUSED = OAuthError("unauthorized_client", "This client may not.", status=403, reason="its grants")


def test_the_second_try_gets_the_status_and_text_of_the_first_refusal():
    again = second_try.read(second_try.entry(REFUSED, now=NOW), now=NOW).again()
    assert (again.error, again.description, again.status_code) == ("unauthorized_client", "This client may not.", 403)


@pytest.mark.parametrize(("later", "is_found"), [(WINDOW, True), (WINDOW + timedelta(milliseconds=1), False)])
def test_a_refusal_is_found_until_the_window_ends(later, is_found):
    assert (second_try.read(second_try.entry(REFUSED, now=NOW), now=NOW + later) is not None) is is_found


@pytest.mark.parametrize(
    ("credentials", "possible"),
    [
        (Credentials(has_header=False, name="app", client_id="app", secret="s"), True),
        (Credentials(has_header=True, name="app"), False),
        (Credentials(has_header=False), False),
    ],
)
def test_only_a_request_that_names_its_client_in_the_body_is_a_second_try(credentials, possible):
    assert second_try.is_possible(credentials) is possible

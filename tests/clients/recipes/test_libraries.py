"""Documentation pages about libraries that contain no website. The developer writes the website.

The code block of each page has a function for each step, such as login and logout.
"""

import pytest

from tests import marks
from tests.clients.recipes import libraries
from tests.clients.recipes.stack import USER
from tests.ports import free

pytestmark = [*marks.clients]

LACKS = {
    "idpyoidc": "",
    "msal": "logout",
    "openid-client": "",
    "requests-oauth2client": "logout",
    "requests-oauthlib": "logout",
}


@pytest.fixture
def app() -> str:
    """Return a URL at which no server listens.

    The issuer redirects the browser to this URL, and the test reads the parameters from the address.
    """
    return f"https://localhost:{free()}"


@pytest.mark.parametrize("page", LACKS, indirect=True)
def test_a_library_logs_a_user_in_refreshes_and_logs_the_user_out(page, client, keyturn, app, ada, steps, tmp_path):
    with libraries.running(page, client, keyturn, tmp_path) as program:
        logged_in = program.answer(ada.callback(program.next()["go"], app))
        steps.done("login")
        claims = logged_in["claims"]
        assert (claims["preferred_username"], claims["name"]) == (USER["username"], "Ada Lovelace")
        assert (claims["email"], claims["email_verified"]) == (USER["email"], True)
        steps.done("claims")
        assert keyturn.opens_api(logged_in["access_token"])
        steps.done("API")
        fresh = program.answer("refresh")
        assert fresh["access_token"] != logged_in["access_token"]
        assert keyturn.opens_api(fresh["access_token"])
        steps.done("refresh")
        assert ada.is_logged_in()
        if "logout" not in LACKS[page.name]:
            assert ada.callback(program.answer("logout_url")["go"], app).startswith(f"{app}/")
            assert not ada.is_logged_in()
            steps.done("logout")
        steps.complete(lacks=LACKS[page.name])

"""docs/clients/msal.md: msal in a desktop program.

The program receives the authorization response by form_post, at a free port of localhost.
"""

from urllib.parse import urlsplit

import pytest

from tests import marks
from tests.clients.recipes import environments
from tests.clients.recipes.programs import dialogue
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]
# A browser that prints what it is asked to open.
PROGRAM = """
import json
import webbrowser
import recipe


class Printer(webbrowser.BaseBrowser):
    def open(self, url, new=0, autoraise=True):
        print(json.dumps({"go": url}), flush=True)
        return True


webbrowser.register("printer", None, Printer(), preferred=True)
print(json.dumps(recipe.log_in()), flush=True)
"""


@pytest.fixture
def client(page, keyturn):
    """Run the second command of the documentation page, and return the client that it registers."""
    return keyturn.create_client(page.commands()[1])


def test_msal_on_a_desktop_logs_a_user_in_at_any_port_of_localhost_by_form_post(page, client, keyturn, ada, tmp_path):
    (tmp_path / "recipe.py").write_text(page.code("python", number=1, **client), encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with dialogue([environments.python("libraries"), "program.py"], tmp_path, keyturn.trust()) as program:
        url = program.next()["go"]
        assert "response_mode=form_post" in url
        landed = ada.open(url)
        assert urlsplit(landed.url).hostname == "localhost"
        assert "code" not in urlsplit(landed.url).query
        result = program.next()
    claims = result["id_token_claims"]
    assert (claims["preferred_username"], claims["email"]) == (USER["username"], USER["email"])
    assert keyturn.opens_api(result["access_token"])

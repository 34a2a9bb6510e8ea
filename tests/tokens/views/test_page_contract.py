"""The element ids and names in the issuer's HTML pages are a contract (docs/clients.md).

Other programs depend on them.
"""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.tokens.factories import authorization, log_in

PAGE = Path(__file__).resolve().parents[3] / "docs" / "clients.md"


class Elements(HTMLParser):
    """Collects each HTML element of a page, as its tag and attributes."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def count(self, tag, **attributes):
        return sum(name == tag and attributes.items() <= has.items() for name, has in self.found)


# By selector as the documentation writes it: the page, the tag and the attributes.
CONTRACT = {
    "#id_login": ("login", "input", {"id": "id_login", "name": "login"}),
    "#id_password": ("login", "input", {"id": "id_password", "name": "password", "type": "password"}),
    "button[type=submit]": ("login", "button", {"type": "submit"}),
    "button[name=allow][value=true]": ("consent", "button", {"name": "allow", "value": "true"}),
    "button[name=allow][value=false]": ("consent", "button", {"name": "allow", "value": "false"}),
    "#user_code": ("device", "input", {"id": "user_code", "name": "user_code"}),
    "button[name=log_out]": ("logout", "button", {"name": "log_out", "value": "true"}),
    "[role=alert]": ("error", "p", {"role": "alert"}),
}


@pytest.fixture
def shown(client, user, webapp):
    """Return a function that returns the HTML elements of the page with the given name."""
    request = authorization(webapp)
    addresses = {
        "login": ("/accounts/login/", {}),
        "consent": ("/oauth/authorize", request),
        "device": ("/oauth/device/verify", {}),
        "logout": ("/oauth/logout", {}),
        "error": ("/oauth/authorize", request | {"client_id": "nobody"}),
    }

    def read(name):
        if name != "login":
            log_in(client, user)
        return Elements(client.get(*addresses[name]).content.decode())

    return read


@pytest.mark.parametrize("selector", CONTRACT)
def test_a_page_has_each_element_of_the_contract_once(shown, selector):
    page, tag, attributes = CONTRACT[selector]
    assert shown(page).count(tag, **attributes) == 1


def test_the_login_page_has_one_form_that_is_sent_by_post(shown):
    page = shown("login")
    assert (page.count("form"), page.count("form", method="post")) == (1, 1)


def test_the_documentation_lists_the_contract_and_nothing_else():
    _, _, section = PAGE.read_text(encoding="utf-8").partition("## The pages, for automation")
    table, _, _ = section.partition("\n## ")
    rows = [line.split("|")[2].strip() for line in table.splitlines() if line.startswith("| ")]
    assert set(rows) - {"element"} == {f"`{selector}`" for selector in CONTRACT}

"""The fields of a manifest.

Unknown fields, wrong types, and two exchange policies for the same client and API are reported with their lines.
"""

import pytest

from tokens.manifest import plan, schema
from tokens.manifest.tree import InvalidManifest

GOOD = """
groups: [Accounting]
apis:
  https://orders.example/:
    name: Orders
    algorithms: [RS256]
    scopes:
      orders:read: See your orders
      reports:read: {description: See the reports, groups: [Accounting]}
clients:
  web:
    name: Web
    access_token_lifetime: 300
    redirect_uris: [https://app.example/cb]
exchange_policies:
  - {client: web, api: https://orders.example/, scopes: [orders:read]}
"""


def faults(text: str) -> list[str]:
    """Return the problems of a manifest's text as lines."""
    with pytest.raises(InvalidManifest) as caught:
        schema.read(text, plan.SCHEMA)
    return [problem.shown("f") for problem in caught.value.problems]


def test_a_file_is_read_as_entries() -> None:
    document = schema.read(GOOD, plan.SCHEMA)
    api = document.apis["https://orders.example/"]
    assert document.groups == ("Accounting",)
    assert api.values == {"name": "Orders", "algorithms": ["RS256"]}
    assert {name: scope.values for name, scope in api.scopes.items()} == {
        "orders:read": {"description": "See your orders"},
        "reports:read": {"description": "See the reports", "groups": ["Accounting"]},
    }
    assert document.clients["web"].lines["access_token_lifetime"] == 13
    assert document.exchange_policies[0].values["scopes"] == ["orders:read"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("redirect_uris", "redirect_uri", "f:14: clients.web.redirect_uri: there is no such field; did you mean redir"),
        (
            "groups: [Accounting]\napis",
            "group: [Accounting]\napis",
            "f:2: group: there is no such field; did you mean groups?",
        ),
        ("name: Web", "name: no", "f:12: clients.web.name: must be a text (put it in quotes)"),
        ("name: Web", "active: 'no'", "f:12: clients.web.active: must be true or false"),
        ("300", "5m", "f:13: clients.web.access_token_lifetime: must be a number of seconds"),
        ("300", "true", "f:13: clients.web.access_token_lifetime: must be a number of seconds"),
        ("300", "-1", "f:13: clients.web.access_token_lifetime: must be a number of seconds"),
        ("[https://app.example/cb]", "https://app.example/cb", "f:14: clients.web.redirect_uris: must be a list"),
        (
            "[https://app.example/cb]",
            '["https://a/ b"]',
            "f:14: clients.web.redirect_uris: must be a list of texts with",
        ),
        (
            "[https://app.example/cb]",
            "[x, x]",
            "f:14: clients.web.redirect_uris: must be a list of texts without spaces",
        ),
        (
            "orders:read: See your orders",
            "orders:read: {}",
            "f:8: apis.https://orders.example/.scopes.orders:read.desc",
        ),
        ("algorithms: [RS256]", "scope: {}", "f:6: apis.https://orders.example/.scope: there is no such field"),
        ("client: web, ", "", "f:16: exchange_policies[0].client: is missing"),
        ("name: Web", 'name: "a\\0b"', "f:12: clients.web.name: must be a text"),
        ("name: Web", 'name: "a\\ud800b"', "f:12: clients.web.name: must be a text"),
    ],
)
def test_a_wrong_field_is_reported_with_file_line_and_field(old: str, new: str, said: str) -> None:
    assert old in GOOD
    (line,) = faults(GOOD.replace(old, new))
    assert line.startswith(said), line


def test_every_problem_is_reported_at_once() -> None:
    text = (
        GOOD.replace("name: Web", "nam: Web").replace("300", "x") + "  - {client: web, api: https://orders.example/}\n"
    )
    lines = faults(text)
    assert [line.split(": ")[1] for line in lines] == [
        "clients.web.nam",
        "clients.web.access_token_lifetime",
        "exchange_policies[1].scopes",
        "exchange_policies[1]",
    ]


def test_a_section_of_the_wrong_form_is_reported() -> None:
    assert faults("clients: [web]") == ["f:1: clients: must be a mapping of names to values"]
    assert faults("exchange_policies: {}") == ["f:1: exchange_policies: must be a list"]
    assert faults("groups: Accounting")[0].startswith("f:1: groups: must be a list of texts")
    assert faults("- a") == ["f:1: : must be a mapping of names to values".replace(": :", ":")]

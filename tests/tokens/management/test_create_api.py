"""The command `create_api`: register an API and its scopes."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from tests.tokens.factories import make_client
from tokens.management.commands.create_api import Command
from tokens.models import Api, AuditEvent, Client, Scope

pytestmark = pytest.mark.django_db
ORDERS = ("--identifier", "https://orders.example/", "--name", "Orders")


def create(*arguments):
    out = StringIO()
    call_command("create_api", *arguments, stdout=out)
    return out.getvalue()


def test_creating_an_api_and_its_scopes_records_an_event_each():
    printed = create(*ORDERS, "--scope", "orders:read=See your orders", "--scope", "orders:write=Order = buy", "--json")
    assert json.loads(printed) == {
        "identifier": "https://orders.example/",
        "scopes": ["orders:read", "orders:write"],
        "created": True,
    }
    api = Api.objects.get()
    assert (api.name, api.algorithms, api.max_token_lifetime, api.client) == ("Orders", ["RS256"], None, None)
    assert dict(Scope.objects.filter(api=api).values_list("name", "description")) == {
        "orders:read": "See your orders",
        "orders:write": "Order = buy",
    }
    events = AuditEvent.objects.order_by("pk").values_list("action", "actor", "subject")
    assert list(events) == [
        ("api.created", "command:create_api", "api:https://orders.example/"),
        ("scope.created", "command:create_api", "scope:orders:read"),
        ("scope.created", "command:create_api", "scope:orders:write"),
    ]


def test_a_client_can_be_registered_with_the_new_scopes():
    create(*ORDERS, "--scope", "orders:read=See your orders")
    call_command(
        "create_client", "--name", "S", "--grant", "client_credentials", "--scope", "orders:read", stdout=StringIO()
    )


def test_other_commands_find_the_api_with_or_without_the_slash_of_an_empty_path():
    create(*ORDERS)
    own = make_client("orders-api")
    call_command("link_api", "https://orders.example", "--client", "orders-api", stdout=StringIO())
    assert Api.objects.get().client == own
    arguments = ("--name", "S", "--grant", "client_credentials", "--client-id", "s", "--api", "https://orders.example")
    call_command("create_client", *arguments, stdout=StringIO())
    assert [api.identifier for api in Client.objects.get(client_id="s").apis.all()] == ["https://orders.example/"]
    with pytest.raises(CommandError, match=r"There is no API https://orders\.example/v1"):
        call_command("create_client", *arguments[:-1], "https://orders.example/v1", stdout=StringIO())


def test_every_property_of_an_api_can_be_set():
    own = make_client("orders-api")
    arguments = (
        "--max-token-lifetime",
        "120",
        "--client",
        "orders-api",
        "--algorithm",
        "ES256",
        "--algorithm",
        "RS256",
    )
    assert create(*ORDERS, *arguments).splitlines() == [
        "identifier  https://orders.example/",
        "scopes      (none)",
    ]
    api = Api.objects.get()
    assert (api.max_token_lifetime, api.client) == (timedelta(minutes=2), own)
    assert api.algorithms == ["ES256", "RS256"]


def test_a_scope_can_be_limited_to_groups_and_an_api_can_get_the_groups_of_users():
    for name in ("Accounting", "Chiefs"):
        Group.objects.create(name=name)
    limits = ("--limit-scope", "orders:read=Accounting", "--limit-scope", "orders:read=Chiefs")
    create(*ORDERS, "--scope", "orders:read=See", "--scope", "orders:write=Buy", *limits, "--groups-in-tokens")
    assert dict(Scope.objects.values_list("name", "groups")) == {
        "orders:read": ["Accounting", "Chiefs"],
        "orders:write": None,
    }
    assert Api.objects.get().gets_groups is True
    details = AuditEvent.objects.get(subject="scope:orders:read").details
    assert details == {"api": "https://orders.example/", "groups": ["Accounting", "Chiefs"]}


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ("orders:read=Nobody", "There is no group Nobody"),
        ("orders:write=Accounting", "orders:write is no scope of this API"),
        ("orders:read", "is not like"),
        ("=Accounting", "is not like"),
    ],
)
def test_a_limit_that_names_no_scope_or_no_group_creates_nothing(limit, why):
    Group.objects.create(name="Accounting")
    with pytest.raises(CommandError, match=why):
        create(*ORDERS, "--scope", "orders:read=See", "--limit-scope", limit)
    assert not Api.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--identifier", "orders", "--name", "Orders"), "identifier: Enter an absolute URI"),
        (("--identifier", "http://localhost:8000", "--name", "Orders"), "identifier: This is the issuer itself"),
        (("--identifier", "http://localhost:8000/", "--name", "Orders"), "identifier: This is the issuer itself"),
        (
            ("--identifier", "https://taken.example", "--name", "T"),
            "The API https://taken.example/ is registered and",
        ),
        ((*ORDERS, "--name", ""), "--name is empty: give it a value"),
        ((*ORDERS, "--client", "nobody"), "there is no client nobody"),
        ((*ORDERS, "--scope", "orders:read"), "has no description for users"),
        ((*ORDERS, "--scope", "orders:read= "), "has no description for users"),
        ((*ORDERS, "--scope", "orders read=See"), "name: A scope is printable ASCII"),
        ((*ORDERS, "--scope", "openid=You"), "name: openid belongs to OpenID Connect"),
        ((*ORDERS, "--scope", "a=A", "--scope", "a=B"), "a is given twice"),
        ((*ORDERS, "--scope", "a=A\0"), "is not valid UTF-8 text"),
        ((*ORDERS, "--scope", "taken=Mine"), "name: Scope with this Name already exists"),
        (
            ("--identifier", "https://taken.example/", "--name", "T"),
            "The API https://taken.example/ is registered and",
        ),
        ((*ORDERS, "--max-token-lifetime", "0"), "is not a number of seconds"),
        ((*ORDERS, "--max-token-lifetime", "86401"), "max_token_lifetime: "),
        ((*ORDERS, "--algorithm", "HS256"), "invalid choice: 'HS256'"),
    ],
)
def test_bad_input_is_an_error_and_creates_nothing(arguments, why):
    taken = Api.objects.create(identifier="https://taken.example/", name="T")
    Scope.objects.create(name="taken", description="T", api=taken)
    with pytest.raises(CommandError, match="(?s)" + why.replace("(", r"\(")):
        create(*arguments)
    assert (Api.objects.count(), Scope.objects.count(), AuditEvent.objects.count()) == (1, 1, 0)


SWITCHES = {
    "--introspection-names-user": "introspection_names_user",
    "--audience-as-list": "lists_audience",
    "--dangerously-issue-typ-jwt": "dangerously_issues_typ_jwt",
}


@pytest.mark.parametrize("option", SWITCHES)
def test_each_switch_has_an_option_and_the_event_names_it(option):
    create(*ORDERS, option)
    create("--identifier", "https://bills.example/", "--name", "Bills")
    for identifier, on in (("https://orders.example/", {SWITCHES[option]: True}), ("https://bills.example/", {})):
        api = Api.objects.get(identifier=identifier)
        assert {name: True for name in SWITCHES.values() if getattr(api, name)} == on
        assert AuditEvent.objects.get(subject=f"api:{identifier}").details == {"name": api.name} | on


def test_the_help_says_which_identifier_to_choose():
    text = " ".join(Command().create_parser("manage.py", "create_api").format_help().split())
    assert "the API's base URL with the slash at its end: some resource servers" in text
    assert "A URN for software without a URL" in text


def test_a_broker_is_registered_under_a_urn():
    create(
        "--identifier", "urn:example:broker", "--name", "B", "--scope", "urn:example:broker.read:*/*=Read every queue"
    )
    assert Scope.objects.get().name == "urn:example:broker.read:*/*"


def test_the_same_command_again_changes_nothing_and_another_names_what_differs():
    Group.objects.create(name="Accounting")
    scopes = ("--scope", "orders:read=See", "--scope", "orders:all=All")
    arguments = (*ORDERS, *scopes, "--limit-scope", "orders:all=Accounting")
    create(*arguments)
    events = AuditEvent.objects.count()
    assert json.loads(create(*arguments, "--json"))["created"] is False
    assert create(*arguments).startswith("already registered, unchanged\n")
    assert (AuditEvent.objects.count(), Api.objects.count()) == (events, 1)
    for other, said in (
        ((*arguments, "--groups-in-tokens"), "gets_groups is False, not True"),
        (arguments[:-2], r"groups is orders:all=Accounting, not \(none\)"),
        ((*ORDERS, "--scope", "orders:read=Look"), "scopes is orders:all=All, orders:read=See, not orders:read=Look"),
        ((*ORDERS[:3], "Buying", *arguments[4:]), "name is Orders, not Buying"),
    ):
        with pytest.raises(CommandError, match=said):
            create(*other)
    assert AuditEvent.objects.count() == events

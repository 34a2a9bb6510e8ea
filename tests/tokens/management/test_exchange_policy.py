"""`exchange_policy` and `link_api`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.factories import API, OTHER_API, make_client
from tokens.models import Api, AuditEvent, ExchangePolicy, RegistryVersion

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def orders(apis):
    return make_client("orders", scopes=())


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def policy(*arguments):
    return json.loads(run("exchange_policy", *arguments, "--json"))


def events():
    return [(one.action, one.subject, one.details) for one in AuditEvent.objects.order_by("pk")]


def test_a_policy_is_set_changed_and_removed_as_in_the_admin():
    read = {"client_id": "orders", "api": API, "scopes": ["notes:read"]}
    assert policy("set", "orders", API, "--scope", "notes:read") == {"changed": True, "policies": [read]}
    both = policy("set", "orders", API, "--scope", "notes:write", "--scope", "notes:read")
    assert both == {"changed": True, "policies": [read | {"scopes": ["notes:read", "notes:write"]}]}
    assert policy("list", "orders")["policies"] == both["policies"]
    assert policy("remove", "orders", API) == {"changed": True, "policies": []}
    assert not ExchangePolicy.objects.exists()
    who, api = "client:orders", {"api": API}
    assert events() == [
        ("exchange_policy.created", who, api | {"scopes": ["notes:read"]}),
        ("exchange_policy.changed", who, api | {"scopes": ["notes:read", "notes:read, notes:write"]}),
        ("exchange_policy.deleted", who, api),
    ]


def test_setting_or_removing_a_policy_again_records_no_event():
    policy("set", "orders", API, "--scope", "notes:read")
    assert policy("set", "orders", API, "--scope", "notes:read")["changed"] is False
    policy("remove", "orders", API)
    assert policy("remove", "orders", API)["changed"] is False
    assert len(events()) == 2


def test_policies_are_printed_as_lines():
    assert run("exchange_policy", "list") == "no policy\n"
    run("exchange_policy", "set", "orders", API, "--scope", "notes:read")
    assert run("exchange_policy", "list") == f"orders  {API}  notes:read\n"
    assert "nothing had to change" in run("exchange_policy", "set", "orders", API, "--scope", "notes:read")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("set", "nobody", API, "--scope", "notes:read"), "there is no client nobody"),
        (("set", "orders", "https://nowhere.example/", "--scope", "x"), "there is no API https://nowhere.example/"),
        (("set", "orders", API, "--scope", "other:read"), "Not a scope of this API: other:read"),
        (("set", "orders", API, "--scope", "notes:read", "--scope", "nothing"), "Not a scope of this API: nothing"),
        (("set", "orders", API), "required: --scope"),
        (("list", "nobody"), "there is no client nobody"),
    ],
)
def test_wrong_usage_is_refused_and_changes_nothing(arguments, why):
    with pytest.raises(CommandError, match=why):
        run("exchange_policy", *arguments)
    assert not ExchangePolicy.objects.exists()
    assert events() == []


# the client that an API is


def test_a_client_is_linked_to_an_api_and_unlinked():
    make_client("other")
    result = {"api": API, "client_id": "orders", "changed": True}
    before = RegistryVersion.objects.get().value
    assert json.loads(run("link_api", API, "--client", "orders", "--json")) == result
    assert RegistryVersion.objects.get().value != before
    assert Api.objects.get(identifier=API).client.client_id == "orders"
    assert Api.objects.get(identifier=OTHER_API).client is None
    assert run("link_api", API, "--client", "orders") == f"{API} was already linked to orders\n"
    assert run("link_api", API, "--client", "other") == f"{API} is linked to other\n"
    assert run("link_api", API, "--none") == f"{API} is linked to no client\n"
    assert Api.objects.get(identifier=API).client is None
    assert events() == [
        ("api.changed", f"api:{API}", {"client": ["None", "orders"]}),
        ("api.changed", f"api:{API}", {"client": ["orders", "other"]}),
        ("api.changed", f"api:{API}", {"client": ["other", "None"]}),
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("https://nowhere.example/", "--client", "orders"), "there is no API https://nowhere.example/"),
        ((API, "--client", "nobody"), "there is no client nobody"),
        ((API,), "one of the arguments --client --none is required"),
        ((API, "--none", "--client", "orders"), "not allowed with argument"),
    ],
)
def test_a_wrong_link_is_refused(arguments, why):
    with pytest.raises(CommandError, match=why):
        run("link_api", *arguments)
    assert events() == []

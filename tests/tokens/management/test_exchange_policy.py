"""`exchange_policy` and `link_api`, by which an operator permits token exchange."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.factories import API, make_client
from tokens.models import AuditEvent, ExchangePolicy

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
    return [
        (audit_event.action, audit_event.subject, audit_event.details)
        for audit_event in AuditEvent.objects.order_by("pk")
    ]


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


def test_a_scope_that_a_changed_policy_no_longer_names_is_removed_from_it():
    policy("set", "orders", API, "--scope", "notes:read", "--scope", "notes:write")
    (changed,) = policy("set", "orders", API, "--scope", "notes:read")["policies"]
    assert changed["scopes"] == ["notes:read"]


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

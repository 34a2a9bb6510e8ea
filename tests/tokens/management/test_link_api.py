"""`link_api` links an API to the client that acts for it, for example when it introspects tokens."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.factories import API, OTHER_API, make_client
from tokens.models import Api, AuditEvent, RegistryVersion

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def orders(apis):
    return make_client("orders", scopes=())


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def events():
    return [
        (audit_event.action, audit_event.subject, audit_event.details)
        for audit_event in AuditEvent.objects.order_by("pk")
    ]


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

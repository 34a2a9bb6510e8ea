"""`create_client --pkce`, `--any-localhost-port` and `--second-factor`: turned on, turned off, and refused."""

import pytest
from django.core.management import CommandError, call_command

from tokens.authentication_class import MULTI_FACTOR, PHISHING_RESISTANT
from tokens.models import AuditEvent, Client, PkceRule

pytestmark = pytest.mark.django_db

CODE = ("--name", "App", "--grant", "authorization_code", "--redirect-uri")
WEB, NATIVE = "https://app.example/callback", "http://localhost/callback"


def create(*options, uri=WEB):
    call_command("create_client", *CODE, uri, *options, verbosity=0)
    return Client.objects.get()


@pytest.mark.parametrize(
    ("options", "stored", "rule"),
    [
        ([], None, PkceRule.REQUIRED),
        (["--pkce", "required"], None, PkceRule.REQUIRED),
        (["--pkce", "nonce"], "nonce", PkceRule.NONCE),
        (["--pkce", "optional"], "optional", PkceRule.OPTIONAL),
    ],
)
def test_a_confidential_client_has_the_rule_that_was_chosen_and_the_trail_names_it(options, stored, rule):
    client = create(*options)
    assert (client.pkce, client.pkce_rule) == (stored, rule)
    details = AuditEvent.objects.get(action="client.created").details
    assert details.get("pkce") == stored


@pytest.mark.parametrize("rule", ["nonce", "optional"])
def test_a_public_client_is_not_registered_below_required(rule):
    with pytest.raises(CommandError, match="PKCE is required of a public client"):
        create("--public", "--pkce", rule)
    assert not Client.objects.exists()
    assert create("--public", "--pkce", "required").pkce_rule == PkceRule.REQUIRED


def test_an_unknown_rule_is_refused():
    with pytest.raises(CommandError, match="invalid choice"):
        create("--pkce", "none")


def test_a_public_client_can_use_any_port_on_localhost_and_the_trail_records_it():
    client = create("--public", "--any-localhost-port", uri=NATIVE)
    assert client.frees_localhost_port
    assert AuditEvent.objects.get(action="client.created").details["allows_any_localhost_port"] is True


def test_a_client_can_be_required_to_push_its_requests_and_the_trail_records_it():
    assert not create().must_push_requests
    Client.objects.all().delete()
    assert create("--require-par").must_push_requests
    events = AuditEvent.objects.filter(action="client.created").order_by("pk")
    named = "require_pushed_authorization_requests"
    assert [event.details.get(named) for event in events] == [None, True]


def test_a_client_without_keys_cannot_be_required_to_sign_requests():
    with pytest.raises(CommandError, match="Only a client with private_key_jwt"):
        create("--require-signed-request")
    assert not Client.objects.exists()


def test_without_the_option_the_port_is_compared():
    assert not create("--public", uri=NATIVE).frees_localhost_port


def test_a_confidential_client_cannot_use_any_port_on_localhost():
    with pytest.raises(CommandError, match="Only a public client"):
        create("--any-localhost-port", uri=NATIVE)
    assert not Client.objects.exists()


@pytest.mark.parametrize(("word", "name"), [("any", MULTI_FACTOR), ("passkey", PHISHING_RESISTANT)])
def test_a_client_can_require_a_second_factor_and_the_trail_records_it(word, name):
    assert create("--second-factor", word).required_class == name
    assert AuditEvent.objects.get(action="client.created").details["required_class"] == name


def test_without_the_option_a_client_requires_no_second_factor():
    assert create().required_class is None

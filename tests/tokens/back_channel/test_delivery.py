"""The addresses to which logout tokens are sent.

They are public addresses, and private addresses only of hosts that the operator has named.
"""

from urllib.parse import parse_qs

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.resources.loopback import loopback
from tokens import conf, outbound
from tokens.back_channel import delivery, outbox
from tokens.models import Client

URI = "https://wiki.corp.example/logged-out"
REFUSED = "wiki.corp.example: its address is not public"


def client(uri=URI, **fields):
    return Client(client_id="app", backchannel_logout_uri=uri, **fields)


@pytest.fixture
def private(settings, monkeypatch):
    """Return a function that sets the hosts of PRIVATE_LOGOUT_HOSTS.

    Every name resolves to a private address, and no connection is made.
    """
    monkeypatch.setattr(outbound, "_resolve", lambda *_: ["10.0.0.1"])

    def connect(*_, **__):
        raise OSError("connected")

    monkeypatch.setattr(outbound.socket, "create_connection", connect)

    def choose(*hosts):
        settings.ISSUER = settings.ISSUER | {"PRIVATE_LOGOUT_HOSTS": hosts}

    return choose


@pytest.mark.parametrize("hosts", [("wiki.corp.example",), (".corp.example",), ("other.example", "WIKI.corp.example")])
def test_a_private_host_that_the_operator_named_is_connected_to(private, hosts):
    private(*hosts)
    assert delivery.send(client(), "the-token") == "wiki.corp.example: connected"


@pytest.mark.parametrize("hosts", [(), ("corp.example",), ("iki.corp.example",), ("wiki.corp.example.evil.example",)])
def test_another_private_host_is_refused_without_a_connection(private, hosts):
    private(*hosts)
    assert delivery.send(client(), "the-token") == REFUSED


@pytest.mark.parametrize("registered_by", ["dynamic", "document"])
def test_a_client_that_registered_itself_reaches_no_private_host(private, registered_by):
    private("wiki.corp.example")
    assert delivery.send(client(registered_by=registered_by), "the-token") == REFUSED


def test_an_entry_that_is_no_host_is_refused(private):
    private("https://wiki.corp.example")
    with pytest.raises(ImproperlyConfigured, match="PRIVATE_LOGOUT_HOSTS must have hosts"):
        conf.issuer()


def test_the_client_gets_the_token_as_a_form_and_a_refusal_repeats_nothing_of_it(settings):
    settings.DEBUG = True
    forms = []

    def refuse(handler):
        forms.append(parse_qs(handler.rfile.read(int(handler.headers["Content-Length"])).decode()))
        handler.send_response(400)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with loopback() as server:
        server.answers["/x"] = refuse
        assert delivery.send(client(f"{server.url}/x"), "the-token") == "127.0.0.1: it answered 400"
    assert forms == [{"logout_token": ["the-token"]}]


def test_a_deadline_of_a_delivery_is_shorter_than_its_lease():
    assert outbox.LEASE.total_seconds() > delivery.WITHIN * 2

"""Fetches of a document from an address that a client chose.

They have limits, and never go to a private network.
"""

import json
import threading

import pytest

from resources.keysets.key_policy import PRODUCTION
from resources.outbound import fetch as api_fetch
from tests.resources.loopback import Loopback
from tokens import outbound
from tokens.outbound import FetchError, StatusError


@pytest.fixture
def server():
    loopback = Loopback()
    yield loopback
    loopback.stop()


def get(server, path="/doc", **options):
    return outbound.get_json(server.url + path, allow_private=True, **options)


def answer(body, *, status=200, headers=()):
    def send(handler):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def test_a_json_document_is_fetched(server):
    server.answers["/doc?x=1"] = answer(b'{"a": 1}')
    assert get(server, "/doc?x=1") == {"a": 1}
    assert server.seen[0][2]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("body", "status", "headers", "because"),
    [
        (b"{", 200, (), "JSONDecodeError"),
        (b"[" * 100_000, 200, (), "RecursionError"),
        (b"\xff", 200, (), "UnicodeDecodeError"),
        (b"{}", 404, (), "404"),
        (b"{}", 302, (("Location", "/elsewhere"),), "302"),
        (json.dumps("x" * outbound.MAX_BYTES).encode(), 200, (), "longer than"),
    ],
)
def test_an_answer_that_is_no_json_document_is_refused_with_the_reason(server, body, status, headers, because):
    server.answers["/doc"] = answer(body, status=status, headers=headers)
    with pytest.raises(FetchError, match=because):
        get(server)
    assert len(server.seen) == 1, "no redirect is followed"


def test_size_and_time_limits_are_those_of_an_api():
    assert (api_fetch.MAX_BYTES, PRODUCTION.deadline) == (outbound.MAX_BYTES, outbound.DEADLINE)


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP"])
def test_a_compressed_document_is_refused(server, encoding):
    server.answers["/doc"] = answer(b"{}", headers=(("Content-Encoding", encoding),))
    with pytest.raises(FetchError, match="compressed"):
        get(server)


def resolve_to(monkeypatch, *addresses):
    """Make every host name resolve to these addresses."""
    monkeypatch.setattr(outbound, "_resolve", lambda *_: list(addresses))


def test_a_name_with_an_unreachable_address_is_fetched_from_its_other_address(server, monkeypatch):
    server.answers["/doc"] = answer(b"1")
    resolve_to(monkeypatch, "127.0.0.9", "127.0.0.1")
    assert get(server) == 1


def test_a_name_with_a_private_address_among_public_ones_is_not_connected_to(monkeypatch):
    resolve_to(monkeypatch, "93.184.216.34", "10.0.0.1")
    with pytest.raises(FetchError, match="its address is not public"):
        outbound.get_json("https://issuer.example/")


def test_the_deadline_covers_a_resolver_that_does_not_answer(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda *_, **__: [] if released.wait(30) else None)
    try:
        with pytest.raises(FetchError, match="in time"):  # which step finds it out depends on the machine's load
            outbound.get_json("https://issuer.example/", deadline=0.05)
    finally:
        released.set()


def test_an_unknown_name_is_reported(monkeypatch):
    def unknown(*_, **__):
        raise OSError("-2")

    monkeypatch.setattr(outbound.socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError, match="could not be resolved"):
        outbound.get_json("https://issuer.example/")


def test_a_document_that_ends_early_is_refused(server):
    def short(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"a": 1}')

    server.answers["/doc"] = short
    with pytest.raises(FetchError):
        get(server)


def test_the_deadline_covers_a_server_that_sends_slowly(server):
    stop = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.02):
            handler.wfile.write(b" ")

    server.answers["/doc"] = drip
    with pytest.raises(FetchError, match=r"time"):
        get(server, deadline=0.3)
    stop.set()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "https://127.0.0.1:1/",
        "https://localhost:1/",
        "https://[::1]:1/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://192.0.0.192/",
        "https://192.88.99.1/",
        "https://[fec0::1]/",
        "https://[::ffff:0:127.0.0.1]/",
        "https://[3fff::1]/",
        "https://[5f00::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://[::ffff:127.0.0.1]:1/",
        "https://[64:ff9b::a00:1]/",
        "https://[64:ff9b:1::a00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:a00:1::]/",
        "https://[::7f00:1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "http://93.184.216.34/",
        "ftp://issuer.example/",
        "file:///etc/passwd",
        "https://user:secret@issuer.example/",
        "https://issuer.example:0/",
        "https://issuer.example:x/",
        "https://issuer.example/#x",
        "https:///x",
        "https://issuer.example/ x",
        "https://issuer.example/\r\nX: y",
        "",
    ],
)
def test_a_private_address_or_another_scheme_is_not_connected_to(url):
    with pytest.raises(FetchError):
        outbound.get_json(url)


def test_in_development_http_is_permitted_on_loopback_only():
    with pytest.raises(FetchError, match="loopback"):
        outbound.get_json("http://10.0.0.1/", allow_private=True)


def test_a_closed_port_is_reported():
    with pytest.raises(FetchError, match="refused"):
        outbound.get_json("http://127.0.0.1:1/", allow_private=True)


def post(server, path="/form", **options):
    return outbound.post_form(server.url + path, {"a": "b&c"}, allow_private=True, **options)


@pytest.mark.parametrize("status", [200, 204])
def test_a_form_is_posted_once_and_accepted_by_200_or_204(server, status):
    bodies = []

    def take(handler):
        bodies.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        answer(b"", status=status)(handler)

    server.answers["/form"] = take
    post(server)
    assert bodies == [b"a=b%26c"]
    ((method, _, headers),) = server.seen
    assert (method, headers["content-type"]) == ("POST", "application/x-www-form-urlencoded")


@pytest.mark.parametrize("status", [201, 202, 302, 307, 308, 400, 404, 429, 500, 503])
def test_any_other_answer_to_a_form_is_a_failure_and_no_redirect_is_followed(server, status):
    server.answers["/form"] = answer(b"secret", status=status, headers=(("Location", f"{server.url}/elsewhere"),))
    with pytest.raises(StatusError, match=str(status)) as failure:
        post(server)
    assert "secret" not in str(failure.value)
    assert len(server.seen) == 1


def test_the_answer_to_a_form_is_not_read(server):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        server.released.wait(60)

    server.answers["/form"] = endless
    post(server)


def test_a_form_is_abandoned_at_the_deadline(server):
    server.answers["/form"] = lambda _: server.released.wait(60)
    with pytest.raises(FetchError):
        post(server, deadline=0.2)


def test_a_form_is_not_posted_to_a_private_network(monkeypatch):
    resolve_to(monkeypatch, "10.0.0.1")
    with pytest.raises(FetchError, match="its address is not public"):
        outbound.post_form("https://app.example/logged-out", {"a": "b"})

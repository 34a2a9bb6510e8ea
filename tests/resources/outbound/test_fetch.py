"""Requests with limits of time and size, to misbehaving servers on loopback."""

from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any

import pytest

from resources.outbound import fetch
from resources.outbound.fetch import Bounds, FetchError, get, is_allowed
from tests.resources.loopback import Loopback, raw, status, within


def fetch_from(issuer: Loopback, *, deadline: float = 5, **changes: Any) -> fetch.Response:
    return get(issuer.url + "/", within(deadline), **changes)


def test_a_good_answer_is_returned_with_its_etag_and_max_age(issuer: Loopback) -> None:
    issuer.answers["/"] = raw(b"{}", ETag='"one"', Cache_Control="public, max-age=300", Age="100")
    response = fetch_from(issuer)
    assert (response.status, response.body, response.etag, response.max_age) == (200, b"{}", '"one"', 200)


def test_a_request_has_plain_headers_and_a_forced_one_bypasses_caches(issuer: Loopback) -> None:
    issuer.answers["/"] = raw(b"{}")
    fetch_from(issuer)
    fetch_from(issuer, etag='"one"', forced=True)
    plain, forced = (headers for _, _, headers in issuer.seen)
    host = issuer.url.removeprefix("http://")
    assert plain == {
        "host": host,
        "accept": "application/json, */*;q=0.1",
        "accept-encoding": "identity",
        "connection": "close",
    }
    assert forced == {**plain, "if-none-match": '"one"', "cache-control": "no-cache", "pragma": "no-cache"}


def test_not_modified_is_an_answer_only_to_a_conditional_request(issuer: Loopback) -> None:
    issuer.answers["/"] = status(304, ETag='"one"')
    assert fetch_from(issuer, etag='"one"').status == 304
    with pytest.raises(FetchError, match="304 to an unconditional request"):
        fetch_from(issuer)


@pytest.mark.parametrize("code", [204, 206, 301, 302, 307, 308, 400, 404, 429, 500, 503])
def test_any_other_status_is_a_failure_and_no_redirect_is_followed(issuer: Loopback, code: int) -> None:
    issuer.answers["/"] = status(code, Location=issuer.url + "/elsewhere")
    with pytest.raises(FetchError, match=f"answered {code}"):
        fetch_from(issuer)
    assert [path for _, path, _ in issuer.seen] == ["/"]


def test_a_body_of_512_kib_is_read_and_one_byte_more_is_not(issuer: Loopback) -> None:
    issuer.answers["/"] = raw(b"x" * fetch.MAX_BYTES)
    assert len(fetch_from(issuer).body) == 512 * 1024
    issuer.answers["/"] = raw(b"x" * (fetch.MAX_BYTES + 1))
    with pytest.raises(FetchError, match="longer than"):
        fetch_from(issuer)


def test_a_compressed_body_is_refused_unread(issuer: Loopback) -> None:
    issuer.answers["/"] = raw(b"\x1f\x8b", Content_Encoding="gzip")
    with pytest.raises(FetchError, match="compressed"):
        fetch_from(issuer)


def test_a_body_that_ends_early_is_a_failure(issuer: Loopback) -> None:
    issuer.answers["/"] = raw(b"{}", Content_Length="50")
    with pytest.raises(FetchError):
        fetch_from(issuer)


@pytest.mark.parametrize("where", ["status", "headers", "body"])
def test_a_server_that_sends_byte_by_byte_is_abandoned_at_the_deadline(issuer: Loopback, where: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        if where != "status":
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
        if where == "body":
            handler.wfile.write(b"Content-Length: 100000\r\n\r\n")
        for _ in range(1000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            if issuer.released.wait(0.02):
                return

    issuer.answers["/"] = drip
    seconds = count()  # a clock that advances by a second at each step of the request
    with pytest.raises(FetchError, match="no complete answer before the deadline"):
        get(issuer.url + "/", Bounds(10, lambda: float(next(seconds))))


def test_a_server_that_sends_nothing_is_given_up_at_the_deadline(issuer: Loopback) -> None:
    issuer.answers["/"] = lambda _: issuer.released.wait(60)
    with pytest.raises(FetchError, match="timed out"):
        get(issuer.url + "/", Bounds(0.5, lambda: 0.0))


def test_a_closed_port_is_a_failure(issuer: Loopback) -> None:
    issuer.stop()
    with pytest.raises(FetchError, match="refused"):
        fetch_from(issuer)


def test_an_answer_that_is_not_http_is_a_failure(issuer: Loopback) -> None:
    issuer.answers["/"] = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")
    with pytest.raises(FetchError, match="BadStatusLine"):
        fetch_from(issuer)


def test_plain_http_sent_to_a_tls_client_is_a_failure(issuer: Loopback) -> None:
    with pytest.raises(FetchError):
        get(issuer.url.replace("http:", "https:"), within(5))


@pytest.mark.parametrize(
    "url",
    ["https://issuer.example", "https://issuer.example:8443/a", "http://localhost:8000", "http://a.localhost",
     "http://127.0.0.1", "http://127.9.9.9:1/x", "http://[::1]:8000"],
)  # fmt: skip
def test_https_and_loopback_may_be_fetched(url: str) -> None:
    assert is_allowed(url, allow_http=False)


@pytest.mark.parametrize(
    "url",
    ["http://issuer.example", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example",
     "ftp://localhost", "file:///etc/passwd", "//localhost", "localhost", "", "https://", "https://u:p@issuer.example",
     "https://issuer.example/#x", "https://issuer.example:port", "http://[::1"],
)  # fmt: skip
def test_no_other_url_may_be_fetched(url: str) -> None:
    assert not is_allowed(url, allow_http=False)
    with pytest.raises(FetchError, match="must be https"):
        get(url, within(1))


def test_http_beyond_loopback_needs_its_setting() -> None:
    assert is_allowed("http://issuer.example", allow_http=True)
    assert not is_allowed("ftp://issuer.example", allow_http=True)


@pytest.mark.parametrize(
    ("cache_control", "age", "left"),
    [("max-age=60", "", 60), ("public, MAX-AGE=60", "10", 50), ("max-age=60", "90", 0), ("no-cache", "", 0),
     ("no-store, max-age=60", "", 0), ("max-age=60, no-cache", "", 0), ("max-age=60,NO-STORE", "", 0),
     ("", "", None), ("max-age=soon", "", None), ("max-age=-5", "", None),
     ("max-age=60", "old", 60), ("s-maxage=60", "", None), ("max-age=99999999999", "", None)],
)  # fmt: skip
def test_the_remaining_freshness_is_computed_from_the_headers(cache_control: str, age: str, left: float | None) -> None:
    headers = {"cache-control": cache_control, "age": age}
    response = fetch.Response(200, {name: value for name, value in headers.items() if value}, b"")
    assert response.max_age == left

"""From an issuer's URL to its keys, against a real server."""

import json
import time
from typing import Any

import pytest

from resources.discovery import Discovery, metadata_urls, read_jwks, read_metadata
from resources.fetch import FetchError
from resources.testing import jwks, shared_key
from tests.resources.loopback import Loopback, document, raw, status

METADATA = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


def discovery(issuer: str, **changes: Any) -> Discovery:
    whole = {"algorithms": frozenset({"RS256"}), "clock": time.monotonic, "deadline": 5.0, **changes}
    return Discovery(issuer, **whole)


def kids(found: Discovery) -> list[str]:
    return [verdict.kid for verdict in found(etag="", forced=False).verdicts or ()]


def test_where_metadata_may_be() -> None:
    assert metadata_urls("https://issuer.example") == (
        "https://issuer.example/.well-known/oauth-authorization-server",
        "https://issuer.example/.well-known/openid-configuration",
    )
    assert metadata_urls("https://issuer.example:8443/tenants/a/") == (
        "https://issuer.example:8443/.well-known/oauth-authorization-server/tenants/a",
        "https://issuer.example:8443/tenants/a/.well-known/openid-configuration",
        "https://issuer.example:8443/.well-known/openid-configuration/tenants/a",
    )


def test_keys_are_found_through_metadata_which_is_asked_for_once(issuer: Loopback) -> None:
    issuer.publish(jwks())
    found = discovery(issuer.url)
    assert kids(found) == kids(found) == [shared_key().kid]
    assert [path for _, path, _ in issuer.seen] == [METADATA, "/jwks.json", "/jwks.json"]


def test_openid_configuration_will_do_where_the_other_is_not_there(issuer: Loopback) -> None:
    issuer.publish(jwks())
    issuer.answers[OPENID] = issuer.answers.pop(METADATA)
    assert kids(discovery(issuer.url)) == [shared_key().kid]


def test_an_issuer_with_a_path_is_found_where_rfc_8414_says(issuer: Loopback) -> None:
    tenant = issuer.url + "/tenant"
    issuer.answers[METADATA + "/tenant"] = document({"issuer": tenant, "jwks_uri": issuer.url + "/jwks.json"})
    issuer.answers["/jwks.json"] = document(jwks())
    assert kids(discovery(tenant)) == [shared_key().kid]


def test_a_pinned_address_asks_no_metadata(issuer: Loopback) -> None:
    issuer.answers["/jwks.json"] = document(jwks())
    assert kids(discovery("https://issuer.example", jwks_url=issuer.url + "/jwks.json")) == [shared_key().kid]
    assert [path for _, path, _ in issuer.seen] == ["/jwks.json"]


@pytest.mark.parametrize("named", ["https://other.example", "", None, 7, "{url}/", "{URL}"])
def test_metadata_that_names_another_issuer_is_not_believed(issuer: Loopback, named: Any) -> None:
    named = named.format(url=issuer.url, URL=issuer.url.upper()) if isinstance(named, str) else named
    issuer.answers[METADATA] = document({"issuer": named, "jwks_uri": issuer.url + "/jwks.json"})
    issuer.answers["/jwks.json"] = document(jwks())
    with pytest.raises(FetchError):
        kids(discovery(issuer.url))
    assert issuer.fetches() == 0


@pytest.mark.parametrize("uri", [None, "", 7, "/jwks.json", "http://evil.example/jwks.json", "file:///etc/passwd"])
def test_a_jwks_uri_that_may_not_be_fetched_is_not(issuer: Loopback, uri: Any) -> None:
    issuer.answers[METADATA] = document({"issuer": issuer.url, "jwks_uri": uri})
    with pytest.raises(FetchError, match="no usable jwks_uri"):
        kids(discovery(issuer.url))


def test_after_a_failure_the_metadata_is_asked_for_again(issuer: Loopback) -> None:
    issuer.publish(jwks())
    found = discovery(issuer.url)
    kids(found)
    issuer.answers["/jwks.json"] = status(404)
    with pytest.raises(FetchError):
        kids(found)
    issuer.answers["/moved.json"] = document(jwks())
    issuer.answers[METADATA] = document({"issuer": issuer.url, "jwks_uri": issuer.url + "/moved.json"})
    assert kids(found) == [shared_key().kid]


def test_tag_and_age_are_handed_on_and_not_modified_brings_no_verdicts(issuer: Loopback) -> None:
    issuer.publish(jwks(), ETag='"one"', Cache_Control="max-age=77")
    found = discovery(issuer.url)
    fetched = found(etag="", forced=False)
    assert (fetched.etag, fetched.max_age, len(fetched.verdicts or ())) == ('"one"', 77, 1)
    issuer.answers["/jwks.json"] = status(304, ETag='"one"')
    assert found(etag='"one"', forced=True).verdicts is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"keys":{}}', b'{"keys":null}', b'{"keys":[],"keys":[]}', b"\xff",
     b'{"keys":' + b"[" * 5000],
)  # fmt: skip
def test_what_is_no_jwks_is_a_failed_fetch(issuer: Loopback, body: bytes) -> None:
    issuer.publish(None)
    issuer.answers["/jwks.json"] = raw(body)
    with pytest.raises(FetchError):
        kids(discovery(issuer.url))


def test_one_entry_with_repeated_members_does_not_spoil_the_set() -> None:
    good = shared_key().jwk
    body = b'{"keys":[{"kid":"a","kid":"b"},' + json.dumps(good).encode() + b"]}"
    assert [bool(verdict.key) for verdict in read_jwks(body, algorithms=frozenset({"RS256"}))] == [False, True]


def test_metadata_must_be_an_object() -> None:
    for body in (b"[]", b"null", b"<html>", b'{"issuer":"a","issuer":"a"}'):
        with pytest.raises(FetchError):
            read_metadata(body, issuer="a")
    assert read_metadata(b'{"issuer":"a"}', issuer="a") == {"issuer": "a"}

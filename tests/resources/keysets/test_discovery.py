"""Discovery of an issuer's keys through its metadata, with a server on loopback."""

import time
from typing import Any

import pytest

from resources.keysets.discovery import Discovery, metadata_urls, read_metadata
from resources.outbound.fetch import FetchError
from resources.testing import jwks, shared_key
from tests.resources.loopback import Loopback, document, raw, status

METADATA = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


def discovery(issuer: str, **changes: Any) -> Discovery:
    whole = {"algorithms": frozenset({"RS256"}), "clock": time.monotonic, "deadline": 5.0, **changes}
    return Discovery(issuer, **whole)


def kids(source: Discovery) -> list[str]:
    return [verdict.kid for verdict in source(etag="", forced=False).verdicts or ()]


def test_the_metadata_urls_follow_rfc_8414_and_openid_discovery() -> None:
    assert metadata_urls("https://issuer.example") == (
        "https://issuer.example/.well-known/oauth-authorization-server",
        "https://issuer.example/.well-known/openid-configuration",
    )
    assert metadata_urls("https://issuer.example:8443/tenants/a/") == (
        "https://issuer.example:8443/.well-known/oauth-authorization-server/tenants/a",
        "https://issuer.example:8443/tenants/a/.well-known/openid-configuration",
        "https://issuer.example:8443/.well-known/openid-configuration/tenants/a",
    )


def test_keys_are_found_through_metadata_which_is_fetched_once(issuer: Loopback) -> None:
    issuer.publish(jwks())
    source = discovery(issuer.url)
    assert kids(source) == kids(source) == [shared_key().kid]
    assert [path for _, path, _ in issuer.seen] == [METADATA, "/jwks.json", "/jwks.json"]


def test_openid_configuration_is_used_if_there_is_no_rfc_8414_metadata(issuer: Loopback) -> None:
    issuer.publish(jwks())
    issuer.answers[OPENID] = issuer.answers.pop(METADATA)
    assert kids(discovery(issuer.url)) == [shared_key().kid]


def test_the_metadata_of_an_issuer_with_a_path_is_found(issuer: Loopback) -> None:
    tenant = issuer.url + "/tenant"
    issuer.answers[METADATA + "/tenant"] = document({"issuer": tenant, "jwks_uri": issuer.url + "/jwks.json"})
    issuer.answers["/jwks.json"] = document(jwks())
    assert kids(discovery(tenant)) == [shared_key().kid]


def test_a_configured_jwks_url_needs_no_metadata(issuer: Loopback) -> None:
    issuer.answers["/jwks.json"] = document(jwks())
    assert kids(discovery("https://issuer.example", jwks_url=issuer.url + "/jwks.json")) == [shared_key().kid]
    assert [path for _, path, _ in issuer.seen] == ["/jwks.json"]


@pytest.mark.parametrize("published", ["https://other.example", "", None, 7, "{url}/", "{URL}"])
def test_metadata_that_names_another_issuer_is_refused(issuer: Loopback, published: Any) -> None:
    published = published.format(url=issuer.url, URL=issuer.url.upper()) if isinstance(published, str) else published
    issuer.answers[METADATA] = document({"issuer": published, "jwks_uri": issuer.url + "/jwks.json"})
    issuer.answers["/jwks.json"] = document(jwks())
    with pytest.raises(FetchError):
        kids(discovery(issuer.url))
    assert issuer.fetches() == 0


@pytest.mark.parametrize("uri", [None, "", 7, "/jwks.json", "http://evil.example/jwks.json", "file:///etc/passwd"])
def test_an_unsafe_jwks_uri_is_not_fetched(issuer: Loopback, uri: Any) -> None:
    issuer.answers[METADATA] = document({"issuer": issuer.url, "jwks_uri": uri})
    with pytest.raises(FetchError, match="no usable jwks_uri"):
        kids(discovery(issuer.url))


def test_after_a_failure_the_metadata_is_fetched_again(issuer: Loopback) -> None:
    issuer.publish(jwks())
    source = discovery(issuer.url)
    kids(source)
    issuer.answers["/jwks.json"] = status(404)
    with pytest.raises(FetchError):
        kids(source)
    issuer.answers["/moved.json"] = document(jwks())
    issuer.answers[METADATA] = document({"issuer": issuer.url, "jwks_uri": issuer.url + "/moved.json"})
    assert kids(source) == [shared_key().kid]


def test_etag_and_max_age_are_returned_and_a_304_has_no_verdicts(issuer: Loopback) -> None:
    issuer.publish(jwks(), ETag='"one"', Cache_Control="max-age=77")
    source = discovery(issuer.url)
    fetched = source(etag="", forced=False)
    assert (fetched.etag, fetched.max_age, len(fetched.verdicts or ())) == ('"one"', 77, 1)
    issuer.answers["/jwks.json"] = status(304, ETag='"one"')
    assert source(etag='"one"', forced=True).verdicts is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"keys":{}}', b'{"keys":null}', b'{"keys":[],"keys":[]}', b"\xff",
     b'{"keys":' + b"[" * 5000],
)  # fmt: skip
def test_a_document_that_is_no_jwks_is_a_failed_fetch(issuer: Loopback, body: bytes) -> None:
    issuer.publish(None)
    issuer.answers["/jwks.json"] = raw(body)
    with pytest.raises(FetchError):
        kids(discovery(issuer.url))


def test_metadata_must_be_an_object() -> None:
    for body in (b"[]", b"null", b"<html>", b'{"issuer":"a","issuer":"a"}'):
        with pytest.raises(FetchError):
            read_metadata(body, issuer="a")
    assert read_metadata(b'{"issuer":"a"}', issuer="a") == {"issuer": "a"}

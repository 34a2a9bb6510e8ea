"""Each HTTP header of each answer of the JWKS endpoint. Browsers, caches and APIs depend on these headers."""

import pytest
from django.core.management import call_command

from tokens.keys import keyring

pytestmark = pytest.mark.django_db
URL = "/.well-known/jwks.json"
EVERY_ANSWER = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
OPEN = EVERY_ANSWER | {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "WWW-Authenticate, DPoP-Nonce, Retry-After, ETag",
}
ABOUT_THE_BODY = ("Content-Type", "Content-Length")


@pytest.fixture
def whole(client):
    """Return the complete answer to a GET of the JWKS of a ring with keys."""
    call_command("rotate_keys")
    return client.get(URL)


def test_get_has_the_headers_of_a_public_document(whole):
    assert dict(whole.headers) == OPEN | {
        "Content-Type": "application/jwk-set+json",
        "Content-Length": str(len(whole.content)),
        "Cache-Control": "public, max-age=300, must-revalidate",
        "ETag": whole["ETag"],
    }
    assert whole["ETag"].startswith('"'), "strong"


def test_head_has_the_headers_of_get_and_no_body(client, whole):
    head = client.head(URL)
    assert (head.status_code, head.content, dict(head.headers)) == (200, b"", dict(whole.headers))


@pytest.mark.parametrize("condition", ["{etag}", "W/{etag}", '"other", {etag}', '"other",W/{etag} ', "*"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_304_has_the_headers_that_a_cache_stores(client, whole, condition, method):
    answer = getattr(client, method)(URL, headers={"if-none-match": condition.format(etag=whole["ETag"])})
    headers = {name: value for name, value in answer.headers.items() if name not in ABOUT_THE_BODY}
    assert (answer.status_code, answer.content) == (304, b"")
    assert headers == {name: value for name, value in whole.headers.items() if name not in ABOUT_THE_BODY}


@pytest.mark.parametrize("condition", ['"other"', 'W/"other"', "", "nonsense", "{bare}"])
def test_another_etag_gets_the_whole_jwks(client, whole, condition):
    condition = condition.format(bare=whole["ETag"].strip('"'))
    answer = client.get(URL, headers={"if-none-match": condition})
    assert (answer.status_code, answer.content, dict(answer.headers)) == (200, whole.content, dict(whole.headers))


@pytest.mark.parametrize("condition", ["*", '"other"'])
@pytest.mark.parametrize("method", ["get", "head"])
def test_without_a_key_the_jwks_is_503_that_no_cache_stores_and_any_page_reads(client, method, condition):
    answer = getattr(client, method)(URL, headers={"if-none-match": condition})
    assert answer.status_code == 503
    assert dict(answer.headers) == OPEN | {
        "X-Request-ID": answer["X-Request-ID"],
        "Content-Type": "application/json",
        "Content-Length": answer["Content-Length"],
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Retry-After": "5",
    }
    assert int(answer["Content-Length"]) > 0


def test_a_new_key_changes_the_etag(client, whole):
    call_command("rotate_keys", "--now")
    keyring.snapshots.forget()
    answer = client.get(URL, headers={"if-none-match": whole["ETag"]})
    assert answer.status_code == 200
    assert answer["ETag"] != whole["ETag"]

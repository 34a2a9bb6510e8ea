"""Every header of the JWKS, whatever is asked: browsers, caches and APIs go by them."""

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
    "Access-Control-Expose-Headers": "WWW-Authenticate, Retry-After, ETag",
}
ABOUT_THE_BODY = ("Content-Type", "Content-Length")


@pytest.fixture
def whole(client):
    """The JWKS of a ring with keys, as GET has it."""
    call_command("rotate_keys")
    return client.get(URL)


def test_get(whole):
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


@pytest.mark.parametrize("asked", ["{etag}", "W/{etag}", '"other", {etag}', '"other",W/{etag} ', "*"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_what_is_known_is_304_with_the_headers_that_a_cache_keeps(client, whole, asked, method):
    answer = getattr(client, method)(URL, headers={"if-none-match": asked.format(etag=whole["ETag"])})
    kept = {name: value for name, value in answer.headers.items() if name not in ABOUT_THE_BODY}
    assert (answer.status_code, answer.content) == (304, b"")
    assert kept == {name: value for name, value in whole.headers.items() if name not in ABOUT_THE_BODY}


@pytest.mark.parametrize("asked", ['"other"', 'W/"other"', "", "nonsense", "{bare}"])
def test_what_is_not_known_is_answered_whole(client, whole, asked):
    asked = asked.format(bare=whole["ETag"].strip('"'))
    answer = client.get(URL, headers={"if-none-match": asked})
    assert (answer.status_code, answer.content, dict(answer.headers)) == (200, whole.content, dict(whole.headers))


@pytest.mark.parametrize("asked", ["*", '"other"'])
@pytest.mark.parametrize("method", ["get", "head"])
def test_without_a_key_it_is_503_that_nobody_keeps_and_any_page_may_read(client, method, asked):
    answer = getattr(client, method)(URL, headers={"if-none-match": asked})
    assert answer.status_code == 503
    assert dict(answer.headers) == OPEN | {
        "Content-Type": "text/plain",
        "Content-Length": answer["Content-Length"],
        "Cache-Control": "no-store",
        "Retry-After": "5",
    }
    assert int(answer["Content-Length"]) > 0


def test_a_new_key_changes_the_etag(client, whole):
    call_command("rotate_keys", "--now")
    keyring.snapshots.forget()
    answer = client.get(URL, headers={"if-none-match": whole["ETag"]})
    assert answer.status_code == 200
    assert answer["ETag"] != whole["ETag"]

"""A Content-Type that Django cannot parse is refused with 400, over real HTTP."""

from pathlib import Path

import pytest

from resources.wsgi import is_readable
from tests.resources.api_process import api
from tests.resources.loopback import Loopback


@pytest.mark.parametrize(
    ("content_type", "readable"),
    [
        ("", True),
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("text/plain; charset=", True),
        ("text/plain; charset=latin-1", True),
        ("multipart/form-data; boundary=x", True),
        ("text/plain; name*=utf-8''%e2%82%ac", True),
        ("text/plain; charset=utf-16", False),
        ("text/plain; charset=zlib", False),
        ("text/plain; charset=nobody", False),
        ("text/plain; name*=nobody''x", False),
        ("text/plain; charset*=utf-8''a%00b", False),
    ],
)
def test_only_a_readable_content_type_is_accepted(content_type: str, readable: bool) -> None:
    assert is_readable(content_type) is readable


@pytest.mark.processes
def test_an_unreadable_content_type_is_a_bad_request_in_json(issuer: Loopback, tmp_path: Path) -> None:
    with api(tmp_path, issuers=issuer.url) as running:
        for content_type in ("text/plain; charset=zlib", "text/plain; name*=nobody''x"):
            headers = {"X-Forwarded-Proto": "https", "Content-Type": content_type}
            for path in ("/healthz", "/api/notes/?page=1"):
                status, answered, body = running.get(path, headers)
                assert (status, answered["content-type"]) == (400, "application/json")
                assert body == b'{"detail":"The Content-Type cannot be read"}'

"""The common parts of the issuer's pages."""

from tokens.views.pages import HEADERS


def told(answer, status):
    """Fail unless the answer is a page of the issuer with `status` and the common headers."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert 'class="mark">Keyturn' in answer.content.decode()

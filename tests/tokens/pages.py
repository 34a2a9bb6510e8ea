"""Assertions that must hold for every HTML page of the issuer."""

from tokens.views.pages import HEADERS


def assert_page(answer, status):
    """Assert that the answer is an HTML page of the issuer, with this status and the headers of every page."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert 'class="mark">Keyturn' in answer.content.decode()

"""What every page of ours has in common."""

from tokens.views.pages import HEADERS


def told(answer, status):
    """Whether a page of ours says it, with what every page of ours says to the browser."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert 'class="mark">Keyturn' in answer.content.decode()

"""The reasons for which a fetched metadata document is no document.

test_hostile_documents.py has many more such documents.
"""

import json

import pytest

from tests.tokens.open_clients.conftest import ADDRESS, DOCUMENT
from tokens.open_clients import document_fetch
from tokens.open_clients.document_fetch import NoDocument


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "it is not strict JSON ("),
        (b"\xff\xfe", "no UTF-8"),
        (json.dumps(DOCUMENT | {"client_secret": "s"}).encode(), "The document has a client secret"),
    ],
)
def test_a_body_that_is_no_document_is_refused_with_the_reason(hosts, body, reason):
    hosts.documents[ADDRESS] = body
    with pytest.raises(NoDocument) as refused:
        document_fetch.get(ADDRESS)
    assert str(refused.value).startswith(reason)

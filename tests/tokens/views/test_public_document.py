"""Conditional requests for public documents.

A client that has the current document gets 304 without a body. Every other client gets the document.
"""

import pytest
from django.test import RequestFactory

from tokens.views.public_document import PublicDocument

DOCUMENT = PublicDocument.of(b"{}", "application/json")
OTHER = PublicDocument.of(b"[]", "application/json")
SHARED = {"Cache-Control": "public"}


def answered(condition):
    headers = {} if condition is None else {"If-None-Match": condition}
    answer = DOCUMENT.answer(RequestFactory().get("/", headers=headers), SHARED)
    assert (answer["ETag"], answer["Cache-Control"]) == (DOCUMENT.tag, "public")
    return answer.status_code, answer.content


@pytest.mark.parametrize(
    "condition", [DOCUMENT.tag, f"W/{DOCUMENT.tag}", f"{OTHER.tag}, {DOCUMENT.tag}", "*", f" {DOCUMENT.tag} "]
)
def test_a_reader_that_has_the_document_gets_304(condition):
    assert answered(condition) == (304, b"")


@pytest.mark.parametrize("condition", [None, "", OTHER.tag, DOCUMENT.tag.strip('"'), "nonsense"])
def test_every_other_reader_gets_the_document(condition):
    assert answered(condition) == (200, b"{}")

"""The id of a request: which incoming ids are used, and where the id appears."""

import json
import logging

import pytest
from django.http import HttpRequest, HttpResponse

from project import request_id
from project.logs import LogLine

AUDIT, OTHER = "tokens.audit", "django.request"


def request(sent=None):
    made = HttpRequest()
    if sent is not None:
        made.META["HTTP_X_REQUEST_ID"] = sent
    return made


def answered(made, view=lambda _: HttpResponse()):
    return request_id.request_ids(view)(made)


@pytest.mark.parametrize("sent", ["4f1c9a20", "3b241101-e2bb-4255-8caf-4136c566a962", "a" * 64, "trace_12-AB"])
def test_an_id_of_a_safe_form_is_used(sent):
    made = request(sent)
    assert (answered(made)["X-Request-ID"], made.request_id) == (sent, sent)


@pytest.mark.parametrize(
    "sent", ["", "short12", "a" * 65, "a b c d e", "<script>", "12345678\n", "überlang1", "12345678;x"]
)
def test_any_other_id_is_replaced_by_a_random_one(sent):
    made = request(sent)
    assert request_id.SAFE.fullmatch(answered(made)["X-Request-ID"])
    assert made.request_id not in {sent, answered(request(sent))["X-Request-ID"]}


def test_a_document_for_shared_caches_has_no_id():
    assert "X-Request-ID" not in answered(
        request(), lambda _: HttpResponse(headers={"Cache-Control": "public, max-age=9"})
    )


def test_the_id_ends_with_its_request_also_if_the_view_raises():
    seen = []
    answered(request("12345678"), lambda _: seen.append(request_id.current()) or HttpResponse())
    assert (seen, request_id.current()) == (["12345678"], "")

    def broken(_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        answered(request("12345678"), broken)
    assert request_id.current() == ""


def line(name, message, **extra):
    record = logging.makeLogRecord({"name": name, "msg": message, "levelname": "INFO", **extra})
    return LogLine("%(levelname)s %(name)s%(request_id)s: %(message)s").format(record)


def test_a_line_during_a_request_has_the_id_and_any_other_line_has_none():
    assert line(OTHER, "x") == "INFO django.request: x"
    assert line(AUDIT, '{"a": 1}') == '{"a": 1}'
    written = []
    answered(
        request("12345678"), lambda _: written.extend((line(OTHER, "x"), line(AUDIT, '{"a": 1}'))) or HttpResponse()
    )
    assert written[0] == "INFO django.request [12345678]: x"
    written_json = json.loads(written[1])
    assert len(written_json.pop("trace")) == 32
    assert written_json == {"a": 1, "request": "12345678"}


def test_a_line_that_django_writes_after_the_middleware_has_the_id_of_its_request():
    made = request("12345678")
    answered(made)
    assert line(OTHER, "x", request=made) == "INFO django.request [12345678]: x"

"""The middleware and the logging filter that put the ids of a request into the log of an API."""

import logging

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from resources.issuers import introspection
from resources.request_ids import IdFields, request_ids
from resources.telemetry import trace_context

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = {"X-Request-ID": "12345678", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def line(**extra):
    record = logging.makeLogRecord({"msg": "x", **extra})
    assert IdFields().filter(record)
    return record.request_id, record.trace_id


def test_a_line_during_a_request_has_both_ids():
    seen = []
    answer = request_ids(lambda _: seen.append(line()) or HttpResponse())(RequestFactory().get("/", headers=SENT))
    assert seen == [("12345678", TRACE)]
    assert answer["X-Request-ID"] == "12345678"
    assert line() == ("", "")


def test_a_line_after_the_middleware_has_the_ids_of_its_request():
    request = RequestFactory().get("/", headers=SENT)
    request_ids(lambda _: HttpResponse())(request)
    assert line(request=request) == ("12345678", TRACE)


def test_an_introspection_request_continues_the_trace(monkeypatch, settings):
    sent = []

    def send(_method, _url, _bounds, *, headers, body):
        sent.append(headers)
        raise introspection.FetchError("away")

    monkeypatch.setattr(introspection.fetch, "send", send)
    settings.RESOURCE_SERVER = settings.RESOURCE_SERVER | {"INTROSPECTION_CLIENT_ID": "api"}
    issuer = next(iter(introspection.trusts()))
    trust = introspection.trusts()[issuer]
    trust.discovery._metadata = {"introspection_endpoint": "http://localhost:8000/oauth/introspect"}
    context = trace_context.of_request("12345678", SENT["traceparent"])
    with trace_context.entered(context), pytest.raises(introspection.FetchError):
        introspection._query(issuer, "token")
    assert sent[0]["X-Request-ID"] == "12345678"
    assert sent[0]["traceparent"].startswith(f"00-{TRACE}-")

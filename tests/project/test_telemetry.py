"""The trace spans of issuer, API and application in one process, with OpenTelemetry's in-memory exporter.

tests/flow/test_trace.py uses three processes and the exporter of production.
"""

import sys
import threading
import time
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.http import HttpResponse
from django.test import Client, RequestFactory
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased

from examples.webapp import tracing
from project import telemetry
from project.telemetry import traced
from resources.telemetry import trace_context
from tests.tokens.factories import basic, make_api, make_client, operation, post, with_secret
from tokens.keys import rotation

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
UNSAMPLED = f"00-{TRACE}-{CALLER}-00"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01"}


@pytest.fixture
def exporter(settings, monkeypatch):
    made, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    settings.OTEL_TRACES = True
    monkeypatch.setattr(telemetry, "provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)  # of the application
    return made


def spans(exporter):
    return {span.name: span for span in exporter.get_finished_spans()}


def answered(exporter, view, **headers):
    """Send a request to the issuer, let `view` answer it, and return the trace span of the request."""
    traced(view)(RequestFactory().get("/secret-path?token=hidden", headers=headers))
    return exporter.get_finished_spans()[-1]


@pytest.mark.django_db(databases=["default", "api"])
def test_one_trace_covers_application_issuer_and_api(exporter):
    make_api("http://localhost:8001/", "notes:read", "notes:write")
    rotation.rotate(operation())
    service = with_secret(make_client("service", "client_credentials"))
    client = Client()

    def webapp(_request):
        form = {"grant_type": "client_credentials", "scope": "notes:read"}
        extra = basic("service", service.plain)
        issued = post(client, "/oauth/token", form, headers=tracing.headers(), **extra)
        bearer = {"Authorization": f"Bearer {issued.json()['access_token']}"}
        called.append(client.get("/api/notes/", headers=bearer | tracing.headers()).status_code)
        return HttpResponse()

    called = []
    tracing.request_ids(webapp)(RequestFactory().get("/", headers=HEADERS))
    recorded = spans(exporter)
    assert set(recorded) == {"webapp", "POST token", "GET note-list"}
    assert {f"{span.context.trace_id:032x}" for span in recorded.values()} == {TRACE}
    assert f"{recorded['webapp'].parent.span_id:016x}" == CALLER
    for name in ("POST token", "GET note-list"):
        assert recorded[name].parent.span_id == recorded["webapp"].context.span_id
    assert dict(recorded["POST token"].attributes) == {
        "http.request.method": "POST",
        "http.route": "token",
        "http.response.status_code": 200,
    }
    assert called


def test_the_log_has_the_ids_of_the_span(exporter):
    seen = []

    def view(_request):
        seen.append(trace_context.current())
        return HttpResponse()

    with trace_context.entered(trace_context.of_request("12345678", "")):
        span = answered(exporter, view)
    assert seen[0].trace_id == f"{span.context.trace_id:032x}"
    assert seen[0].span_id == f"{span.context.span_id:016x}"
    assert seen[0].request_id == "12345678"


@pytest.mark.parametrize("header", ["", "00-zz-b7ad6b7169203331-01", f"00-{'0' * 32}-{CALLER}-01", f"{TRACE}"])
def test_a_malformed_header_begins_a_new_trace(exporter, header):
    span = answered(exporter, lambda _: HttpResponse(), traceparent=header)
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != TRACE


def test_a_span_has_neither_path_nor_query_nor_the_text_of_an_error(exporter):
    def broken(_request):
        raise RuntimeError("hidden")

    with pytest.raises(RuntimeError):
        answered(exporter, broken)
    span = exporter.get_finished_spans()[-1]
    assert span.status.status_code is trace.StatusCode.ERROR
    assert dict(span.attributes)["http.response.status_code"] == 500
    for secret in ("hidden", "secret-path"):
        assert secret not in span.to_json()


def test_a_refusal_is_no_error_of_the_server(exporter):
    span = answered(exporter, lambda _: HttpResponse(status=401))
    assert span.status.status_code is trace.StatusCode.UNSET


@pytest.mark.parametrize(
    ("header", "sampler"), [(HEADERS["traceparent"], ALWAYS_OFF), (UNSAMPLED, ALWAYS_ON), ("", ALWAYS_OFF)]
)
def test_a_span_that_is_not_exported_is_no_parent_of_an_exported_one(settings, monkeypatch, header, sampler):
    provider = TracerProvider(sampler=ParentBased(sampler, remote_parent_sampled=sampler))
    settings.OTEL_TRACES = True
    monkeypatch.setattr(telemetry, "provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    seen = []

    def view(_request):
        seen.append(trace_context.forwarded()["traceparent"])
        return HttpResponse(tracing.headers()["traceparent"])

    request = RequestFactory().get("/", headers={"traceparent": header})
    with trace_context.entered(trace_context.of_request("12345678", header)):
        seen.append(tracing.request_ids(traced(view))(request).content.decode())
    assert [flags.rpartition("-")[2] for flags in seen] == ["00", "00"]


@pytest.mark.parametrize("header", [HEADERS["traceparent"], UNSAMPLED])
def test_an_application_without_a_tracer_passes_the_header_on(header):
    answer = tracing.request_ids(lambda _: HttpResponse(tracing.headers()["traceparent"]))
    assert answer(RequestFactory().get("/", headers={"traceparent": header})).content.decode() == header


def test_tracing_is_off_by_default():
    with pytest.raises(MiddlewareNotUsed):
        traced(lambda _: HttpResponse())


def test_a_collector_that_does_not_answer_delays_the_end_of_a_worker_by_a_second_at_most(monkeypatch):
    monkeypatch.setattr(telemetry, "LAST", 0.1)
    released, began = threading.Event(), time.monotonic()
    telemetry._send_last(SimpleNamespace(shutdown=lambda: released.wait(60)))
    assert time.monotonic() - began < 30
    released.set()


def test_without_the_packages_the_setting_names_the_extra(settings, monkeypatch):
    settings.OTEL_TRACES = True
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(ImproperlyConfigured, match=r"keyturn\[otel\]"):
        traced(lambda _: HttpResponse())


def test_without_the_packages_the_application_names_them_if_it_has_to_export(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ImproperlyConfigured, match="pip install opentelemetry-sdk "):
        tracing.export_spans("webapp")


def test_without_the_packages_the_application_answers(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    answer = tracing.request_ids(lambda _: HttpResponse(tracing.headers()["traceparent"]))
    response = answer(RequestFactory().get("/", headers=HEADERS))
    assert response.content.decode().startswith(f"00-{TRACE}-")

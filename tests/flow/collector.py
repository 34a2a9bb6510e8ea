"""An OpenTelemetry collector on loopback. It stores the spans that processes send by OTLP over HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.ports import free

PATH = "/v1/traces"


@dataclass(frozen=True, slots=True)
class Sent:
    """A span that a process has sent. Its ids are hexadecimal. `parent` is "" if the span has no parent."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, object]


@dataclass(slots=True)
class Collector:
    url: str
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Return each received export as JSON: names, states, events and attributes of spans and processes."""
        return [json.dumps(MessageToDict(request), ensure_ascii=False) for request in self.requests.copy()]

    @property
    def spans(self) -> list[Sent]:
        return [
            sent(attributes(process.resource)["service.name"], span)
            for request in self.requests.copy()
            for process in request.resource_spans
            for scope in process.scope_spans
            for span in scope.spans
        ]


def sent(service: object, span: Any) -> Sent:
    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    return Sent(str(service), span.name, *ids, attributes(span))


def attributes(owner: Any) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in owner.attributes}


@contextmanager
def collector() -> Iterator[Collector]:
    """Run an OpenTelemetry collector in a thread while the block runs, and yield this collector."""
    port = free()
    made = Collector(f"http://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds for the next bytes of a request

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_known = self.path == PATH and self.headers["Content-Type"] == "application/x-protobuf"
            if is_known:
                made.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200 if is_known else 400)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")  # an empty ExportTraceServiceResponse
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

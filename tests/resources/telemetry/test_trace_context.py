"""The headers of W3C Trace Context: the values that an API continues, and those that it replaces."""

import pytest

from resources.telemetry import trace_context
from resources.telemetry.trace_context import FORM, SAFE, TraceContext, entered, of_request, parsed

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"
HOSTILE = {
    "empty": "",
    "upper case": GOOD.upper(),
    "a blank before": f" {GOOD}",
    "a line break after": f"{GOOD}\n",
    "two values": f"{GOOD},{GOOD}",
    "no trace": f"00-{'0' * 32}-{SPAN}-01",
    "no span": f"00-{TRACE}-{'0' * 16}-01",
    "the invalid version": f"ff-{TRACE}-{SPAN}-01",
    "more after version 00": f"{GOOD}-more",
    "a short trace": f"00-{TRACE[1:]}-{SPAN}-01",
    "no flags": f"00-{TRACE}-{SPAN}",
    "digits of another script": GOOD.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
    "markup": "<script>alert(1)</script>",
    "too long": f"01-{TRACE}-{SPAN}-01-{'a' * 300}",
}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (GOOD, (TRACE, "01")),
        (f"00-{TRACE}-{SPAN}-00", (TRACE, "00")),
        (f"00-{TRACE}-{SPAN}-ff", (TRACE, "01")),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", (TRACE, "01")),
        (f"cc-{TRACE}-{SPAN}-01", (TRACE, "01")),
    ],
)
def test_a_well_formed_header_is_read(header, expected):
    assert parsed(header) == expected


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_other_header_is_replaced_by_a_new_trace(header):
    assert parsed(header) is None
    made = [of_request("12345678", header) for _ in range(2)]
    assert all(FORM.fullmatch(context.traceparent) for context in made)
    assert made[0].trace_id != made[1].trace_id
    assert TRACE not in {context.trace_id for context in made}


def test_a_request_continues_the_trace_with_a_span_of_its_own():
    made = of_request("12345678", GOOD)
    assert (made.request_id, made.trace_id, made.flags) == ("12345678", TRACE, "01")
    assert made.span_id != SPAN
    assert made.headers == {"X-Request-ID": "12345678", "traceparent": f"00-{TRACE}-{made.span_id}-01"}


@pytest.mark.parametrize("sent", ["", "short", "a" * 65, "a\nb45678", "<b>12345"])
def test_an_id_of_an_unsafe_form_is_replaced(sent):
    assert of_request(sent, "").request_id != sent
    assert SAFE.fullmatch(of_request(sent, "").request_id)


def test_the_ids_are_those_of_the_block():
    context = TraceContext("12345678", TRACE, SPAN)
    assert (trace_context.current(), trace_context.forwarded()) == (None, {})
    with entered(context):
        assert trace_context.current() is context
        assert trace_context.forwarded() == context.headers
        trace_context.join("1" * 32, "2" * 16, 0)
        assert trace_context.current() == TraceContext("12345678", "1" * 32, "2" * 16, "00")
    assert trace_context.current() is None


def test_a_tracer_outside_of_requests_joins_nothing():
    trace_context.join("1" * 32, "2" * 16, 0)
    assert trace_context.current() is None

"""Spans of OpenTelemetry: one for each request, below the caller's own, without any text."""

from __future__ import annotations

import pytest

from resift.rerank.service.tracing import NoTracer, OpenTelemetry, open_tracer

sdk = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")


def test_a_request_is_a_span_below_that_of_its_caller_with_its_facts() -> None:
    exporter = sdk.InMemorySpanExporter()
    tracer = OpenTelemetry(exporter)
    facts = {"model": "resift-tiny", "documents": 3, "status": 200, "query": "a secret", "queue_ms": 0.5}
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with tracer.request("POST", "/v1/rerank", {"traceparent": parent}, facts):
        pass
    tracer.close()
    [span] = exporter.get_finished_spans()
    assert span.name == "POST /v1/rerank"
    assert span.context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert span.parent.span_id == 0xB7AD6B7169203331
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/rerank",
        "http.response.status_code": 200,
        "resift.model": "resift-tiny",
        "resift.documents": 3,
        "resift.queue_ms": 0.5,
    }


def test_nothing_is_traced_unless_it_is_asked_for() -> None:
    assert isinstance(open_tracer(False), NoTracer)

"""Spans of OpenTelemetry, only if they are asked for: one for each request, below the caller's own if it sends one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from resift.retrieval.errors import SettingsError
from resift.retrieval.extras import install_line

_NAMES = {
    "model": "resift.model",
    "documents": "resift.documents",
    "scored": "resift.scored",
    "tokens": "resift.tokens",
    "cached": "resift.cached",
    "queue_ms": "resift.queue_ms",
    "scoring_ms": "resift.scoring_ms",
    "degraded": "resift.degraded",
    "error": "error.type",
    "request_id": "resift.request_id",
}
"""Fact of a request -> attribute of its span. Texts are never among them."""


class Tracer(Protocol):
    """Makes the spans of requests."""

    def request(self, method: str, path: str, headers: Mapping[str, str], facts: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a context manager
        """Return a context manager around one request; `facts` are read when it ends."""
        ...

    def close(self) -> None:
        """Send what waits, and stop."""
        ...


class NoTracer:
    """Makes no spans."""

    @contextmanager
    def request(self, method: str, path: str, headers: Mapping[str, str], facts: Mapping[str, Any]) -> Iterator[None]:
        """Do nothing around one request."""
        yield

    def close(self) -> None:
        """Do nothing."""


class OpenTelemetry:
    """Makes a span of the kind "server" for each request, and sends it where the variables OTEL_* say."""

    def __init__(self, exporter: Any = None) -> None:  # noqa: ANN401 - a SpanExporter
        """Send to `exporter`; if it is not given, by OTLP over HTTP. Raises SettingsError if a library is missing."""
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

            if exporter is None:
                from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

                exporter = OTLPSpanExporter()
        except ModuleNotFoundError as error:
            raise SettingsError(f"spans need {error.name}: {install_line('otel')}", "opentelemetry") from None
        self._provider = TracerProvider(resource=Resource.create({"service.name": "resift"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("resift.service")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, path: str, headers: Mapping[str, str], facts: Mapping[str, Any]) -> Iterator[None]:
        """Make a span around one request, with its facts as attributes."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        context = self._propagator.extract(dict(headers))
        with self._tracer.start_as_current_span(f"{method} {path}", context=context, kind=SpanKind.SERVER) as span:
            yield
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.route", path)
            status = int(facts.get("status", 0))
            span.set_attribute("http.response.status_code", status)
            for name, attribute in _NAMES.items():
                if name in facts:
                    span.set_attribute(attribute, facts[name])
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))

    def close(self) -> None:
        """Send the spans that wait, and stop."""
        self._provider.shutdown()


def open_tracer(wanted: bool) -> NoTracer | OpenTelemetry:
    """Return what makes the spans; nothing does unless it is `wanted`. Raises SettingsError if a library is missing."""
    return OpenTelemetry() if wanted else NoTracer()

"""The metrics of the proxy for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from resift.rerank.proxy.work import Treated

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ProxyMetrics:
    """Counts what the proxy does."""

    def __init__(self) -> None:
        """Register the metrics."""
        self.registry = registry = CollectorRegistry()
        self.relayed = 0
        self.searches = Counter(
            "resift_proxy_searches", "Searches of indices that are reranked.", ["index", "outcome"], registry=registry
        )
        self.engine = Histogram(
            "resift_proxy_engine_seconds", "Time of the engine for a search.", buckets=_SECONDS, registry=registry
        )
        self.reranking = Histogram(
            "resift_proxy_rerank_seconds", "Time of reranking a search.", buckets=_SECONDS, registry=registry
        )
        self.pages = Counter("resift_proxy_pages", "Later pages of a remembered ranking.", registry=registry)

    def watch(self, gauges: Callable[[], dict[str, float]]) -> None:
        """Report the values of `gauges`, by name, whenever the metrics are read."""
        self.registry.register(_Now(self, gauges))

    def treated(self, index: str, one: Treated) -> None:
        """Count one search of `index`, the name of its rule."""
        outcome: str = one.outcome.status
        if outcome == "reranked" and one.scored is not None and one.scored.reached < one.scored.wanted:
            outcome = "partial"
        self.searches.labels(index, outcome).inc()
        if one.milliseconds:
            self.reranking.observe(one.milliseconds / 1000)
        if one.remembered:
            self.pages.inc()

    def text(self) -> bytes:
        """Return the metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


class _Now(Collector):
    """Values that are read when the metrics are."""

    def __init__(self, metrics: ProxyMetrics, gauges: Callable[[], dict[str, float]]) -> None:
        self._metrics, self._gauges = metrics, gauges

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield CounterMetricFamily(
            "resift_proxy_passed", "Requests that were sent to the engine as they came.", value=self._metrics.relayed
        )
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"resift_proxy_{name}", name.replace("_", " ").capitalize() + ".", value=value)

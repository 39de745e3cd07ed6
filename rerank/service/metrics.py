"""The metrics of the service for Prometheus, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from resift.rerank.service.batching.observer import BatchFacts
from resift.rerank.service.call import Treatment
from resift.rerank.service.reranking import RerankService

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PAIRS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_DOCUMENTS = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000)

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counts what the service does; it is the batcher's observer too."""

    def __init__(self) -> None:
        """Register the metrics."""
        self.registry = registry = CollectorRegistry()
        self.requests = Counter("resift_requests", "Requests answered.", ["route", "status"], registry=registry)
        self.seconds = Histogram(
            "resift_request_seconds",
            "Time of a request, received to answered.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.documents = Histogram(
            "resift_request_documents", "Documents of a request.", buckets=_DOCUMENTS, registry=registry
        )
        self.queued = Histogram(
            "resift_queue_seconds", "Time until the first batch.", buckets=_SECONDS, registry=registry
        )
        self.scored = Counter("resift_documents_scored", "Documents scored.", ["model"], registry=registry)
        self.tokens = Counter("resift_tokens", "Tokens scored, without padding.", registry=registry)
        self.padded = Counter("resift_padded_tokens", "Tokens scored, with padding.", registry=registry)
        self.batch_pairs = Histogram("resift_batch_pairs", "Pairs of a batch.", buckets=_PAIRS, registry=registry)
        self.batch_requests = Histogram(
            "resift_batch_requests", "Requests mixed in a batch.", buckets=_PAIRS, registry=registry
        )
        self.scoring = Histogram("resift_batch_seconds", "Time of a batch.", buckets=_SECONDS, registry=registry)
        self.truncated = Counter("resift_documents_truncated", "Documents not read to the end.", registry=registry)
        self.rejected = Counter("resift_rejections", "Requests refused.", ["reason"], registry=registry)
        self.partial = Counter("resift_partial_answers", "Answers in time without all scores.", registry=registry)
        self.degraded = Counter("resift_degraded_answers", "Answers by a smaller model.", ["model"], registry=registry)
        self.given_up = Counter("resift_cancelled_requests", "Requests whose caller hung up.", registry=registry)
        self.memory = Counter("resift_out_of_memory", "Batches that did not fit into memory.", registry=registry)
        self.cpu = Counter("resift_moved_to_cpu", "Models that left a failed device for the CPU.", registry=registry)
        self.reloads = Counter(
            "resift_reloads", "Reloads of models, keys and certificates.", ["result"], registry=registry
        )
        self.receiving = Gauge("resift_open_requests", "Requests being received or answered.", registry=registry)

    def batch(self, facts: BatchFacts) -> None:
        """Count a scored batch."""
        self.tokens.inc(facts.tokens)
        self.padded.inc(facts.padded_tokens)
        self.batch_pairs.observe(facts.pairs)
        self.batch_requests.observe(facts.jobs)
        self.scoring.observe(facts.seconds)

    def out_of_memory(self) -> None:
        """Count a batch that did not fit into memory."""
        self.memory.inc()

    def moved_to_cpu(self) -> None:
        """Count a model that left a device that failed."""
        self.cpu.inc()

    def treated(self, treatment: Treatment) -> None:
        """Count how a request was treated."""
        self.documents.observe(treatment.documents)
        self.scored.labels(treatment.model).inc(treatment.scored)
        self.queued.observe(treatment.effort.queued)
        self.truncated.inc(treatment.truncated)
        if treatment.partial and treatment.degraded is None:
            self.partial.inc()
        if treatment.degraded is not None:
            self.degraded.labels(treatment.model).inc()

    def watch(self, reranking: RerankService) -> None:
        """Report the queue, the cache and the models of `reranking` whenever the metrics are read."""
        self.registry.register(_State(reranking))

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _State(Collector):
    """What is true at the moment: read from its owners when the metrics are read."""

    def __init__(self, reranking: RerankService) -> None:
        self.reranking = reranking

    def collect(self) -> list[Metric]:
        """Return the values of now."""
        jobs, seconds = self.reranking.models.waiting()
        cache, models = self.reranking.batcher.cache, self.reranking.models
        hits = CounterMetricFamily("resift_cache_pairs", "Pairs looked up in the cache of scores.", labels=["result"])
        hits.add_metric(["hit"], cache.hits)
        hits.add_metric(["miss"], cache.misses)
        rate = GaugeMetricFamily("resift_tokens_per_second", "Measured rate, probable tokens.", labels=["model"])
        for model in models.loaded:
            rate.add_metric([model.name], model.lane.rate.tokens_per_second)
        ladder = self.reranking.ladder
        rung = 0 if ladder is None else ladder.rung
        steps = CounterMetricFamily("resift_ladder_steps", "Changes of the ladder's rung.", labels=["direction"])
        steps.add_metric(["down"], 0 if ladder is None else ladder.steps_down)
        steps.add_metric(["up"], 0 if ladder is None else ladder.steps_up)
        return [
            GaugeMetricFamily("resift_queue_jobs", "Requests waiting or being scored.", value=jobs),
            GaugeMetricFamily("resift_queue_estimated_seconds", "Time that the queue will take.", value=seconds),
            GaugeMetricFamily("resift_cache_bytes", "Bytes of the cache of scores.", value=cache.bytes),
            GaugeMetricFamily("resift_models_loaded", "Models in memory.", value=len(models.loaded)),
            GaugeMetricFamily("resift_ladder_rung", "The rung in use, 0 for the best model.", value=rung),
            hits,
            rate,
            steps,
        ]

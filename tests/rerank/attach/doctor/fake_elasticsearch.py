"""An Elasticsearch that has the inference API, as its specification describes it: one index, one endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resift.rerank.attach.doctor.direct import Direct
from resift.retrieval.engine.retry import Retry, once
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import StatusError

URL = "http://elastic:9200"
TEXTS = {
    "cats": "Cats live on meat and fish and what they eat first is fish",
    "dogs": "Dogs bark at night and eat what the cats leave for them",
    "soup": "Simmer the red lentils for an hour then eat the soup",
}


@dataclass
class FakeElasticsearch:
    """In place of an `Engine`: `endpoint` is what GET _inference reports; `answers_until`: requests before it dies.

    A search by a field that the index lacks keeps the first stage's scores, without an error.
    """

    endpoint: dict[str, Any]
    licence: str = "trial"
    licence_status: str = "active"
    answers_until: int = 10_000
    flavour: str = "elasticsearch"
    version: str = "9.1.0"
    url: str = URL
    settings: ConnectionSettings = field(default_factory=ConnectionSettings)
    secrets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def retry(self) -> Retry:
        return once()

    def request(self, method: str, path: str, body: Any = None, params: Any = None, **others: Any) -> Any:
        self.asked.append(f"{method} {path}")
        if len(self.asked) > self.answers_until:
            raise StatusError("no connection", URL, 0)
        if path.startswith("/_inference/rerank/_all"):
            return {"endpoints": [self.endpoint] if self.endpoint else []}
        if path.startswith("/_inference/rerank/"):
            scores = self.scores(body["query"], body["input"])
            return {"rerank": [{"index": place, "relevance_score": score} for place, score in scores.items()]}
        if path == "/_license":
            return {"license": {"type": self.licence, "status": self.licence_status}}
        if path.endswith("/_field_caps"):
            return {"fields": {"text": {"text": {}}, "title": {"text": {}}}}
        if path.endswith("/_search"):
            return self.search(body)
        return {
            "articles": {
                "mappings": {"properties": {"text": {"type": "text"}, "title": {"type": "text"}}},
                "settings": {},
            }
        }

    def scores(self, query: str, texts: list[str]) -> dict[int, float]:
        reply = Direct(self.endpoint["service_settings"]["url"], "", self.texts, 5.0).rerank(query, texts)
        if reply.status != 200:
            reason = reply.error or f"Received an unsuccessful status code for rerank request, status [{reply.status}]"
            raise StatusError(f"the engine returned status {reply.status or 500}: {reason}", URL, reply.status or 500)
        return {place: float(score) for place, score in reply.scores().items()}

    @property
    def texts(self) -> str:
        return "texts" if self.endpoint["service"] == "hugging_face" else "documents"

    def search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        first = {doc_id: 3.0 - place for place, doc_id in enumerate(TEXTS)}
        reranker = (body.get("retriever") or {}).get("text_similarity_reranker")
        if reranker and reranker["field"] in ("text", "title"):
            scores = self.scores(reranker["inference_text"], list(TEXTS.values()))
            if len(scores) != len(TEXTS):
                raise StatusError("Reranker input document count and returned score count mismatch", URL, 500)
            first = {doc_id: 1 + scores[place] for place, doc_id in enumerate(TEXTS)}
        hits = [
            {"_index": "articles", "_id": doc_id, "_score": score, "_source": {"title": doc_id, "text": TEXTS[doc_id]}}
            for doc_id, score in sorted(first.items(), key=lambda one: -one[1])
        ]
        total = {"total": 1, "successful": 1}
        return {"_shards": total, "took": 1, "hits": {"total": {"value": 3}, "hits": hits[: body.get("size", 10)]}}

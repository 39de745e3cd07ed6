# mypy: ignore-errors
"""Haystack's rankers for Cohere, Jina and text-embeddings-inference."""

import asyncio
from typing import Any

from haystack import Document
from haystack.utils import Secret
from haystack_integrations.components.rankers.cohere import CohereRanker
from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker
from haystack_integrations.components.rankers.jina import JinaRanker
from program import attempt, read_given, write

given = read_given()
documents = [Document(content=text, meta={"index": place}) for place, text in enumerate(given.documents)]


def pairs(found: dict[str, Any]) -> list[Any]:
    return [(one.meta["index"], one.score) for one in found["documents"]]


def ran(ranker: Any) -> Any:
    return attempt(lambda: pairs(ranker.run(query=given.query, documents=documents)))


def awaited(ranker: Any) -> Any:
    return attempt(lambda: pairs(asyncio.run(ranker.run_async(query=given.query, documents=documents))))


def cohere(key: str) -> CohereRanker:
    return CohereRanker("resift-tiny", top_k=2, api_key=Secret.from_token(key), api_base_url=given.url)


def jina(key: str) -> JinaRanker:
    url = f"{given.url}/v1/rerank"
    return JinaRanker("resift-tiny", Secret.from_token(key), top_k=2, base_url=url)


def tei(key: str, **more: Any) -> HuggingFaceTEIRanker:
    return HuggingFaceTEIRanker(url=given.url, top_k=2, token=Secret.from_token(key), **more)


makers = {"cohere": cohere, "jina": jina, "tei": tei}
replies = {name: ran(make(given.key)) for name, make in makers.items()}
replies |= {f"{name}, asynchronous": awaited(make(given.key)) for name, make in makers.items()}
replies |= {f"{name}, wrong key": ran(make("wrong")) for name, make in makers.items()}
write(replies | {"tei, raw scores": ran(tei(given.key, raw_scores=True))}, given.examples)

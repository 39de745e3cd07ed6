# mypy: ignore-errors
"""LangChain's compressors for Cohere, Voyage, Jina and Infinity."""

import asyncio
from collections.abc import Iterable
from typing import Any

from infinity_client import Client
from langchain_cohere import CohereRerank
from langchain_community.document_compressors import InfinityRerank, JinaRerank, jina_rerank
from langchain_core.documents import Document
from langchain_voyageai import VoyageAIRerank
from program import attempt, read_given, write

given = read_given()
documents = [Document(text, metadata={"index": place}) for place, text in enumerate(given.documents)]
jina_rerank.JINA_API_URL = f"{given.url}/v1/rerank"


def pairs(found: Iterable[Document]) -> list[Any]:
    return [(one.metadata["index"], one.metadata["relevance_score"]) for one in found]


def compressed(compressor: Any) -> Any:
    return attempt(lambda: pairs(compressor.compress_documents(documents, given.query)))


def awaited(compressor: Any) -> Any:
    return attempt(lambda: pairs(asyncio.run(compressor.acompress_documents(documents, given.query))))


def cohere(key: str = given.key, **more: Any) -> CohereRerank:
    return CohereRerank(model="resift-tiny", cohere_api_key=key, base_url=given.url, **more)


def voyage(key: str = given.key, **more: Any) -> VoyageAIRerank:
    return VoyageAIRerank(model="resift-tiny", api_key=key, base_url=f"{given.url}/v1", **more)


def infinity(key: str) -> InfinityRerank:
    client = Client(base_url=given.url, headers={"Authorization": f"Bearer {key}"})
    return InfinityRerank(client=client, model="resift-tiny", top_n=2)


books = [{"title": text, "body": "A long text."} for text in given.documents]
write(
    {
        "cohere": compressed(cohere(top_n=2)),
        "cohere, asynchronous": awaited(cohere(top_n=2)),
        "cohere, objects": len(cohere(top_n=2).rerank(books, given.query, rank_fields=["title"], max_tokens_per_doc=9)),
        "cohere, wrong key": compressed(cohere("wrong")),
        "voyage": compressed(voyage(top_k=2)),
        "voyage, asynchronous": awaited(voyage(top_k=2)),
        "voyage, all": compressed(voyage()),
        "voyage, wrong key": compressed(voyage("wrong")),
        "jina": compressed(JinaRerank(jina_api_key=given.key, top_n=2)),
        "jina, wrong key": compressed(JinaRerank(jina_api_key="wrong")),
        "infinity": compressed(infinity(given.key)),
        "infinity, wrong key": compressed(infinity("wrong")),
    },
    given.examples,
)

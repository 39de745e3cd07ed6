# mypy: ignore-errors
"""Cohere's SDK, first version of its interface."""

import asyncio
from typing import Any

import cohere
from program import attempt, read_given, write

given = read_given()
client = cohere.Client(given.key, base_url=given.url)
asked = {"model": "resift-tiny", "query": given.query}
books = [{"title": text, "body": "A long text."} for text in given.documents]


def pairs(reply: cohere.RerankResponse) -> list[Any]:
    return [(result.index, result.relevance_score) for result in reply.results]


def texts(reply: cohere.RerankResponse) -> list[Any]:
    return [result.document and result.document.text for result in reply.results]


async def asynchronously() -> list[Any]:
    async with cohere.AsyncClient(given.key, base_url=given.url) as other:
        return pairs(await other.rerank(documents=given.documents, **asked))


returned = client.rerank(documents=given.documents, return_documents=True, **asked)
fields = client.rerank(documents=books, rank_fields=["title"], return_documents=True, max_chunks_per_doc=2, **asked)
write(
    {
        "version": cohere.__version__,
        "all": pairs(client.rerank(documents=given.documents, **asked)),
        "without a model": pairs(client.rerank(query=given.query, documents=given.documents)),
        "top_n": pairs(client.rerank(documents=given.documents, top_n=2, **asked)),
        "objects": pairs(client.rerank(documents=[{"text": text} for text in given.documents], **asked)),
        "fields": pairs(fields),
        "title of the best": fields.results[0].document.title,
        "texts": texts(returned),
        "units": returned.meta.billed_units.search_units,
        "asynchronous": asyncio.run(asynchronously()),
        "wrong key": attempt(lambda: cohere.Client("wrong", base_url=given.url).rerank(documents=["a"], **asked)),
        "no documents": attempt(lambda: client.rerank(documents=[], **asked)),
        "negative top_n": attempt(lambda: client.rerank(documents=["a"], top_n=-1, **asked)),
        "unreadable fields": attempt(lambda: client.rerank(documents=books, rank_fields=["none"], **asked)),
    },
    given.examples,
)

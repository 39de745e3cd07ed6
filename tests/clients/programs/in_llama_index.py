# mypy: ignore-errors
"""LlamaIndex's postprocessors for Cohere, Jina, text-embeddings-inference and Voyage."""

import asyncio
from typing import Any

import voyageai
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.cohere_rerank import CohereRerank
from llama_index.postprocessor.jinaai_rerank import JinaRerank
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference
from llama_index.postprocessor.voyageai_rerank import VoyageAIRerank
from program import attempt, read_given, write

given = read_given()


def nodes() -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text, id_=str(place))) for place, text in enumerate(given.documents)]


def pairs(found: list[NodeWithScore]) -> list[Any]:
    return [(int(one.node.node_id), one.score) for one in found]


def processed(postprocessor: Any) -> Any:
    return attempt(lambda: pairs(postprocessor.postprocess_nodes(nodes(), query_str=given.query)))


def awaited(postprocessor: Any) -> Any:
    return attempt(lambda: pairs(asyncio.run(postprocessor.apostprocess_nodes(nodes(), query_str=given.query))))


def cohere(key: str) -> CohereRerank:
    return CohereRerank(model="resift-tiny", api_key=key, base_url=given.url, top_n=2)


def jina(key: str) -> JinaRerank:
    return JinaRerank(model="resift-tiny", api_key=key, base_url=f"{given.url}/v1", top_n=2)


def tei(key: str) -> TextEmbeddingInference:
    return TextEmbeddingInference(base_url=given.url, auth_token=f"Bearer {key}", top_n=2)


def voyage(key: str) -> VoyageAIRerank:
    found = VoyageAIRerank("resift-tiny", api_key=key, top_n=2)
    found._client = voyageai.Client(key, base_url=f"{given.url}/v1")  # it has no option for the address
    return found


makers = {"cohere": cohere, "jina": jina, "tei": tei, "voyage": voyage}
replies = {name: processed(make(given.key)) for name, make in makers.items()}
replies |= {f"{name}, asynchronous": awaited(make(given.key)) for name, make in makers.items()}
write(replies | {f"{name}, wrong key": processed(make("wrong")) for name, make in makers.items()}, given.examples)

"""What Elasticsearch's inference services send to a reranker, and how strictly they read the reply.

Re-implemented from their sources: the request entities HuggingFaceRerankRequestEntity, OpenShiftAIRerankRequestEntity
and JinaAIRerankRequestEntity, the response entities of Hugging Face, Jina and Cohere, CustomServiceSettings with its
parser of JSON paths, and TextSimilarityRankFeaturePhaseRankCoordinatorContext, in x-pack/plugin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


class RefusedError(Exception):
    """Elasticsearch's parser would throw."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One document of a reply, as every parser returns it."""

    index: int
    score: float
    text: str | None = None


def hugging_face_request(query: str, texts: Sequence[str], top_n: int | None, return_text: bool | None) -> bytes:
    """The body of the service hugging_face: TEI's."""
    body: dict[str, Any] = {"texts": texts, "query": query}
    return _encoded(body, {"return_text": return_text, "top_n": top_n})


def jina_request(
    query: str, texts: Sequence[str], top_n: int | None, return_documents: bool | None, model: str | None = None
) -> bytes:
    """The body of openshift_ai and jinaai."""
    body: dict[str, Any] = {} if model is None else {"model": model}
    return _encoded(body | {"query": query, "documents": texts}, {"top_n": top_n, "return_documents": return_documents})


def cohere_request(query: str, texts: Sequence[str], top_n: int | None, return_documents: bool | None) -> bytes:
    """The body of cohere, its second version."""
    body = {"model": "rerank-v3.5", "query": query, "documents": texts}
    return _encoded(body, {"return_documents": return_documents, "top_n": top_n, "max_chunks_per_doc": None})


def custom_request(template: str, query: str, texts: Sequence[str]) -> bytes:
    """The body of custom: its template, with the parameters as JSON in place of their names; no name may remain."""
    filled = template.replace("${input}", _json(texts)).replace("${query}", _json(query))
    if left := re.search(r"\$\{.*?\}", filled):
        raise RefusedError(f"Found placeholder [{left[0]}] in field [request] after replacement call")
    json.loads(filled)
    return filled.encode()


def read_hugging_face(reply: bytes) -> list[Ranked]:
    """A bare array of objects with index and score; the parser sorts it itself."""
    rows = _array(_parsed(reply))
    found = [Ranked(_integer(row, "index"), _number(row, "score"), row.get("text")) for row in rows]
    return sorted(found, key=lambda one: -one.score)


def read_strict(reply: bytes) -> list[Ranked]:
    """Jina's and Cohere's parser: other members are skipped at the top, and refused in a result and in a document."""
    found = []
    for row in _array(_object(_parsed(reply)).get("results")):
        if unknown := set(row) - {"index", "relevance_score", "document"}:
            raise RefusedError(f"unknown fields in a result: {sorted(unknown)}")
        document = _object(row.get("document", {}))
        if unknown := set(document) - {"text"}:
            raise RefusedError(f"unknown fields in a document: {sorted(unknown)}")
        if "document" in row and not isinstance(document.get("text"), str):
            raise RefusedError("a document without a text")
        found.append(Ranked(_integer(row, "index"), _number(row, "relevance_score"), document.get("text")))
    return found


def read_custom(paths: Mapping[str, str]) -> Callable[[bytes], list[Ranked]]:
    """The parser of custom, by the JSON paths of an endpoint: all that are named must find lists of one length."""

    def read(reply: bytes) -> list[Ranked]:
        columns = {name: _at(path, _parsed(reply)) for name, path in paths.items()}
        if len({len(column) for column in columns.values()}) != 1:
            raise RefusedError(f"lists of different lengths: { {name: len(one) for name, one in columns.items()} }")
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return [
            Ranked(_integer(row, "reranked_index"), _number(row, "relevance_score"), row.get("document_text"))
            for row in rows
        ]

    return read


def retrieved(ranked: Sequence[Ranked], sent: int) -> list[tuple[int, np.float32]]:
    """Index and score of the hits of the retriever text_similarity_reranker, for which `sent` documents were sent."""
    if not ranked:
        return []  # the first stage's scores are kept
    if len(ranked) != sent:
        raise RefusedError("Reranker input document count and returned score count mismatch")
    if sorted(one.index for one in ranked) != list(range(sent)):
        raise RefusedError("a document twice")
    scores = {one.index: np.float32(one.score) for one in ranked}
    shown = {index: max(score, np.float32(0)) + min(np.exp(score), np.float32(1)) for index, score in scores.items()}
    return sorted(shown.items(), key=lambda one: -one[1])


def _encoded(body: dict[str, Any], optional: Mapping[str, Any]) -> bytes:
    return _json(body | {name: value for name, value in optional.items() if value is not None}).encode()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _parsed(reply: bytes) -> Any:
    def constant(name: str) -> float:
        raise RefusedError(f"{name} is not JSON")

    return json.loads(reply, parse_constant=constant)


def _array(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise RefusedError("expected an array of objects")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedError("expected an object")
    return value


def _integer(row: Mapping[str, Any], name: str) -> int:
    if type(row.get(name)) is not int:
        raise RefusedError(f"{name} is missing or not an integer")
    return int(row[name])


def _number(row: Mapping[str, Any], name: str) -> float:
    if type(row.get(name)) not in (int, float):
        raise RefusedError(f"{name} is missing or not a number")
    return float(row[name])


def _at(path: str, value: Any) -> list[Any]:
    """The values at a path such as $.results[*].index; all of its steps must exist."""
    found = [value]
    for name, each in re.findall(r"\.(\w+)(\[\*\])?", path):
        try:
            found = [one[name] for one in found]
        except (KeyError, TypeError):
            raise RefusedError(f"nothing at {path}") from None
        found = [inner for one in found for inner in one] if each else found
    return found

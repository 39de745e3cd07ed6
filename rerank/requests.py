"""Rerank requests as JSON lines: parse each line, rerank its candidates, and build the reply."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.candidates import Candidate, from_reranking, to_ranking
from resift.rerank.reranker import Reranker, Reranking
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document, Query, Ranking


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """One request: its candidates as a ranking, and whether they have first-stage scores (`scored`)."""

    body: Mapping[str, Any]
    ranking: Ranking
    scored: bool


@dataclass(frozen=True, slots=True)
class RerankReply:
    """The reply to one request as a JSON object, and the reranking behind it."""

    body: dict[str, Any]
    result: Reranking


def read_requests(lines: Iterable[bytes], name: str) -> Iterator[RerankRequest]:
    """Yield the request of each line that is not blank. Raises CorpusError with `name` and the line number."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _request(number, _parse(line))
            except ValueError as error:
                raise CorpusError(str(error), name, number) from None


def rerank_requests(
    requests: Iterable[RerankRequest], reranker: Reranker, top: int | None, return_documents: bool
) -> Iterator[RerankReply]:
    """Yield the reply to each request as soon as it is read, in order. Raises CorpusError and ModelError."""
    alone = reranker.with_settings(fusion="none")
    for request in requests:
        [result] = (reranker if request.scored else alone).rerank([request.ranking])
        yield _reply(request, result, top, return_documents)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        body = json.loads(line, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8; expected JSON in UTF-8") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise ValueError(f'not JSON ({reason}); expected {{"query": "...", "documents": [...]}}') from None
    if not isinstance(body, dict):
        raise ValueError(f'a JSON {type(body).__name__}; expected an object {{"query": "...", "documents": [...]}}')
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _request(number: int, body: dict[str, Any]) -> RerankRequest:
    query, documents = body.get("query"), body.get("documents")
    if not isinstance(query, str) or not query.strip():
        raise ValueError('"query" is missing or empty; expected a text')
    if not isinstance(documents, list):
        raise ValueError('"documents" is missing or not a list; expected a list of texts or of objects with "text"')
    candidates = [_candidate(place, document) for place, document in enumerate(documents)]
    text = query.encode("utf-8", "replace").decode("utf-8")
    ranking = to_ranking(Query(str(number), text), candidates)
    return RerankRequest(body, ranking, scored=any(candidate.score is not None for candidate in candidates))


def _is_finite(score: object) -> bool:
    try:
        return isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
    except OverflowError:  # an integer too large for a float
        return False


def _candidate(place: int, value: object) -> Candidate:
    if isinstance(value, str):
        return Candidate(Document("", value))
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise ValueError(f'document {place} is neither a text nor an object with a "text"')
    title, score = value.get("title") or "", value.get("score")
    if not isinstance(title, str):
        raise ValueError(f'document {place}: "title" is not a text')
    if score is not None and not _is_finite(score):
        raise ValueError(f'document {place}: "score" is {str(score)[:40]}; expected a finite number')
    rest = {key: member for key, member in value.items() if key not in ("text", "title", "score")}
    return Candidate(Document("", value["text"], title, rest), None if score is None else float(score))


def _reply(request: RerankRequest, result: Reranking, top: int | None, return_documents: bool) -> RerankReply:
    documents = request.body["documents"]
    results = []
    for reranked in from_reranking(result)[:top]:
        given = documents[reranked.position]
        entry: dict[str, Any] = {"index": reranked.position}
        if isinstance(given, dict) and "doc_id" in given:
            entry["doc_id"] = given["doc_id"]
        entry["score"] = reranked.probability
        if result.fused:
            entry["fused"] = reranked.fused
        entry["logit"] = reranked.logit
        if reranked.unscored is not None:
            entry["unscored"] = reranked.unscored
        if return_documents:
            entry["document"] = given
        results.append(entry)
    rest = {key: member for key, member in request.body.items() if key != "documents"}
    return RerankReply({**rest, "results": results}, result)

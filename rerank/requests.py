"""Rerank requests as JSON lines: what a line holds, and the line that answers it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.reranker import Reranker, Reranking
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document, Hit, Query, Ranking


@dataclass(frozen=True, slots=True)
class Request:
    """One line: its candidates as a ranking (positions as ids), and whether they came with first-stage scores."""

    line: int
    body: Mapping[str, Any]
    ranking: Ranking
    scored: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one line, as a JSON object, and the reranking that it tells of."""

    body: dict[str, Any]
    result: Reranking


def read_requests(lines: Iterable[bytes], name: str) -> Iterator[Request]:
    """Yield the request of each line that is not blank. Raises CorpusError with `name` and the line's number."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _request(number, _parse(line))
            except ValueError as error:
                raise CorpusError(str(error), name, number) from None


def rerank_requests(
    requests: Iterable[Request], reranker: Reranker, top: int | None, return_documents: bool
) -> Iterator[Reply]:
    """Yield the reply to each request as soon as it is read, in order. Raises CorpusError and ModelError."""
    alone = Reranker(reranker.scorer, dataclasses.replace(reranker.settings, fusion="none"))
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
    raise ValueError(f"{name} is no JSON number")


def _request(number: int, body: dict[str, Any]) -> Request:
    query, documents = body.get("query"), body.get("documents")
    if not isinstance(query, str) or not query.strip():
        raise ValueError('"query" is missing or empty; expected a text')
    if not isinstance(documents, list):
        raise ValueError('"documents" is missing or no list; expected a list of texts or of objects with "text"')
    parsed = [_document(position, document) for position, document in enumerate(documents)]
    scores = [score for _, score in parsed]
    scored = bool(scores) and all(score is not None for score in scores)
    if not scored and any(score is not None for score in scores):
        raise ValueError('some documents have a "score" and some have none; give it to all or to none')
    # without scores the given order is the first stage's: a falling score keeps it
    hits = [
        Hit(document, -float(position) if score is None else score) for position, (document, score) in enumerate(parsed)
    ]
    text = query.encode("utf-8", "replace").decode("utf-8")
    return Request(number, body, Ranking.of(Query(str(number), text), hits), scored)


def _is_finite(score: object) -> bool:
    try:
        return isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
    except OverflowError:  # a whole number beyond every float
        return False


def _inner_id(position: int) -> str:
    """Return an id that falls as the position rises: the ordering rule then leaves equal scores as they were given."""
    return f"{10**9 - position:010d}"


def _position(document: Document) -> int:
    return 10**9 - int(document.doc_id)


def _document(position: int, value: object) -> tuple[Document, float | None]:
    if isinstance(value, str):
        return Document(_inner_id(position), value), None
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise ValueError(f'document {position} is neither a text nor an object with a "text"')
    title, score = value.get("title") or "", value.get("score")
    if not isinstance(title, str):
        raise ValueError(f'document {position}: "title" is no text')
    if score is not None and not _is_finite(score):
        raise ValueError(f'document {position}: "score" is {str(score)[:40]}; expected a finite number')
    rest = {key: member for key, member in value.items() if key not in ("text", "title", "score")}
    return Document(_inner_id(position), value["text"], title, rest), None if score is None else float(score)


def _reply(request: Request, result: Reranking, top: int | None, return_documents: bool) -> Reply:
    documents = request.body["documents"]
    results = []
    for hit in result.ranking.hits[:top]:
        position = _position(hit.document)
        given = documents[position]
        entry: dict[str, Any] = {"index": position}
        if isinstance(given, dict) and "doc_id" in given:
            entry["doc_id"] = given["doc_id"]
        entry["score"] = hit.score
        entry["logit"] = result.logits.get(hit.document.doc_id)
        if return_documents:
            entry["document"] = given
        results.append(entry)
    rest = {key: member for key, member in request.body.items() if key != "documents"}
    return Reply({**rest, "results": results}, result)

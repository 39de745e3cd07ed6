"""The candidates of a rerank request: documents, the hits of `resift search --json`, or an engine's response."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resift.rerank.candidates import Candidate
from resift.rerank.fusion import Scale
from resift.retrieval.types import Document

_DOCUMENTS = ("documents", "texts", "passages")  # as resift and Cohere, TEI, and NVIDIA name them
_TEXTS = ("text", "body", "content", "contents", "passage", "page_content")
_EXPECTED = 'expected a list of texts or of objects with "text", or the hits of a search'


@dataclass(frozen=True, slots=True)
class GivenCandidates:
    """The candidates of a request, in the given order, and what is known of the search that found them.

    `member`: the name of the member of the request that has them; `given`: its list. `window`: how many hits that
    search rescored, None if unknown. `promoted`: how many of the first hits it kept in their places. `scale`: the
    scale of all its candidates, of which these may be a part, and `model`: the name of the model that scored them.
    """

    member: str
    given: Sequence[object]
    candidates: Sequence[Candidate]
    window: int | None = None
    promoted: int = 0
    scale: Scale | None = None
    model: str | None = None


def find_candidates(body: Mapping[str, Any]) -> GivenCandidates:
    """Return the candidates in `body`. Raises ValueError with the problem if there are none, or one is not readable."""
    member = next((name for name in _DOCUMENTS if name in body), None)
    hits = body.get("hits")
    if member is None and isinstance(hits, list):
        return _of_search(body, hits)
    if member is None and isinstance(hits, Mapping) and isinstance(hits.get("hits"), list):
        found = hits["hits"]
        return GivenCandidates("hits", found, [_engine_hit(place, hit) for place, hit in enumerate(found)])
    documents = None if member is None else body[member]
    if member is None or not isinstance(documents, list):
        raise ValueError(f'"{member or "documents"}" is missing or not a list; {_EXPECTED}')
    return GivenCandidates(member, documents, [_document(place, one) for place, one in enumerate(documents)])


def find_query(body: Mapping[str, Any], default: str | None) -> str:
    """Return the text of the query in `body`, or `default` if it has none. Raises ValueError if there is no text."""
    query = body.get("query", default)
    if isinstance(query, Mapping):  # as NVIDIA writes it
        query = query.get("text")
    if not isinstance(query, str) or not query.strip():
        hint = "; an engine's response does not repeat it, so add it" if isinstance(body.get("hits"), Mapping) else ""
        raise ValueError(f'"query" is missing or empty; expected a text{hint}')
    return query.encode("utf-8", "replace").decode("utf-8")


def _document(place: int, value: object) -> Candidate:
    if isinstance(value, str):
        return Candidate(Document("", value))
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise ValueError(f'document {place} is neither a text nor an object with a "text"')
    rest = {key: member for key, member in value.items() if key not in ("text", "title", "score")}
    return Candidate(Document("", value["text"], _title(place, value), rest), _score(place, value, "score"))


def _of_search(body: Mapping[str, Any], hits: Sequence[object]) -> GivenCandidates:
    """Return the hits that `resift search --json` printed, with the first stage's scores."""
    candidates = [_search_hit(place, hit) for place, hit in enumerate(hits)]
    window = body.get("rank_window_size")
    promoted = sum(isinstance(hit, dict) and hit.get("unscored") == "promoted" for hit in hits)
    model = body.get("model")
    return GivenCandidates(
        "hits",
        hits,
        candidates,
        window if isinstance(window, int) and window > 0 else None,
        promoted,
        _scale(body.get("scale")),
        model if isinstance(model, str) else None,
    )


def _search_hit(place: int, value: object) -> Candidate:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise ValueError(f'hit {place} is not an object with a "text", as `resift search --json` prints it')
    fields = value.get("fields")
    score = _score(place, value, "first_stage_score")
    document = Document("", value["text"], _title(place, value), fields if isinstance(fields, dict) else {})
    return Candidate(document, score)


def _engine_hit(place: int, value: object) -> Candidate:
    source = value.get("_source", value.get("fields")) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(source, dict):
        raise ValueError(f'hit {place} has no "_source"; ask the engine for it')
    text = next((found for name in _TEXTS if (found := _joined(source.get(name)))), "")
    return Candidate(Document("", text, _joined(source.get("title")), source), _score(place, value, "_score"))


def _joined(value: object) -> str:
    if isinstance(value, list):
        return " ".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _title(place: int, value: Mapping[str, Any]) -> str:
    title = value.get("title") or ""
    if not isinstance(title, str):
        raise ValueError(f'document {place}: "title" is not a text')
    return title


def _score(place: int, value: Mapping[str, Any], name: str) -> float | None:
    score = value.get(name)
    if score is not None and not _is_finite(score):
        raise ValueError(f'document {place}: "{name}" is {str(score)[:40]}; expected a finite number')
    return None if score is None else float(score)


def _scale(value: object) -> Scale | None:
    """Return the scale that `resift search --json` prints, None if it is not there or not of its form."""
    if not isinstance(value, dict):
        return None
    moments = [
        (float(pair[0]), float(pair[1]))
        for pair in (value.get("first_stage"), value.get("logits"))
        if isinstance(pair, list) and len(pair) == 2 and all(map(_is_finite, pair))
    ]
    return Scale(*moments) if len(moments) == 2 else None


def _is_finite(score: object) -> bool:
    try:
        return isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
    except OverflowError:  # an integer too large for a float
        return False

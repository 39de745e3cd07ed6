"""The table of dialects; a new one is one file and one row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.service.call import RerankCall, ScoreCall
from resift.rerank.service.dialects import cohere_v1, cohere_v2, scores, tei

_ANIMALS = {"query": "what do cats eat", "documents": ["Dogs bark at night.", "Cats live on meat and fish."]}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How requests of one form are read and answered.

    `read` turns a JSON object into the dialect's request and a call, and `write` an answer into a reply; both raise
    RequestError. `request` and `reply` are their types, and `example` is a request.
    """

    name: str
    read: Callable[[dict[str, Any]], tuple[Any, RerankCall | ScoreCall]]
    write: Callable[[Any, Any, Any], Any]
    request: Any
    reply: Any
    example: Mapping[str, Any]


_V1 = Dialect("v1", cohere_v1.read, cohere_v1.write, cohere_v1.RerankV1Request, cohere_v1.RerankV1Reply, _ANIMALS)
_TEI = Dialect(
    "tei",
    tei.read,
    tei.write,
    tei.TeiRequest,
    list[tei.TeiRank],
    {"query": _ANIMALS["query"], "texts": _ANIMALS["documents"]},
)
_V2 = Dialect(
    "v2",
    cohere_v2.read,
    cohere_v2.write,
    cohere_v2.RerankV2Request,
    cohere_v2.RerankV2Reply,
    {"model": "default", **_ANIMALS},
)
_SCORE = Dialect(
    "score",
    scores.read,
    scores.write,
    scores.ScoreRequest,
    scores.ScoreReply,
    {"text_1": _ANIMALS["query"], "text_2": _ANIMALS["documents"]},
)

DIALECTS: dict[str, tuple[Dialect, ...]] = {
    "/rerank": (_TEI, _V1),
    "/v1/rerank": (_V1,),
    "/v2/rerank": (_V2,),
    "/score": (_SCORE,),
}
"""Path -> the dialects that it speaks; if there are two, the first is for requests with "texts"."""


def choose_dialect(path: str, body: Mapping[str, Any]) -> Dialect:
    """Return the dialect of a request to `path`.

    >>> choose_dialect("/rerank", {"query": "a", "texts": ["b"]}).name
    'tei'
    """
    first, *others = DIALECTS[path]
    return others[0] if others and body.get("texts") is None else first

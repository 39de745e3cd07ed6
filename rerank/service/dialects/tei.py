"""text-embeddings-inference: POST /rerank with "texts" gets an array of {"index", "score"}, best first.

Elasticsearch's inference service "hugging_face" speaks it too. Source: TEI, router/src/http/types.rs.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from resift.rerank.service.call import RerankAnswer, RerankCall
from resift.rerank.service.dialects.forms import (
    ONE_OR_MORE,
    Ranked,
    ReplyFacts,
    TopN,
    read_form,
    refuse_cut,
)
from resift.rerank.service.request_error import invalid


class TeiRequest(Ranked, kw_only=True):
    """A query and the texts to put in order."""

    texts: Annotated[list[str], ONE_OR_MORE]
    top_n: TopN | None = None
    return_text: bool | None = None
    truncate: Annotated[bool | None, Meta(description="False refuses texts that the model cannot read whole.")] = None
    truncation_direction: Annotated[str | None, Meta(extra_json_schema={"enum": ["right", "Right", None]})] = None


class TeiRank(Struct):
    """One text: its place in the request and its score."""

    index: int
    score: float
    text: str | UnsetType = UNSET


def read(body: dict[str, object]) -> tuple[TeiRequest, RerankCall]:
    """Return the request in `body`, and what it asks for. Raises RequestError."""
    form = read_form(body, TeiRequest)
    if body.get("explain") or body.get("explain_words") is not None:
        raise invalid("a reply to texts has no place for explanations; send the texts as documents")
    if (form.truncation_direction or "right").lower() != "right":
        raise invalid('only truncation_direction "right" is supported: texts are cut at their end')
    return form, form.call(form.texts, form.top_n)


def write(form: TeiRequest, answer: RerankAnswer, facts: ReplyFacts) -> list[TeiRank]:
    """Return the reply. Raises RequestError if texts were cut that must not be."""
    refuse_cut(form.truncate, "truncate", facts)
    return [
        TeiRank(one.index, one.score, form.texts[one.index] if form.return_text else UNSET) for one in answer.results
    ]

"""POST /v2/rerank, as Cohere's second version has it: texts alone, and no document in the reply.

Source: Cohere's OpenAPI document. vLLM has the same path for its own form, whose member for repeating documents is
ignored here.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Struct, UnsetType

from resift.rerank.service.call import RerankAnswer, RerankCall
from resift.rerank.service.dialects.cohere_v1 import ApiVersion, BilledUnits, Meta
from resift.rerank.service.dialects.forms import (
    ONE_OR_MORE,
    Details,
    Explained,
    GivenDocument,
    IndexName,
    ReplyFacts,
    ResultReply,
    TopN,
    explanations,
    read_form,
)


class RerankV2Request(Explained, kw_only=True):
    """A query and the documents to put in order."""

    documents: Annotated[list[str | GivenDocument], ONE_OR_MORE]
    top_n: TopN | None = None
    index: IndexName = None


class RerankV2Reply(Struct):
    """The results, best first."""

    id: str
    results: list[ResultReply]
    meta: Meta
    resift: Details
    explanations: list[dict[str, Any]] | UnsetType = UNSET


def read(body: dict[str, object]) -> tuple[RerankV2Request, RerankCall]:
    """Return the request in `body`, and what it asks for. Raises RequestError."""
    form = read_form(body, RerankV2Request)
    return form, form.explained(form.call(form.documents, form.top_n, index=form.index))


def write(form: RerankV2Request, answer: RerankAnswer, facts: ReplyFacts) -> RerankV2Reply:
    """Return the reply."""
    results = [ResultReply(one.index, one.score) for one in answer.results]
    meta, details = Meta(ApiVersion("2"), BilledUnits(1)), facts.details(answer)
    return RerankV2Reply(facts.request_id, results, meta, details, explanations(answer))

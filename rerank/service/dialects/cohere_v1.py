"""POST /v1/rerank, as Cohere's first version, Jina, OpenShift AI, OpenSearch's connectors, vLLM and Infinity have it.

Voyage's `top_k` is read too, and `data` added to the reply of its clients. Sources: Cohere's OpenAPI document, and the
parsers of Elasticsearch and OpenSearch, which refuse unknown members inside a result and scores that are integers.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Struct, UnsetType

from resift.rerank.service.call import RerankAnswer, RerankCall
from resift.rerank.service.dialects.forms import (
    ONE_OR_MORE,
    Details,
    Explained,
    GivenDocument,
    IndexName,
    Passages,
    ReplyFacts,
    ResultReply,
    TopN,
    Usage,
    explanations,
    read_form,
    refuse_cut,
)
from resift.rerank.service.request_error import invalid


class RerankV1Request(Explained, kw_only=True):
    """A query and the documents to put in order: texts, or objects with "text" and optionally "title"."""

    documents: Annotated[list[str | GivenDocument], ONE_OR_MORE]
    top_n: TopN | None = None
    index: IndexName = None
    top_k: TopN | None = None
    return_documents: bool | None = None
    rank_fields: list[str] | None = None
    max_chunks_per_doc: Passages | None = None
    truncation: bool | None = None


class ApiVersion(Struct):
    """The version of the dialect."""

    version: str


class BilledUnits(Struct):
    """What a paid service would count: 1 for each request."""

    search_units: int


class Meta(Struct):
    """Facts that clients of Cohere expect."""

    api_version: ApiVersion
    billed_units: BilledUnits


class RerankV1Reply(Struct):
    """The results, best first. `data` is the same list, for clients of Voyage."""

    id: str
    model: str
    results: list[ResultReply]
    usage: Usage
    meta: Meta
    resift: Details
    object: str | UnsetType = UNSET
    data: list[ResultReply] | UnsetType = UNSET
    explanations: list[dict[str, Any]] | UnsetType = UNSET


def read(body: dict[str, object]) -> tuple[RerankV1Request, RerankCall]:
    """Return the request in `body`, and what it asks for. Raises RequestError."""
    if body.get("documents") is None:
        other = next((name for name in ("texts", "passages") if isinstance(body.get(name), list)), None)
        if other is None:
            raise invalid('"documents" is missing; expected a list of texts')
        body = {**{name: value for name, value in body.items() if name != other}, "documents": body[other]}
    form = read_form(body, RerankV1Request)
    options = form.options()
    if options.passages is None and form.max_chunks_per_doc is not None:
        form.passages = form.max_chunks_per_doc
        options = form.options()
    call = form.call(form.documents, form.top_n or form.top_k, form.rank_fields, options, form.index)
    return form, form.explained(call)


def write(form: RerankV1Request, answer: RerankAnswer, facts: ReplyFacts) -> RerankV1Reply:
    """Return the reply. Raises RequestError if texts were cut that must not be."""
    refuse_cut(form.truncation, "truncation", facts)
    results = [
        ResultReply(one.index, one.score, _document(form, one.index) if form.return_documents else UNSET)
        for one in answer.results
    ]
    voyage = form.top_k is not None or form.truncation is not None  # its SDK always sends the latter
    return RerankV1Reply(
        facts.request_id,
        facts.treatment.model,
        results,
        facts.usage,
        Meta(ApiVersion("1"), BilledUnits(1)),
        facts.details(answer),
        "list" if voyage else UNSET,
        results if voyage else UNSET,
        explanations(answer),
    )


def _document(form: RerankV1Request, index: int) -> dict[str, Any]:
    given = form.documents[index]
    return {"text": given} if isinstance(given, str) else given

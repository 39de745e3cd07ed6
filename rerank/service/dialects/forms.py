"""What the dialects share: members that any request may have, documents of two forms, and the facts of a reply."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from resift.rerank.service.call import RequestOptions, RerankAnswer, RerankCall, Treatment
from resift.rerank.service.request_error import RequestError, invalid
from resift.retrieval.text import one_line
from resift.retrieval.types import Document

Count = Annotated[int, Meta(ge=1, le=2_147_483_647)]
"""A number of things, at least 1."""

Priority = Annotated[int, Meta(ge=0, le=999)]
"""0 is the most urgent, 999 the least."""

Place = Annotated[int, Meta(ge=0, le=2_147_483_647)]
"""An index in a list."""

Passages = Annotated[int, Meta(ge=1, le=64)]
"""How many passages of a long document are read at most."""

TopN = Annotated[int, Meta(ge=0, le=2_147_483_647)]
"""How many results are wanted; 0 means all."""

QueryText = Annotated[str, Meta(extra_json_schema={"minLength": 1, "pattern": r"\S"})]
"""A query: `check_query` refuses one of blanks alone, with a status of its own."""

GivenDocument = Annotated[
    dict[str, Any], Meta(extra_json_schema={"properties": {"text": {"type": "string"}}, "required": ["text"]})
]
"""A document that is an object: `to_documents` needs its "text", unless other fields are named."""

ONE_OR_MORE = Meta(extra_json_schema={"minItems": 1})
"""A list that must not be empty: `to_documents` refuses that with a status of its own."""

IndexName = Annotated[
    str | None,
    Meta(description="An index of the service's settings file: its definition says how documents, objects, are read."),
]
"""The name of an index whose definition says how the documents of a request are read."""

FormT = TypeVar("FormT", bound=Struct)


class Common(Struct, kw_only=True):
    """Members that every request may have, whatever its dialect; null is the same as a missing one."""

    model: Annotated[str | None, Meta(description="The model's name; the default model if it is not known here.")] = (
        None
    )
    timeout_ms: Annotated[
        Count | None, Meta(description="Answer after so many milliseconds with what was scored by then.")
    ] = None
    priority: Annotated[Priority | None, Meta(description="0 is the most urgent, 999 the least.")] = None
    passages: Annotated[
        Passages | None, Meta(description="Passages that are read of a long document; the best decides.")
    ] = None
    max_tokens_per_doc: Annotated[Count | None, Meta(description="Tokens of each document that are read at most.")] = (
        None
    )

    def options(self) -> RequestOptions:
        """Return how the request is to be treated."""
        return RequestOptions(self.model, self.timeout_ms, self.priority or 0, self.passages, self.max_tokens_per_doc)


class Ranked(Common, kw_only=True):
    """Members that every request for an order may have."""

    query: QueryText
    first_stage_scores: Annotated[
        list[float] | None,
        Meta(description="The first stage's score of each document; with it the scores of both stages are fused."),
    ] = None
    raw_scores: Annotated[bool | None, Meta(description="Reply with logits instead of values from 0 to 1.")] = None

    def call(
        self,
        given: Sequence[str | dict[str, Any]],
        top_n: int | None,
        fields: Sequence[str] | None = None,
        options: RequestOptions | None = None,
        index: str | None = None,
    ) -> RerankCall:
        """Return what the request asks for, with the documents `given`, of which `fields` are read if they are named.

        `options` are the request's own if not given; `index` is the one whose definition reads the documents. Raises
        RequestError.
        """
        return RerankCall(
            check_query(self.query),
            to_documents(given, fields) if index is None else whole_documents(given, fields),
            options or self.options(),
            self.first_stage(),
            top_n or None,
            bool(self.raw_scores),
            index,
        )

    def first_stage(self) -> list[float] | None:
        """Return the first stage's scores. Raises RequestError if one is not finite."""
        if self.first_stage_scores and not all(map(math.isfinite, self.first_stage_scores)):
            raise invalid("first_stage_scores has a number that is too large; expected finite numbers")
        return self.first_stage_scores


class Explained(Ranked, kw_only=True):
    """Members of the requests whose reply has room for explanations."""

    explain: Annotated[bool | None, Meta(description="Explain each result: ranks, scores, the passage.")] = None
    explain_words: Annotated[
        Place | None, Meta(description="The index of a document: also explain which of its words mattered.")
    ] = None

    def explained(self, call: RerankCall) -> RerankCall:
        """Return `call` with what is to be explained. Raises RequestError if `explain_words` is not a document's."""
        place = self.explain_words
        if place is not None and place >= len(call.documents):
            raise invalid(f"explain_words is {place}; expected an index in documents, below {len(call.documents)}")
        return replace(call, explain=bool(self.explain) or place is not None, explain_words=place)


class ResultReply(Struct):
    """One result: no other members, since some readers refuse unknown ones."""

    index: int
    relevance_score: float
    document: dict[str, Any] | UnsetType = UNSET


class Usage(Struct):
    """How many tokens the model read."""

    prompt_tokens: int
    total_tokens: int


class Details(Struct):
    """How the request was treated, in replies that have room for it."""

    scored: int
    documents: int
    truncated: int
    partial: bool
    degraded: str | UnsetType = UNSET
    fusion: dict[str, Any] | None | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """What a reply says besides its results: the `request_id`, and when it was `created`, in seconds since 1970."""

    request_id: str
    created: int
    treatment: Treatment

    @property
    def usage(self) -> Usage:
        """How many tokens the model read."""
        return Usage(self.treatment.effort.tokens, self.treatment.effort.tokens)

    def details(self, answer: RerankAnswer) -> Details:
        """Return how the request was treated; with an explanation, also how the scores were fused."""
        one, explanation = self.treatment, answer.explanation
        fusion = UNSET if explanation is None else explanation.fusion_json()
        return Details(one.scored, one.documents, one.truncated, one.partial, one.degraded or UNSET, fusion)


def explanations(answer: RerankAnswer) -> list[dict[str, Any]] | UnsetType:
    """Return the member "explanations" of a reply: one object for each of its results, in their order."""
    explanation = answer.explanation
    return UNSET if explanation is None else [hit.explained_json() for hit in explanation.hits]


def read_form(body: Mapping[str, Any], form: type[FormT]) -> FormT:
    """Return `body` as a request of the class `form`; unknown members are ignored. Raises RequestError, status 422.

    Some languages have one kind of numbers, and write 10 as 10.0; such a member is taken as an integer.
    """
    known = {name: _whole(body[name]) for name in form.__struct_fields__ if name in body}
    try:
        return msgspec.convert(known, form)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None
    except UnicodeEncodeError:  # msgspec encodes a text where it expects something else
        raise invalid("a member has a wrong type: it is a text with a lone surrogate") from None
    except (OverflowError, RecursionError) as error:
        raise invalid(f"a value is out of range: {error}") from None


def _whole(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_query(query: str) -> str:
    """Return `query`. Raises RequestError, status 400, if it is empty."""
    if not query.strip():
        raise RequestError(400, "Empty", "the query is empty; expected a text")
    return query


def refuse_cut(allowed: bool | None, member: str, facts: ReplyFacts) -> None:
    """Raise RequestError, status 422, if texts were cut and the request does not allow it; `member` is what says so."""
    if allowed is False and facts.treatment.truncated:
        count = facts.treatment.truncated
        raise invalid(f"{count} texts are longer than the model reads; shorten them, or set {member} to true")


def to_documents(given: Sequence[str | dict[str, Any]], fields: Sequence[str] | None = None) -> list[Document]:
    """Return the documents of a request: each a text, or an object with "text", or with `fields` if they are given.

    Raises RequestError: 400 if there is none, 422 if one cannot be read.
    """
    if not given:
        raise RequestError(400, "Empty", "there are no documents; expected one or more")
    return [
        Document("", one) if isinstance(one, str) else _object(place, one, fields) for place, one in enumerate(given)
    ]


def whole_documents(given: Sequence[str | dict[str, Any]], fields: Sequence[str] | None = None) -> list[Document]:
    """Return the documents of a request that names an index: objects, each whole in `Document.fields`.

    Raises RequestError: 400 if there is none, 422 if one is a text or an empty object, or `fields` are named besides.
    """
    if fields:
        raise invalid("the request has both index and rank_fields; the definition of the index names the fields")
    if not given:
        raise RequestError(400, "Empty", "there are no documents; expected one or more")
    for place, one in enumerate(given):
        if not isinstance(one, dict) or not one:
            what = "an empty object" if one == {} else "a text"
            raise invalid(f"documents[{place}] is {what}; with index, expected an object with the fields of the index")
    return [Document("", "", fields=one) for one in given if isinstance(one, dict)]


def _object(place: int, given: dict[str, Any], fields: Sequence[str] | None) -> Document:
    if fields:
        parts = [_as_text(given[name]) for name in fields if given.get(name) is not None]
        if not parts:
            raise invalid(f"documents[{place}] has none of the rank_fields {one_line(', '.join(fields)[:200])}")
        return Document("", " ".join(parts))
    text, title = given.get("text"), given.get("title") or ""
    if not isinstance(text, str):
        raise invalid(f'documents[{place}] has no "text" that is a string; add it, or name others in "rank_fields"')
    rest = {name: value for name, value in given.items() if name not in ("text", "title")}
    return Document("", text, title if isinstance(title, str) else _as_text(title), rest)


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_as_text, value))
    return value if isinstance(value, str) else str(value)

"""POST /score, as vLLM has it: the scores of pairs in their order. A text on the left is paired with each on the right.

With `raw_scores` and `details`, a client of ours gets exactly what a model in its own process would give it. Source:
vLLM, vllm/entrypoints/pooling/scoring/protocol.py.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from resift.rerank.service.call import ScoreAnswer, ScoreCall
from resift.rerank.service.dialects.forms import ONE_OR_MORE, Common, ReplyFacts, Usage, read_form
from resift.rerank.service.request_error import RequestError, invalid

_LEFT = ("text_1", "queries", "data_1", "query")
_RIGHT = ("text_2", "documents", "data_2", "items", "texts")

Texts = str | Annotated[list[str], ONE_OR_MORE]
"""One text, or a list of them."""


class ScoreRequest(Common, kw_only=True):
    """Queries and documents: one of each, one query with several documents, or lists of equal length."""

    text_1: Texts
    text_2: Texts
    raw_scores: Annotated[bool | None, Meta(description="Reply with logits instead of values from 0 to 1.")] = None
    details: Annotated[bool | None, Meta(description="Add which texts were cut, and how much was read.")] = None


class ScoreObject(Struct):
    """The score of one pair."""

    index: int
    score: float
    object: str = "score"


class ScoreReply(Struct):
    """The scores in the order of the pairs; the last three members only if `details` were asked for."""

    id: str
    model: str
    created: int
    data: list[ScoreObject]
    usage: Usage
    object: str = "list"
    truncated: list[bool] | UnsetType = UNSET
    query_truncated: list[bool] | UnsetType = UNSET
    read_characters: list[int] | UnsetType = UNSET


def read(body: dict[str, object]) -> tuple[ScoreRequest, ScoreCall]:
    """Return the request in `body`, and what it asks for. Raises RequestError."""
    named = dict(body)
    for wanted, names in (("text_1", _LEFT), ("text_2", _RIGHT)):
        found = next((name for name in names if body.get(name) is not None), None)
        if found is None:
            raise invalid(f'"{wanted}" is missing; expected a text or a list of texts')
        named[wanted] = body[found]
    form = read_form(named, ScoreRequest)
    left = [form.text_1] if isinstance(form.text_1, str) else form.text_1
    right = [form.text_2] if isinstance(form.text_2, str) else form.text_2
    if not left or not right:
        raise RequestError(400, "Empty", "there are no pairs; expected one text or more on either side")
    if len(left) == 1:
        left = left * len(right)
    if len(left) != len(right):
        raise invalid(f"{len(left)} texts on one side and {len(right)} on the other; expected one, or equally many")
    return form, ScoreCall(list(zip(left, right, strict=True)), form.options(), bool(form.raw_scores))


def write(form: ScoreRequest, answer: ScoreAnswer, facts: ReplyFacts) -> ScoreReply:
    """Return the reply."""
    reply = ScoreReply(
        facts.request_id,
        facts.treatment.model,
        facts.created,
        [ScoreObject(place, score) for place, score in enumerate(answer.shown)],
        facts.usage,
    )
    if form.details:
        scores = answer.scores
        reply.truncated, reply.query_truncated = scores.truncated.tolist(), scores.query_truncated.tolist()
        if scores.read_characters is not None:
            reply.read_characters = scores.read_characters.tolist()
    return reply

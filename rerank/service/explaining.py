"""Explain the results of a request, and the words that mattered for one of them, by the queue that scored them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from resift.rerank.candidates import explain_candidates
from resift.rerank.explained_passage import ExplainedPassage
from resift.rerank.explanation import Explanation, no_words
from resift.rerank.occlusion import WordEffects, occlusion_rounds
from resift.rerank.reranker import Reranking
from resift.rerank.service.batching.job import Job, Partial, Work
from resift.rerank.service.call import RerankAnswer, RerankCall, Result
from resift.rerank.service.loaded_models import LoadedModel
from resift.rerank.service.request_error import RequestError
from resift.rerank.service.work import make_work
from resift.rerank.template import RenderedText

Run = Callable[[Work], Awaitable[tuple[Job, Partial]]]
"""Queues work, and waits until it is done or the time is up. Raises RequestError."""

NO_TIME = "there was not enough time"
_GONE = 499  # the caller hung up


def explained(
    call: RerankCall, result: Reranking, shown: Sequence[Result], partial: bool = False
) -> Explanation | None:
    """Return what explains the results `shown` of `call`, None if that was not asked for.

    `partial`: not all documents were scored in time. A document's id is its place in the request.
    """
    if not call.explain:
        return None
    count = len(call.documents)
    found = explain_candidates(
        result,
        [str(place) for place in range(count)],
        [one.index for one in shown],
        scored=call.first_stage is not None,
        late=count if partial else 0,
    )
    hits = [
        replace(hit, words=no_words(hit)) if hit.passage is None and hit.doc_id == str(call.explain_words) else hit
        for hit in found.hits
    ]
    return replace(found, hits=tuple(hits))


async def with_words(answer: RerankAnswer, call: RerankCall, model: LoadedModel, run: Run) -> RerankAnswer:
    """Return `answer` with the words that mattered for the document that `call` names, if it is among the results.

    The pairs are scored by `run`; if there is no time or no room for them, the words say why they are missing. Raises
    RequestError if the caller hangs up.
    """
    explanation, wanted = answer.explanation, str(call.explain_words)
    hits = () if explanation is None else explanation.hits
    for place, hit in enumerate(hits):
        if explanation is not None and hit.doc_id == wanted and hit.passage is not None:
            words = await words_of(explanation.query, hit.passage, model, run)
            changed = (*hits[:place], replace(hit, words=words), *hits[place + 1 :])
            return replace(answer, explanation=replace(explanation, hits=changed))
    return answer


async def words_of(query: str, passage: ExplainedPassage, model: LoadedModel, run: Run) -> WordEffects:
    """Return the words that mattered for the score of `query` and `passage`, or why they are missing.

    Raises RequestError if the caller hangs up.
    """
    rounds = occlusion_rounds(query, passage)
    pairs = next(rounds)
    while True:
        work = make_work(model, [(asked, RenderedText(text)) for asked, text in pairs], 1, None)
        try:
            _, part = await run(work)
        except RequestError as error:
            if error.status == _GONE:
                raise
            return WordEffects(missing="the queue is full" if error.status == 429 else "the model cannot be run")
        if len(part.reached) < len(pairs):
            return WordEffects(missing=NO_TIME)
        try:
            pairs = rounds.send(part.scores.scores)
        except StopIteration as done:
            found: WordEffects = done.value
            return found

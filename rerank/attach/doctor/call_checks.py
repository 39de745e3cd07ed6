"""Checks of the real path: OpenSearch calls its model, and a search goes through the pipeline."""

from __future__ import annotations

from typing import Any

from resift.rerank.attach.doctor.case import NO_CALL, PAIR, SAME, TRIED, HookCase, fresh
from resift.rerank.attach.doctor.check import Check
from resift.rerank.attach.doctor.failures import explain
from resift.rerank.attach.doctor.finding import BROKEN, Finding, broken, not_checked, warning, works
from resift.rerank.attach.opensearch_requests import DEFAULT_PIPELINE
from resift.retrieval.errors import StatusError
from resift.retrieval.types import Query

_FIRST_STAGE = "_none"
_IGNORE = 'set "ignore_failure": true in the rerank processor'


def check_call(case: HookCase) -> Finding:
    """Check that the engine gets scores from the service for a plain question."""
    if not case.hook.model_id:
        return broken("the rerank processor names no model", "`resift attach URL --service URL` writes it anew")
    if case.failure is not None:
        return _with_direct(case, explain(case.failure, case.facts))
    outputs = case.predict(*PAIR)
    if len(outputs) != len(PAIR[1]):
        remedy = "let the service return all documents: remove top_n from the request_body, and a limit of its own"
        return broken(f"the service returned {len(outputs)} scores for {len(PAIR[1])} documents", remedy)
    if _score(outputs[1]) <= _score(outputs[0]):
        return warning(
            f"an answer gets {_score(outputs[1]):.3g}, and a text that is not one {_score(outputs[0]):.3g}",
            "the model does not read English, or the scores are given to the wrong documents",
        )
    return works(f"an answer gets {_score(outputs[1]):.3g}, another text {_score(outputs[0]):.3g}")


def _with_direct(case: HookCase, found: Finding) -> Finding:
    """Return a finding with what the service itself answered to this machine."""
    reply = case.first_reply
    if found.outcome != BROKEN or reply is None:
        return found
    if reply.status == 200:
        return broken(
            f"{found.seen}; this machine gets an answer from {case.service.url if case.service else ''}", found.remedy
        )
    return broken(f"{found.seen}; from this machine: {reply.error or f'status {reply.status}'}", found.remedy)


def _score(output: Any) -> float:  # noqa: ANN401 - any JSON
    return float((output.get("data") or [0.0])[0])


def _try(case: HookCase, query: str, texts: tuple[str, ...]) -> Finding:
    """Return what a call with a query and texts gives; a failure that the search survives is a warning."""
    if case.failure is not None:
        return not_checked(NO_CALL)
    try:
        outputs = case.predict(query, texts)
    except StatusError as error:
        return _softened(case, explain(error, case.facts))
    if len(outputs) != len(texts):
        return broken(
            f"{len(outputs)} scores came back for {len(texts)} documents", "the service must return all documents"
        )
    return works(f"{len(outputs)} scores")


def _softened(case: HookCase, found: Finding) -> Finding:
    """Return a failure as a warning if the pipeline ignores it."""
    if found.outcome != BROKEN or not case.hook.ignores_failure:
        return found
    remedy = "" if found.remedy.startswith("set ") else found.remedy
    return warning(f"{found.seen}; the search keeps the first order, because ignore_failure is true", remedy)


def check_plain_queries(case: HookCase) -> Finding:
    """Check queries with quotes, braces and other signs."""
    for query in ('say "cats" {eat} [5]', "5", "null", "back\\slash\nand\ttab", "é漢 🙂"):
        found = _try(case, query, PAIR[1])
        if found.outcome != "works":
            return Finding(found.outcome, f"the query {query!r}: {found.seen}", found.remedy)
    return works("quotes, braces, backslashes, line breaks, emoji")


def check_json_query(case: HookCase) -> Finding:
    """Check a query that is itself JSON."""
    found = _try(case, '["a"]', PAIR[1])
    return found if found.outcome != "works" else _try(case, '{"a": 1}', PAIR[1])


def check_dollar_query(case: HookCase) -> Finding:
    """Check a query that has the form of a parameter."""
    return _try(case, "${parameters.documents}", PAIR[1])


def check_empty_query(case: HookCase) -> Finding:
    """Check an empty query."""
    found = _try(case, "", PAIR[1])
    if found.outcome in ("works", "not checked"):
        return found
    remedy = "send searches without words past the pipeline"
    return Finding(found.outcome, found.seen, remedy if case.hook.ignores_failure else f"{remedy}, or {_IGNORE}")


def check_empty_texts(case: HookCase) -> Finding:
    """Check documents without text."""
    return _try(case, PAIR[0], ("", " ", PAIR[1][1]))


def check_dollar_texts(case: HookCase) -> Finding:
    """Check documents that have the form of a parameter."""
    found = _try(case, PAIR[0], (PAIR[1][0], "${parameters.documents}"))
    having = sum("${" in text for text in case.texts)
    if found.outcome != BROKEN or having:
        return found
    return warning(f"{found.seen}; none of {len(case.texts)} sampled documents has it", found.remedy)


def check_many(case: HookCase) -> Finding:
    """Check a call with 1,000 documents."""
    return _try(case, PAIR[0], tuple(fresh([f"number {place}" for place in range(1000)])))


def check_reranked(case: HookCase) -> Finding:
    """Check that searches come back reranked: by scores of the model, and not those of the first stage."""
    queries = case.queries[: TRIED if case.failure is None else 2]  # a call that fails can take its whole time limit
    if not queries:
        return not_checked("the index has no texts of which queries could be made", "give some with `queries`")
    kept, equal, compared = 0, 0, 0
    for query in queries:
        first = _hits(case, query, _FIRST_STAGE)
        try:
            hits = _hits(case, query, case.hook.pipeline)
        except StatusError as error:
            return explain(error, case.facts)
        if len(first) > 1:
            compared += 1
            kept += _same_scores(first, hits)
            equal += len({score for _, score in hits}) == 1
    if not compared:
        return not_checked(f"{len(queries)} queries found fewer than two documents each", "give queries with `queries`")
    if kept == compared:
        seen = f"no hit was reranked in {compared} searches: order and scores are those of the first stage"
        return broken(f"{seen} (ignore_failure hides the reason)", _reason(case))
    if equal == compared:
        seen = f"all hits have the same score in {compared} searches, so that their order is the first stage's"
        return broken(seen, "the model gets no text: see the checks of the mapping, and _source in your searches")
    if kept:
        return warning(f"{kept} of {compared} searches were not reranked", _reason(case))
    return works(f"{compared} searches were reranked")


def _reason(case: HookCase) -> str:
    """Return what to do about searches that are not reranked."""
    if case.failure is not None:
        return "repair the plain call, above"
    return "remove ignore_failure from the pipeline for a moment: the search then reports the reason"


def _hits(case: HookCase, query: Query, pipeline: str) -> list[tuple[str, float]]:
    hits = case.search(query.text, pipeline)["hits"]["hits"]
    return [(f"{hit['_index']}/{hit['_id']}", float(hit["_score"] or 0.0)) for hit in hits]


def _same_scores(first: list[tuple[str, float]], hits: list[tuple[str, float]]) -> bool:
    scores = dict(first)
    return all(abs(scores.get(doc_id, -1.0) - score) <= SAME * max(1.0, abs(score)) for doc_id, score in hits)


def _kind(case: HookCase, words: str = PAIR[0], **members: Any) -> Finding:  # noqa: ANN401 - members of a search body
    """Return whether a kind of search works through the pipeline."""
    try:
        answer = case.search(words, case.hook.pipeline, **members)
    except StatusError as error:
        plain = explain(error, case.facts)
        if case.failure is not None and plain.seen == explain(case.failure, case.facts).seen:
            return not_checked(NO_CALL)
        return plain
    return works(f"answered with {len(answer['hits']['hits'])} hits")


def check_no_hits(case: HookCase) -> Finding:
    """Check a search for aggregations alone."""
    return _kind(case, size=0)


def check_no_total(case: HookCase) -> Finding:
    """Check a search that does not count its hits."""
    return _kind(case, track_total_hits=False)


def check_far_page(case: HookCase) -> Finding:
    """Check a page after the last hit."""
    everything: dict[str, Any] = {"query": {"match_all": {}}}
    total = int(case.search(PAIR[0], _FIRST_STAGE, **everything, track_total_hits=True)["hits"]["total"]["value"])
    if total > 9_000:
        everything, total = {"query": {"ids": {"values": _ids(case)}}}, 2
    return _kind(case, **{**everything, "from": total})


def _ids(case: HookCase) -> list[str]:
    return [document.doc_id for document in case.sample[:2]]


def check_without_words(case: HookCase) -> Finding:
    """Check a search that names the pipeline but has no words for the model."""
    found = _kind(case, ext=None)
    return (
        found if found.outcome != BROKEN else warning(found.seen, f"{found.remedy}, or send ext.rerank in each search")
    )


def check_count(case: HookCase) -> Finding:
    """Check that _count works, which a default pipeline can break."""
    try:
        answer = case.requests.send("POST", f"{case.address.path}/_count", {"query": {"match_all": {}}})
    except StatusError as error:
        found = explain(error, case.facts)
        return broken(found.seen, f"remove {DEFAULT_PIPELINE}, or {_IGNORE}")
    return works(f"{int(answer['count']):,} documents")


CHECKS: tuple[Check[HookCase], ...] = (
    Check("call", "plain call", "the engine gets scores from the service", check_call),
    Check("call", "query with signs", "quotes, braces and line breaks in a query", check_plain_queries),
    Check("call", "query that is JSON", '["a"] or {"a": 1} as the query', check_json_query),
    Check("call", "query with ${...}", "${parameters.documents} as the query", check_dollar_query),
    Check("call", "empty query", "no words at all", check_empty_query),
    Check("call", "empty documents", "documents without text", check_empty_texts),
    Check("call", "document with ${...}", "${parameters.documents} in a document", check_dollar_texts),
    Check("call", "1,000 documents", "a call with 1,000 documents", check_many),
    Check("search", "reranked", "searches come back in the model's order", check_reranked),
    Check("search", "size: 0", "a search for aggregations alone", check_no_hits),
    Check("search", "no total", "track_total_hits: false", check_no_total),
    Check("search", "page past the end", "from after the last hit", check_far_page),
    Check("search", "no words", "a search without ext.rerank", check_without_words),
    Check("search", "_count", "counting documents", check_count),
)

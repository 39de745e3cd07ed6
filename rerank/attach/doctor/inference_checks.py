"""Checks of an inference endpoint of Elasticsearch, and of searches with the retriever text_similarity_reranker."""

from __future__ import annotations

import re
from typing import Any

from resift.rerank.attach.doctor.case import NO_CALL, PAIR, SAME, TRIED, fresh
from resift.rerank.attach.doctor.check import Check
from resift.rerank.attach.doctor.failures import explain
from resift.rerank.attach.doctor.finding import Finding, broken, not_checked, warning, works
from resift.rerank.attach.doctor.inference import InferenceCase
from resift.rerank.attach.elasticsearch_requests import LICENCES
from resift.retrieval.errors import StatusError

_PATHS = {"hugging_face": "/rerank", "openshift_ai": "/v1/rerank", "custom": "/v1/rerank"}


def check_licence(case: InferenceCase) -> Finding:
    """Check that the licence has the inference API."""
    answer = case.requests.read("_license")
    if not answer.known:
        return not_checked("this user may not read the licence (GET _license)")
    licence = answer.body.get("license") or {}
    kind, state = str(licence.get("type")), str(licence.get("status"))
    if kind in LICENCES and state == "active":
        return works(kind)
    remedy = "use `resift proxy` or the client wrapper (docs/engines.md), or get an Enterprise licence"
    return broken(f"the licence is {kind} ({state}); the inference API needs {' or '.join(LICENCES)}", remedy)


def check_endpoint(case: InferenceCase) -> Finding:
    """Check the endpoint's service, its path, and that it does not limit the results."""
    url, wanted = str(case.settings.get("url") or ""), _PATHS.get(case.service_name)
    correct = case.facts["correct"]
    if case.service_name not in _PATHS:
        return not_checked(
            f"{case.name} uses the service {case.service_name}, which does not call an address of your own"
        )
    if not url.rstrip("/").endswith(str(wanted)) or (wanted == "/rerank" and url.rstrip("/").endswith("/v1/rerank")):
        return broken(f"{case.service_name} needs the path {wanted} of `resift serve`, and calls {url}", correct)
    if found := (case.endpoint.get("task_settings") or {}).get("top_n"):
        seen = f"top_n {found} in task_settings: a search with more hits fails"
        return broken(seen, f"leave out top_n: {correct}")
    return works(f"{case.name}: {case.service_name}, {url}")


def check_template(case: InferenceCase) -> Finding:
    """Check the request and the response of the service custom."""
    if case.service_name != "custom":
        return works("the service has a fixed form")
    request, correct = str(case.settings.get("request") or ""), case.facts["correct"]
    if found := re.search(r'"\$\{(query|input)\}"', request):
        return broken(f"{found[0]} is in quotes in the request", f"remove the quotes: {correct}")
    if "${top_n}" in request or "${return_documents}" in request:
        return broken("the request has a variable that a search does not set", f"remove ${{top_n}}: {correct}")
    parser = (case.settings.get("response") or {}).get("json_parser") or {}
    if "document_text" in parser:
        return broken("document_text is read from a reply that has no texts", f"remove document_text: {correct}")
    return works("query and input without quotes")


def check_call(case: InferenceCase) -> Finding:
    """Check that the engine gets scores from the service for a plain question."""
    if case.failure is not None:
        return explain(case.failure, case.facts)
    scores = case.infer(*PAIR)
    if len(scores) < len(PAIR[1]):
        return broken(
            f"{len(scores)} scores came back for {len(PAIR[1])} texts", "the service must return all documents"
        )
    if scores[1] <= scores[0]:
        return warning("a text that is not an answer gets the higher score", "the model does not read English")
    return works(f"an answer gets {scores[1]:.3g}, another text {scores[0]:.3g}")


def _try(case: InferenceCase, query: str, texts: tuple[str, ...]) -> Finding:
    if case.failure is not None:
        return not_checked(NO_CALL)
    try:
        scores = case.infer(query, texts)
    except StatusError as error:
        return explain(error, case.facts)
    if len(scores) < len(texts):
        return broken(f"{len(scores)} scores came back for {len(texts)} texts", "the service must return all documents")
    return works(f"{len(scores)} scores")


def check_queries(case: InferenceCase) -> Finding:
    """Check queries with quotes, braces, JSON and template variables."""
    for query in ('say "cats" {eat} [5]', '["a"]', '{"a": 1}', "${input}", "back\\slash\n", "é漢 🙂"):
        found = _try(case, query, PAIR[1])
        if found.outcome != "works":
            return Finding(found.outcome, f"the query {query!r}: {found.seen}", found.remedy)
    return works("quotes, braces, JSON, ${...}")


def check_texts(case: InferenceCase) -> Finding:
    """Check empty texts, and texts that have the form of a template variable."""
    return _try(case, PAIR[0], ("", " ", "${query}", PAIR[1][1]))


def check_many(case: InferenceCase) -> Finding:
    """Check a call with 1,000 texts."""
    return _try(case, PAIR[0], tuple(fresh([f"number {place}" for place in range(1000)])))


def check_reranked(case: InferenceCase) -> Finding:
    """Check that the hits of searches have scores of the model."""
    queries = case.queries[:TRIED]
    kept, compared = 0, 0
    for query in queries:
        first = _hits(case.search(query.text, reranked=False))
        try:
            hits = _hits(case.search(query.text, reranked=True))
        except StatusError as error:
            return explain(error, case.facts)
        if len(first) > 1:
            compared += 1
            kept += hits.keys() == first.keys() and all(abs(first[one] - hits[one]) < SAME for one in hits)
    if not compared:
        return not_checked("no query found two documents", "give queries with `queries`")
    if kept:
        seen = f"{kept} of {compared} searches came back with the scores of the first stage: they were never reranked"
        return broken(seen, f"check the field {', '.join(case.fields)}: a wrong one gives this without an error")
    return works(f"{compared} searches were reranked")


def _hits(answer: Any) -> dict[str, float]:  # noqa: ANN401 - any JSON
    return {f"{hit['_index']}/{hit['_id']}": float(hit["_score"] or 0.0) for hit in answer["hits"]["hits"]}


def _kind(case: InferenceCase, **members: Any) -> Finding:  # noqa: ANN401 - members of a search body
    if case.failure is not None:
        return not_checked(NO_CALL)
    try:
        answer = case.search(PAIR[0], reranked=True, **members)
    except StatusError as error:
        return explain(error, case.facts)
    return works(f"answered with {len(answer['hits']['hits'])} hits")


def check_no_hits(case: InferenceCase) -> Finding:
    """Check a search for aggregations alone."""
    return _kind(case, size=0)


def check_no_total(case: InferenceCase) -> Finding:
    """Check a search that does not count its hits."""
    return _kind(case, track_total_hits=False)


def check_far_page(case: InferenceCase) -> Finding:
    """Check a page after the window."""
    return _kind(case, **{"from": 40})


CHECKS: tuple[Check[InferenceCase], ...] = (
    Check("settings", "licence", "the licence has the inference API", check_licence),
    Check("settings", "endpoint", "the endpoint's service, path and limits", check_endpoint),
    Check("settings", "custom request", "the template of the service custom", check_template),
    Check("call", "plain call", "the engine gets scores from the service", check_call),
    Check("call", "tricky queries", "quotes, braces, JSON and ${...} as the query", check_queries),
    Check("call", "tricky texts", "empty texts and ${...} in texts", check_texts),
    Check("call", "1,000 documents", "a call with 1,000 texts", check_many),
    Check("search", "reranked", "searches come back with the model's scores", check_reranked),
    Check("search", "size: 0", "a search for aggregations alone", check_no_hits),
    Check("search", "no total", "track_total_hits: false", check_no_total),
    Check("search", "page past the end", "a page after the window", check_far_page),
)

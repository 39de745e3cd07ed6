"""Rerank requests as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from resift.rerank.requests import read_requests, rerank_requests
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import CorpusError


class LengthScorer:
    """The longer the document, the better."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        logits = np.array([len(text) for _, text in pairs], dtype=np.float32)
        none = np.zeros(len(pairs), dtype=bool)
        return Scores(logits, none, none)


def replies(
    *lines: object,
    top: int | None = None,
    return_documents: bool = False,
    query: str | None = None,
    window: int = 100,
) -> list[dict[str, Any]]:
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    reranker = Reranker(LengthScorer(), RerankSettings(rank_window_size=window))
    requests = read_requests(raw, "in.jsonl", query)
    return [reply.body for reply in rerank_requests(requests, reranker, top, return_documents)]


def indices(reply: dict[str, Any]) -> list[int]:
    return [result["index"] for result in reply["results"]]


def test_documents_without_scores_are_ordered_by_the_model_alone() -> None:
    [reply] = replies({"query": "q", "documents": ["aa", "a", "aaaa"]})
    # 1 / (1 + exp(-4)) = 0.9820, of 2: 0.8808, of 1: 0.7311
    assert [(r["index"], round(r["score"], 4), r["logit"]) for r in reply["results"]] == [
        (2, 0.982, 4.0),
        (0, 0.8808, 2.0),
        (1, 0.7311, 1.0),
    ]
    assert all("fused" not in r for r in reply["results"])


def test_documents_with_scores_are_ordered_by_both() -> None:
    documents = [{"text": "a", "score": 9.0}, {"text": "aaaa", "score": 1.0}, {"text": "aaa", "score": 8.0}]
    [reply] = replies({"query": "q", "documents": documents})
    # z(score) is (0.84, -1.40, 0.56) and z(length) (-1.34, 1.07, 0.27): the third has the largest sum
    assert indices(reply) == [2, 1, 0]
    assert [round(r["fused"], 2) for r in reply["results"]] == [0.36, 0.33, -0.68]
    assert [round(r["score"], 4) for r in reply["results"]] == [0.9526, 0.982, 0.7311]  # of logits 3, 4 and 1


def test_a_lone_document_shows_the_models_probability_not_a_fused_zero() -> None:
    [reply] = replies({"query": "q", "documents": [{"text": "aaaa", "score": 9.0}]})
    [result] = reply["results"]
    assert (round(result["score"], 3), result["fused"], result["logit"]) == (0.982, 0.0, 4.0)


def test_a_document_that_is_not_scored_has_no_score_and_the_reason() -> None:
    documents = [{"text": "", "score": 3.0}, {"text": "a", "score": 2.0}, {"text": "aa", "score": 5000.0}]
    [reply] = replies({"query": "q", "documents": documents})
    assert [(r["index"], r["score"], r["fused"], r["logit"], r.get("unscored")) for r in reply["results"]] == [
        (2, None, None, None, "promoted"),
        (1, 0.7310585786300049, 0.0, 1.0, None),
        (0, None, None, None, "no text"),
    ]


def test_equal_scores_keep_the_given_order() -> None:
    [reply] = replies({"query": "q", "documents": ["aa", "bb", "cc"]})
    assert indices(reply) == [0, 1, 2]


def test_other_members_of_a_line_are_returned_and_lines_keep_their_order() -> None:
    first, second = replies({"id": 7, "query": "q", "documents": ["a"]}, b"\n", {"query": "r", "documents": []})
    assert (first["id"], first["query"], "documents" in first) == (7, "q", False)
    assert second == {"query": "r", "results": []}


def test_doc_ids_and_documents_are_returned_on_request() -> None:
    [reply] = replies({"query": "q", "documents": [{"doc_id": "x", "text": "a"}, "bb"]}, top=1, return_documents=True)
    [result] = reply["results"]
    assert result.pop("score") == pytest.approx(0.8808, abs=1e-4)
    assert result == {"index": 1, "logit": 2.0, "document": "bb"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON"),
        (
            b"188714\t1000052\tfoods\tWatch portions",
            '4 columns separated by tabs, not JSON; write each query as {"query"',
        ),
        (b'{"query": "q", "documents": [\xff]}', "not UTF-8"),
        (b"[1]", "expected an object"),
        (b'{"documents": ["a"]}', '"query" is missing'),
        (b'{"query": "  ", "documents": ["a"]}', '"query" is missing or empty'),
        (b'{"query": "q"}', '"documents" is missing'),
        (b'{"query": "q", "documents": "a"}', '"documents" is missing or not a list'),
        (b'{"query": "q", "documents": ["a", 5]}', "document 1 is neither"),
        (b'{"query": "q", "documents": [{"title": "t"}]}', "document 0 is neither"),
        (b'{"query": "q", "documents": [{"text": "t", "title": 3}]}', '"title" is not a text'),
        (b'{"query": "q", "documents": [{"text": "t", "score": "1"}]}', "expected a finite number"),
        (b'{"query": "q", "documents": [{"text": "t", "score": NaN}]}', "NaN is not a JSON number"),
        (b'{"query": "q", "documents": ["t"], "extra": Infinity}', "Infinity is not a JSON number"),
        (b'{"query": "q", "documents": [{"text": "t", "score": 1' + b"0" * 400 + b"}]}", "expected a finite number"),
        (
            b'{"query": "q", "documents": [{"text": "t", "score": 1}, "u"]}',
            "1 of 2 documents have no score; give one to all or to none",
        ),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(line: bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        replies({"query": "q", "documents": ["a"]}, line)
    assert (caught.value.path, caught.value.line) == ("in.jsonl", 2)
    assert "\n" not in str(caught.value)


def test_a_line_is_answered_before_the_next_one_is_read() -> None:
    read = []

    def lines() -> Iterator[bytes]:
        for number in range(3):
            read.append(number)
            yield b'{"query": "q", "documents": ["a"]}'

    answers = rerank_requests(read_requests(lines(), "in"), Reranker(LengthScorer()), None, False)
    next(answers)
    assert read == [0]


def test_lone_surrogates_in_a_line_are_replaced_not_fatal() -> None:
    [reply] = replies(b'{"query": "\\ud800", "documents": ["\\udfff"]}')
    assert indices(reply) == [0]


HITS: list[dict[str, Any]] = [  # as `resift search --json` prints them, in the order of the reranking
    {"rank": 1, "doc_id": "b", "score": 0.9, "fused": 1.2, "logit": 4.0, "unscored": None, "first_stage_rank": 2}
    | {"first_stage_score": 8.0, "title": "", "text": "aaaa", "snippet": "", "fields": {"url": "http://b"}},
    {"rank": 2, "doc_id": "a", "score": 0.7, "fused": 0.1, "logit": 1.0, "unscored": None, "first_stage_rank": 1}
    | {"first_stage_score": 9.0, "title": "", "text": "a", "snippet": "", "fields": {}},
]


def test_the_hits_of_a_search_are_reranked_with_the_scores_of_the_first_stage() -> None:
    hits = [*HITS, HITS[1]]
    documents = [{"text": hit["text"], "score": hit["first_stage_score"]} for hit in hits]
    [reply] = replies({"query": "q", "model": "m", "rank_window_size": 100, "found": 2, "hits": hits})
    [plain] = replies({"query": "q", "documents": documents})

    places = [one["index"] for one in reply["results"]]
    assert [(one["index"], one["fused"]) for one in plain["results"]] == [
        (place, one["fused"]) for place, one in zip(places, reply["results"], strict=True)
    ]
    assert [one["doc_id"] for one in reply["results"]] == [hits[place]["doc_id"] for place in places]
    assert "hits" not in reply and reply["found"] == 2


def test_hits_below_the_window_of_a_search_stay_there_and_promoted_ones_above() -> None:
    texts = ["a", "aaa", "aa", "aaaaaaa"]
    unscored = ["promoted", None, None, "below the window"]
    hits = [
        {"doc_id": text, "text": text, "first_stage_score": score, "unscored": why}
        for text, score, why in zip(texts, [4.0, 3.0, 2.0, 1.0], unscored, strict=True)
    ]
    [reply] = replies({"query": "q", "rank_window_size": 3, "hits": hits}, window=sys.maxsize)

    assert [(one["doc_id"], one.get("unscored")) for one in reply["results"]] == list(zip(texts, unscored, strict=True))


def test_an_engines_response_needs_the_query_and_gives_its_source() -> None:
    hits = [
        {"_id": name, "_score": score, "_source": {"title": "t", "text": name}}
        for name, score in (("aa", 2.0), ("aaaa", 1.0))
    ]
    response = {"took": 3, "hits": {"total": {"value": 2}, "hits": hits}}
    [reply] = replies({**response, "query": "q"})
    [given] = replies(response, query="q")

    assert reply["results"] == given["results"]
    assert {one["doc_id"] for one in reply["results"]} == {"aa", "aaaa"}
    assert (given["query"], given["took"]) == ("q", 3)
    with pytest.raises(CorpusError, match='"query" is missing or empty; .* an engine\'s response does not repeat it'):
        replies(response)


@pytest.mark.parametrize(
    "request_",
    [
        {
            "model": "rerank-v3.5",
            "query": "q",
            "documents": [{"text": "a"}, {"text": "aaa"}, {"text": "aa"}],
            "top_n": 2,
        },
        {"query": "q", "texts": ["a", "aaa", "aa"], "raw_scores": False, "top_n": 2},
        {"query": {"text": "q"}, "passages": [{"text": "a"}, {"text": "aaa"}, {"text": "aa"}], "top_n": 2},
    ],
)
def test_requests_in_the_form_of_other_rerankers_are_answered(request_: dict[str, Any]) -> None:
    assert indices(replies(request_)[0]) == [1, 2]
    assert indices(replies(request_, top=1)[0]) == [1]


@pytest.mark.parametrize("indent", [None, 2])
def test_arrays_and_requests_of_several_lines_are_read(indent: int | None) -> None:
    one, two = {"query": "q", "documents": ["a", "aa"]}, {"query": "r", "documents": ["aa", "a"]}
    forms = [
        json.dumps([one, two], indent=indent),
        f"{json.dumps(one, indent=indent)}\n{json.dumps(two, indent=indent)}\n",
    ]

    for form in forms:
        lines = [f"{line}\n".encode() for line in ("\ufeff" + form).splitlines()]
        assert [(reply["query"], indices(reply)) for reply in replies(*lines)] == [("q", [1, 0]), ("r", [0, 1])]

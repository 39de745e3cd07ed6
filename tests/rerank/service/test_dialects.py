"""The dialects: which requests they read, and what exactly they answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from resift.rerank.service.call import Effort, RerankAnswer, RerankCall, Result, Treatment
from resift.rerank.service.dialects.forms import ReplyFacts
from resift.rerank.service.dialects.registry import DIALECTS, choose_dialect
from resift.rerank.service.request_error import RequestError

TREATMENT = Treatment("m", 2, 2, effort=Effort(tokens=11))
ANSWER = RerankAnswer([Result(1, 0.75), Result(0, 0.5)], TREATMENT)
FACTS = ReplyFacts("id-1", 1_700_000_000, TREATMENT)
DETAILS = {"scored": 2, "documents": 2, "truncated": 0, "partial": False}


def answer(path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    """Return the reply to `body` if the second of two documents is the better one."""
    dialect = choose_dialect(path, body)
    form, _ = dialect.read(body)
    return msgspec.to_builtins(dialect.write(form, ANSWER, FACTS))


def call(path: str, body: dict[str, Any]) -> RerankCall:
    read = choose_dialect(path, body).read(body)[1]
    assert isinstance(read, RerankCall)
    return read


def test_tei_answers_with_an_array() -> None:
    assert answer("/rerank", {"query": "q", "texts": ["a", "b"]}) == [
        {"index": 1, "score": 0.75},
        {"index": 0, "score": 0.5},
    ]
    assert answer("/rerank", {"query": "q", "texts": ["a", "b"], "return_text": True})[0]["text"] == "b"


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank"])
def test_documents_get_an_object_with_minimal_results(path: str) -> None:
    assert answer(path, {"query": "q", "documents": ["a", "b"]}) == {
        "id": "id-1",
        "model": "m",
        "results": [{"index": 1, "relevance_score": 0.75}, {"index": 0, "relevance_score": 0.5}],
        "usage": {"prompt_tokens": 11, "total_tokens": 11},
        "meta": {"api_version": {"version": "1"}, "billed_units": {"search_units": 1}},
        "resift": DETAILS,
    }


def test_documents_are_repeated_as_objects_if_they_are_asked_for() -> None:
    body = {"query": "q", "documents": ["a", {"text": "b", "url": "u"}], "return_documents": True}
    assert [result["document"] for result in answer("/v1/rerank", body)["results"]] == [
        {"text": "b", "url": "u"},
        {"text": "a"},
    ]


def test_cohere_v2_answers_without_usage_and_ignores_what_it_does_not_know() -> None:
    body = {"model": "rerank-v3.5", "query": "q", "documents": ["a", "b"], "return_documents": True, "colour": "red"}
    assert answer("/v2/rerank", body) == {
        "id": "id-1",
        "results": [{"index": 1, "relevance_score": 0.75}, {"index": 0, "relevance_score": 0.5}],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
        "resift": DETAILS,
    }


def test_voyage_asks_by_top_k_and_finds_its_data() -> None:
    reply = answer("/v1/rerank", {"query": "q", "documents": ["a", "b"], "top_k": 2})
    assert reply["object"] == "list" and reply["data"] == reply["results"]
    assert call("/v1/rerank", {"query": "q", "documents": ["a", "b"], "top_k": 2}).top_n == 2


def test_vllm_asks_for_all_results_by_0() -> None:
    assert call("/v1/rerank", {"query": "q", "documents": ["a"], "top_n": 0}).top_n is None


def test_wishes_of_a_request_are_read_and_null_is_none_of_them() -> None:
    body = {"query": "q", "documents": ["a"], "model": "m", "priority": 5, "timeout_ms": 7, "max_tokens_per_doc": 9}
    options = call("/v2/rerank", body).options
    assert (options.model, options.priority, options.timeout_ms, options.document_tokens) == ("m", 5, 7, 9)
    assert call("/v1/rerank", {"query": "q", "documents": ["a"], "max_chunks_per_doc": 4}).options.passages == 4
    for path, row in DIALECTS.items():
        nulls = {"model": None, "top_n": None, "priority": None, "timeout_ms": None, "passages": None}
        row[-1].read({**row[-1].example, **nulls}), path


def test_fields_of_objects_are_chosen_by_rank_fields() -> None:
    documents = [{"title": "Cats", "body": ["eat", "fish"], "year": 1999}]
    read = call("/v1/rerank", {"query": "q", "documents": documents, "rank_fields": ["title", "body", "year"]})
    assert [one.text for one in read.documents] == ["Cats eat fish 1999"]


def test_the_title_of_an_object_is_read_before_its_text() -> None:
    [document] = call(
        "/v1/rerank", {"query": "q", "documents": [{"text": "They eat fish.", "title": "Cats"}]}
    ).documents
    assert (document.title, document.text) == ("Cats", "They eat fish.")


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/rerank", {"query": "q", "texts": []}, 400, "there are no documents"),
        ("/rerank", {"query": " ", "texts": ["a"]}, 400, "the query is empty"),
        ("/rerank", {"texts": ["a"]}, 422, "missing required field `query`"),
        ("/rerank", {"query": "q", "texts": ["a", 3]}, 422, r"Expected `str`, got `int` - at `\$.texts\[1\]`"),
        (
            "/rerank",
            {"query": "q", "texts": ["a"], "truncation_direction": "left"},
            422,
            'only truncation_direction "right" is supported',
        ),
        ("/v1/rerank", {"query": "q"}, 422, '"documents" is missing'),
        ("/v1/rerank", {"query": "q", "documents": None}, 422, '"documents" is missing'),
        ("/v1/rerank", {"query": "q", "documents": [{"body": "x"}]}, 422, r'documents\[0\] has no "text"'),
        ("/v1/rerank", {"query": "q", "documents": [{"a": 1}], "rank_fields": ["b"]}, 422, "none of the rank_fields b"),
        ("/v1/rerank", {"query": "q", "documents": ["a"], "top_n": -1}, 422, "Expected `int` >= 0"),
        ("/v2/rerank", {"query": "q", "documents": ["a"], "priority": 1000}, 422, "Expected `int` <= 999"),
        ("/score", {"text_1": "a"}, 422, '"text_2" is missing'),
        ("/score", {"text_1": ["a", "b"], "text_2": ["c"]}, 422, "2 texts on one side and 1 on the other"),
        ("/score", {"text_1": [], "text_2": ["c"]}, 400, "there are no pairs"),
    ],
)
def test_a_request_that_cannot_be_read_says_what_is_wrong(
    path: str, body: dict[str, Any], status: int, message: str
) -> None:
    with pytest.raises(RequestError, match=message) as error:
        choose_dialect(path, body).read(body)
    assert error.value.status == status


@pytest.mark.parametrize("names", [("text_1", "text_2"), ("queries", "documents"), ("data_1", "data_2")])
def test_pairs_are_one_with_many_or_each_with_its_own(names: tuple[str, str]) -> None:
    read = DIALECTS["/score"][0].read
    _, one = read({names[0]: "q", names[1]: ["a", "b"]})
    _, each = read({names[0]: ["q", "r"], names[1]: ["a", "b"]})
    assert getattr(one, "pairs", None) == [("q", "a"), ("q", "b")]
    assert getattr(each, "pairs", None) == [("q", "a"), ("r", "b")]


def test_texts_that_must_not_be_cut_are_refused_if_they_were() -> None:
    body = {"query": "q", "texts": ["a", "b"], "truncate": False}
    dialect = choose_dialect("/rerank", body)
    form, _ = dialect.read(body)
    cut = ReplyFacts("id", 1, Treatment("m", 2, 2, truncated=1))
    with pytest.raises(RequestError, match="1 texts are longer than the model reads"):
        dialect.write(form, ANSWER, cut)

"""A request that names an index has its documents read by the definition of this index."""

from __future__ import annotations

from typing import Any

import pytest

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.scorers.load import load_scorer
from resift.rerank.service.call import RerankAnswer, RerankCall
from resift.rerank.service.defined import longest_text, read_defined
from resift.rerank.service.dialects.registry import choose_dialect
from resift.rerank.service.request_error import RequestError
from resift.rerank.service.reranking import Caller, RerankService
from tests.rerank.service.in_process import TINY, run

DEFINITIONS = IndexDefinitions.from_table(
    {
        "news-*": {"fields": ["lead^3", "body", "title"], "template": "{title:2} ({by.name}): {text:6}"},
        "plain": {"fusion": "zscore", "fusion_weight": 0.0},
    }
)
DOCUMENTS = [
    {"title": "Fishing cats", "lead": "They catch fish at night", "body": "and sleep.", "by": {"name": "Meyer"}},
    {"title": "Dogs", "lead": "They bark", "by": [{"name": "A"}, {"name": "B"}]},
]
READ = ["Fishing cats (Meyer): They catch fish at night\nand", "Dogs (A B): They bark"]
QUERY = "what do cats eat"


def call(path: str = "/v1/rerank", **members: Any) -> RerankCall:  # noqa: ANN401 - members of a request
    body = {"query": QUERY, "documents": DOCUMENTS, "index": "news-1", **members}
    read = choose_dialect(path, body).read(body)[1]
    assert isinstance(read, RerankCall)
    return read_defined(read, DEFINITIONS)


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_the_model_scores_the_texts_of_the_definition(path: str) -> None:
    expected = load_scorer(settings=TINY).score([(QUERY, text) for text in READ]).logits.tolist()

    async def work(one: RerankService) -> None:
        answer: RerankAnswer = await one.call(call(path, raw_scores=True), Caller())
        found = {result.index: result.score for result in answer.results}
        assert [found[0], found[1]] == pytest.approx(expected, abs=1e-5)

    run(work)


def test_with_first_stage_scores_the_fusion_is_that_of_the_definition() -> None:
    async def work(one: RerankService) -> None:
        members: dict[str, Any] = {
            "index": "plain",
            "documents": [{"text": "cats eat fish"}, {"text": "x"}, {"text": "y"}],
        }
        fused = await one.call(call(**members, first_stage_scores=[1.0, 2.0, 3.0]), Caller())
        assert [result.index for result in fused.results] == [2, 1, 0]  # the model has the weight 0
        alone = await one.call(call(**members), Caller())
        assert alone.results[0].index == 0

    run(work)


def test_without_fields_in_the_definition_title_and_text_are_read_as_without_an_index() -> None:
    [document] = call(index="plain", documents=[{"title": "T", "text": "a", "year": 1999}]).documents
    assert (document.title, document.text, document.fields["year"]) == ("T", "a", 1999)


def test_a_request_without_an_index_is_read_as_before() -> None:
    found = call(index=None, documents=["a", {"text": "b"}])
    assert [one.text for one in found.documents] == ["a", "b"] and found.definition is None


@pytest.mark.parametrize(
    ("members", "status", "message"),
    [
        ({"index": "nws"}, 422, "index 'nws' has no definition here; known are news-*, plain"),
        ({"index": 5}, 422, "Expected `str | null`, got `int`"),
        ({"documents": ["a"]}, 422, "documents[0] is a text; with index, expected an object"),
        ({"documents": [DOCUMENTS[0], {}]}, 422, "documents[1] is an empty object; with index, expected an object"),
        ({"documents": []}, 400, "there are no documents"),
        ({"rank_fields": ["title"]}, 422, "the request has both index and rank_fields"),
    ],
)
def test_a_request_that_cannot_be_read_by_a_definition_is_refused(
    members: dict[str, Any], status: int, message: str
) -> None:
    with pytest.raises(RequestError) as caught:
        call(**members)
    assert caught.value.status == status and message in caught.value.message


def test_a_service_without_definitions_says_so() -> None:
    with pytest.raises(RequestError, match="known are none; the service was started without definitions"):
        read_defined(RerankCall("q", [], index="a"), IndexDefinitions())


def test_the_longest_text_of_a_document_may_be_in_any_field() -> None:
    [document] = call(documents=[{"title": "Cats", "lead": "x", "note": "y" * 300}]).documents
    assert longest_text(document) == 300

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from resift.rerank.template import Template
from resift.rerank.training.distillation.candidates import CandidateFinder, CandidateList
from resift.rerank.training.distillation.documents import DocumentPool
from resift.rerank.training.distillation.queries import TrainingQuery, choose_queries, queries_of
from resift.rerank.training.distillation.selection import choose
from resift.rerank.training.distillation.settings import DistillSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document, Hit, Query, Ranking

SENTENCES = "Bread rises in a warm place. It needs flour, water and yeast! Is it done after an hour? Yes."
DOCUMENTS = [Document(f"d{number:03}", f"Text {number}. {SENTENCES}", f"Title {number}") for number in range(200)]


class Shelf:
    """A first stage that finds d000, d001, … with falling scores for every query, as deep as it is asked."""

    language = "english"

    def notes(self) -> list[str]:
        return []

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        hits = [Hit(document, 300.0 - number) for number, document in enumerate(DOCUMENTS[:depth])]
        return [Ranking.of(query, hits) for query in queries]

    def documents(self, doc_ids: Sequence[str]) -> dict[str, list[Document]]:
        return {one.doc_id: [one] for one in DOCUMENTS if one.doc_id in doc_ids}

    def sample(self, count: int, seed: int) -> list[Document]:
        return DOCUMENTS[:count]


def given(*texts: str) -> list[TrainingQuery]:
    return [TrainingQuery(Query(str(place), text)) for place, text in enumerate(texts)]


def chosen(queries: list[TrainingQuery], barred: Sequence[str] = (), **settings: object) -> list[TrainingQuery]:
    return choose_queries(queries, DocumentPool(Shelf(), 1), DistillSettings(**settings), barred=barred)  # type: ignore[arg-type]


def find(*queries: TrainingQuery, **settings: object) -> list[CandidateList]:
    finder = CandidateFinder(Shelf(), DocumentPool(Shelf(), 1), Template(), DistillSettings(**settings), 50)  # type: ignore[arg-type]
    return [one for batch in finder.find(queries) for one in batch]


def test_queries_are_made_of_titles_and_sentences_when_none_are_given() -> None:
    made = chosen([], max_queries=60)
    assert {one.origin for one in made} == {"title", "sentence"}
    for one in made:
        number = int(one.query.query_id[-3:])
        assert one.query.text in (f"Title {number}", *SENTENCES.replace("! ", "!|").replace(". ", ".|").split("|")) or (
            one.query.text == "Is it done after an hour?"
        )
    texts = [one.query.text for one in made]
    assert len(set(texts)) == len(texts)


def test_the_share_of_made_queries_is_as_it_was_asked() -> None:
    queries = chosen(given(*(f"how to bake {number}" for number in range(30))), made_share=0.25)
    assert [one.origin for one in queries].count("given") == 30
    assert len(queries) == 40


@pytest.mark.parametrize(("count", "kept"), [(500, 42), (42, 42), (30, 30)])
def test_the_share_of_made_queries_is_as_it_was_asked_when_more_are_given_than_fit(count: int, kept: int) -> None:
    texts = [f"how to bake {number}" for number in range(count)]
    queries = chosen(given(*texts), made_share=0.3, max_queries=60)
    own = [one.query.text for one in queries if one.origin == "given"]
    assert (len(own), len(queries)) == (kept, round(kept / 0.7))
    assert own == [text for text in texts if text in own]  # in their order, each once


def test_given_queries_take_the_places_of_those_that_the_documents_cannot_make() -> None:
    class Bare(Shelf):
        def sample(self, count: int, seed: int) -> list[Document]:
            return DOCUMENTS[:5]

    texts = (f"how to bake {number}" for number in range(100))
    settings = DistillSettings(made_share=0.5, max_queries=60)
    origins = [one.origin for one in choose_queries(given(*texts), DocumentPool(Bare(), 1), settings)]
    assert len(origins) == 60 and origins.count("given") >= 55


def test_queries_are_chosen_alike_each_time() -> None:
    assert chosen([], max_queries=50) == chosen([], max_queries=50)
    assert chosen([], max_queries=50) != chosen([], max_queries=50, seed=13)


def test_repeated_and_barred_queries_are_left_out_whatever_their_case_and_punctuation() -> None:
    queries = chosen(
        given("What is BM25?", "what is  bm25", "The test query", "another"), ["the TEST query."], made_share=0.0
    )
    assert [one.query.text for one in queries] == ["What is BM25?", "another"]


def test_a_share_of_the_queries_is_held_out_and_at_least_one() -> None:
    queries = given(*(f"query {number}" for number in range(100)))
    held = [one.query.text for one in chosen(queries, made_share=0.0, held_out_share=0.1) if one.held_out]
    assert len(held) == 10
    assert sum(one.held_out for one in chosen(queries[:3], made_share=0.0, held_out_share=0.0)) == 1


def test_too_few_queries_are_refused() -> None:
    with pytest.raises(SettingsError, match="1 queries to distil on; expected 2 or more"):
        chosen(given("only one"), made_share=0.0)


def test_sentences_of_chinese_documents_are_queries_too() -> None:
    document = Document("d", "北京是中华人民共和国的首都。上海是中国最大的城市之一。")
    [(origin, text)] = queries_of(document, 1, Template())
    assert origin == "sentence"
    assert text in ("北京是中华人民共和国的首都。", "上海是中国最大的城市之一。")


def test_a_document_without_sentences_or_title_makes_no_query() -> None:
    assert list(queries_of(Document("d", "x " * 2000), 1, Template())) == []


def test_candidates_come_from_head_middle_and_the_rest_of_the_index() -> None:
    query = TrainingQuery(Query("q", "bread"), relevant={"d040": 2, "d150": 1, "d003": 0})
    [one] = find(query, head_documents=3, middle_documents=4, random_documents=2, head_depth=10, positive_documents=2)
    strata = [candidate.stratum for candidate in one.candidates]
    assert strata == ["positive"] * 2 + ["head"] * 3 + ["middle"] * 4 + ["random"] * 2
    numbers = [int(candidate.doc_id[1:]) for candidate in one.candidates]
    assert set(numbers[:2]) == {40, 150}
    assert all(number < 10 for number in numbers[2:5])
    assert all(10 <= number < 50 for number in numbers[5:9])
    assert all(number >= 50 for number in numbers[9:])
    assert len(set(numbers)) == len(numbers)
    grades = {candidate.doc_id: candidate.relevance for candidate in one.candidates}
    assert (grades["d040"], grades["d150"]) == (2, 1)
    scores = {candidate.doc_id: candidate.first_stage for candidate in one.candidates}
    assert (scores["d040"], scores["d150"]) == (260.0, None)
    assert one.judged


def test_candidates_of_a_query_do_not_depend_on_the_other_queries() -> None:
    alone = find(TrainingQuery(Query("q", "bread")))
    beside = find(TrainingQuery(Query("p", "butter")), TrainingQuery(Query("q", "bread")))
    assert beside[1] == alone[0]
    assert beside[0].candidates != alone[0].candidates


def test_a_relevant_document_that_the_index_lacks_is_counted() -> None:
    finder = CandidateFinder(Shelf(), DocumentPool(Shelf(), 1), Template(), DistillSettings(), 50)
    list(finder.find([TrainingQuery(Query("q", "bread"), relevant={"gone": 1, "d001": 1})]))
    assert finder.missing == 1


def test_a_list_is_read_back_as_it_was_written() -> None:
    [one] = find(TrainingQuery(Query("q", "bread"), relevant={"d001": 1}, held_out=True))
    assert CandidateList.from_json(one.to_json()) == one


def test_documents_of_a_step_are_spread_over_the_teachers_scores() -> None:
    [one] = find(TrainingQuery(Query("q", "bread")), head_documents=10, middle_documents=20, random_documents=0)
    labels = tuple(float(number) for number in np.random.default_rng(0).permutation(30))
    scored = CandidateList(one.query, one.query_id, one.candidates, labels=labels)
    for seed in range(20):
        values = sorted(labels[place] for place in choose(scored, 6, np.random.default_rng(seed)))
        assert [int(value) // 5 for value in values] == [0, 1, 2, 3, 4, 5]


def test_without_scores_the_strata_take_turns_and_the_relevant_one_is_kept() -> None:
    [one] = find(TrainingQuery(Query("q", "bread"), relevant={"d120": 1}))
    for seed in range(20):
        strata = [one.candidates[place].stratum for place in choose(one, 6, np.random.default_rng(seed))]
        assert sorted(strata) == ["head", "head", "middle", "middle", "positive", "random"]

"""What every row of the retriever registry does: the same sentences on the embedded index and on live engines."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from resift.retrieval.bm25.settings import LANGUAGES
from resift.retrieval.registry import RETRIEVERS, open_retriever
from resift.retrieval.retriever import Retriever
from resift.retrieval.types import Document, Query, Ranking
from tests.contracts.place import Place
from tests.contracts.protocols import differences, load_class
from tests.contracts.retriever_rows import NOWHERE, PLACES


def pairs(ranking: Ranking) -> list[tuple[str, float]]:
    return [(hit.document.doc_id, hit.score) for hit in ranking.hits]


def search(retriever: Retriever, text: str, depth: int = 100) -> list[tuple[str, float]]:
    [ranking] = retriever.retrieve([Query("q", text)], depth)
    return pairs(ranking)


def ids(retriever: Retriever, text: str, depth: int = 100) -> list[str]:
    return [doc_id for doc_id, _ in search(retriever, text, depth)]


def soups(count: int) -> list[Document]:
    """Return documents that say "soup" 1 to 5 times among 1 to 7 other words, so that some scores are equal."""
    return [Document(f"d{n}", "soup " * (n % 5 + 1) + "bread " * (n % 7 + 1), f"number {n}") for n in range(count)]


def texts(value: object) -> list[str]:
    """Return a field's values as texts; an engine does not record whether a field had one value or a list of one."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def test_every_row_has_test_factories_and_no_factory_is_left_over() -> None:
    assert set(PLACES) == set(RETRIEVERS), "add or remove a row of PLACES in tests/contracts/retriever_rows.py"
    assert set(NOWHERE) == set(RETRIEVERS), "add or remove a row of NOWHERE in tests/contracts/retriever_rows.py"
    assert [scheme for scheme, factories in PLACES.items() if not factories] == []


@pytest.mark.parametrize("scheme", RETRIEVERS)
def test_the_class_of_a_row_has_what_the_protocol_declares_and_a_class_method_open(scheme: str) -> None:
    found = load_class(RETRIEVERS[scheme])
    assert differences(found, Retriever) == []
    assert isinstance(vars(found)["open"], classmethod)


def test_a_class_without_a_member_or_with_other_parameters_differs_from_the_protocol() -> None:
    class Wrong:
        def notes(self, since: int) -> list[str]:
            return []

        def retrieve(self, queries: list[Query]) -> list[Ranking]:
            return []

    assert [line.partition(" ")[0] for line in differences(Wrong, Retriever)] == ["language", "notes", "retrieve"]


def test_an_index_opens_by_its_url_as_the_class_of_its_row(place: Place) -> None:
    url = place.write([Document("1", "soup")])
    opened = open_retriever(url, place.options)
    assert type(opened) is load_class(RETRIEVERS[url.partition(":")[0]])
    assert ids(opened, "soup") == ["1"]


def test_the_language_is_one_that_the_analysis_knows_and_notes_are_single_lines(place: Place) -> None:
    retriever = place.open([Document("1", "soup"), Document("2", "")])
    search(retriever, "soup " * 2000)
    assert retriever.language in LANGUAGES
    notes = retriever.notes()
    assert isinstance(notes, list)
    assert [note for note in notes if len(note.splitlines()) != 1] == []


def test_there_is_one_ranking_per_query_in_the_order_of_the_queries(place: Place) -> None:
    retriever = place.open([Document("1", "soup"), Document("2", "bread"), Document("3", "salad")])
    words = ["bread", "nothing", "soup", "salad", "soup"]
    queries = tuple(Query(f"q{len(words) - n}", word) for n, word in enumerate(words))
    rankings = retriever.retrieve(queries, 10)
    assert isinstance(rankings, list)
    assert [ranking.query for ranking in rankings] == list(queries)
    found = [[hit.document.doc_id for hit in ranking.hits] for ranking in rankings]
    assert found == [["2"], [], ["1"], ["3"], ["1"]]


def test_there_are_at_most_depth_hits_and_fewer_only_if_fewer_match(place: Place) -> None:
    retriever = place.open([*soups(8), Document("other", "salad")])
    assert [len(search(retriever, "soup", depth)) for depth in (1, 3, 8, 100)] == [1, 3, 8, 8]


def test_hits_are_ordered_by_descending_score_and_each_document_is_there_once(place: Place) -> None:
    found = search(place.open(soups(30)), "soup bread")
    assert found == sorted(found, key=lambda pair: (pair[1], pair[0]), reverse=True)
    assert len({doc_id for doc_id, _ in found}) == len(found) == 30
    assert len({score for _, score in found}) > 10


def test_scores_are_finite_floats(place: Place) -> None:
    scores = [score for _, score in search(place.open(soups(10)), "soup")]
    assert {type(score) for score in scores} == {float}
    assert all(map(math.isfinite, scores))


def test_equal_scores_are_ordered_by_descending_doc_id_as_text(place: Place) -> None:
    names = ["10", "9", "é", "a", "B", "b1", "b", "日", "with space"]
    retriever = place.open([Document(name, "the same words") for name in names])
    found = search(retriever, "words")
    assert [doc_id for doc_id, _ in found] == ["日", "é", "with space", "b1", "b", "a", "B", "9", "10"]
    assert len({score for _, score in found}) == 1


def test_a_document_with_more_of_the_query_comes_first(place: Place) -> None:
    documents = [Document("1", "soup of the day"), Document("2", "bread"), Document("3", "lentil soup today")]
    assert ids(place.open(documents), "lentil soup") == ["3", "1"]


def test_a_word_of_the_title_finds_its_document(place: Place) -> None:
    assert ids(place.open([Document("1", "to eat", "Soup"), Document("2", "to drink", "Tea")]), "soup") == ["1"]


def test_hits_carry_the_text_title_and_fields_that_were_indexed(place: Place) -> None:
    documents = [
        Document("1", "soup: 日本 \U0001f600 a < b & c\n\ttwo  spaces", "Ein Schönes «Heft»", {"year": 1999}),
        Document("2", 'soup "quoted" \\ back', "", {"year": -3, "tags": ["x", "y z"]}),
        Document("a/b?c#d%20", "soup " * 3000, "long"),
    ]
    [ranking] = place.open(documents).retrieve([Query("q", "soup")], 10)
    found = {hit.document.doc_id: hit.document for hit in ranking.hits}
    assert {key: (one.text, one.title) for key, one in found.items()} == {
        d.doc_id: (d.text, d.title) for d in documents
    }
    assert texts(found["1"].fields["year"]) == ["1999"] and "tags" not in found["1"].fields
    assert texts(found["2"].fields["year"]) == ["-3"] and texts(found["2"].fields["tags"]) == ["x", "y z"]


def test_a_hit_does_not_repeat_text_or_title_among_its_fields(place: Place) -> None:
    [ranking] = place.open([Document("1", "soup", "Title", {"year": 1})]).retrieve([Query("q", "soup")], 10)
    assert {"text", "title"} & set(ranking.hits[0].document.fields) == set()


def test_a_query_without_any_matching_word_has_a_ranking_without_hits(place: Place) -> None:
    query = Query("q", "unheard words")
    assert place.open(soups(3)).retrieve([query], 10) == [Ranking(query, ())]


def test_an_empty_batch_gives_an_empty_list(place: Place) -> None:
    assert place.open(soups(1)).retrieve([], 10) == []


def test_a_batch_gives_the_same_as_one_query_at_a_time(place: Place) -> None:
    retriever = place.open(soups(12))
    words = ("soup", "bread", "number", "nothing", "", "soup bread", "number 7")
    queries = [Query(str(n), f"{words[n % 7]} {n}" if n > 20 else words[n % 7]) for n in range(40)]
    alone = [retriever.retrieve([query], 5)[0] for query in queries]
    assert retriever.retrieve(queries, 5) == alone
    assert len({tuple(pairs(ranking)) for ranking in alone}) == 6


def test_a_larger_depth_extends_a_ranking_and_does_not_change_its_beginning(place: Place) -> None:
    retriever = place.open(soups(30))
    longest = search(retriever, "soup bread", 100)
    assert len(longest) == 30
    for depth in range(1, 30):
        found = search(retriever, "soup bread", depth)
        assert [score for _, score in found] == [score for _, score in longest[:depth]]
        last = found[-1][1]  # which of the documents with this score are found may depend on the depth
        assert [pair for pair in found if pair[1] > last] == [pair for pair in longest[:depth] if pair[1] > last]
        assert set(found) <= set(longest)


def test_the_same_query_twice_gives_the_same_ranking(place: Place) -> None:
    retriever = place.open(soups(30))
    assert search(retriever, "soup bread", 7) == search(retriever, "soup bread", 7)


def test_eight_threads_get_what_one_gets(place: Place) -> None:
    retriever = place.open(soups(20))
    jobs = [[Query("1", f"{word} {n}"), Query("2", word)] for n in range(20) for word in ("soup", "bread number")]
    alone = [retriever.retrieve(job, 6) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda job: retriever.retrieve(job, 6), jobs)) == alone
    assert len({tuple(pairs(ranking)) for rankings in alone for ranking in rankings}) > 10

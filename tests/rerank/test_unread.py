"""A document without text to read is not scored; it is below all that were, in the order of the first stage."""

from __future__ import annotations

import pytest

from resift.rerank.counts import Counts
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.settings import RerankSettings
from resift.rerank.template import Template
from resift.retrieval.types import Document, Hit, Query, Ranking
from tests.rerank.ranked import TableScorer, ids, ranking


@pytest.mark.parametrize("fusion", ["zscore", "none"])
def test_a_document_without_text_stays_below_scored_ones_however_bad_these_are(fusion: str) -> None:
    texts = {"a": "", "b": "Copy a folder with shutil.copytree.", "c": " \n", "d": "Berlin is rainy.", "e": "Soups."}
    hits = [Hit(Document(doc_id, text), 9.0 - place) for place, (doc_id, text) in enumerate(texts.items())]
    reranker = Reranker(load_scorer(), RerankSettings(fusion=fusion, rank_window_size=4))
    [result] = reranker.rerank([Ranking.of(Query("q", "copy a folder"), hits)])
    assert ids(result.ranking) == ["b", "d", "a", "c", "e"]
    assert result.unread == 2
    assert set(result.logits) == {"b", "d"}


def test_documents_without_text_do_not_change_the_scores_of_the_others() -> None:
    scorer = TableScorer(x=3.0, y=-1.0, z=0.5)
    with_empty = ranking(("a", "x", 3.0), ("e", "", 9.0), ("b", "y", 2.0), ("f", "", 0.1), ("c", "z", 1.0))
    without = ranking(("a", "x", 3.0), ("b", "y", 2.0), ("c", "z", 1.0))
    [first], [second] = (Reranker(scorer).rerank([one]) for one in (with_empty, without))
    assert first.ranking.hits[:3] == second.ranking.hits
    assert ids(first.ranking)[3:] == ["e", "f"]
    assert "" not in scorer.read


def test_a_ranking_without_any_text_keeps_its_order_and_scores() -> None:
    before = ranking(("a", "", 2.0), ("b", "\t", 1.0))
    [result] = Reranker(TableScorer()).rerank([before])
    assert (result.ranking, result.unread, result.logits) == (before, 2, {})


@pytest.mark.parametrize(
    ("pattern", "document", "is_text"),
    [
        ("{title} {text}", Document("d", ""), False),
        ("{title} {text}", Document("d", "", title="Cats"), True),
        ("{title} {text}", Document("d", "\u200b \x00\u00a0\ufeff\n"), False),
        ("{title} {text}", Document("d", "?"), True),
        ("{title} {text}", Document("d", "東"), True),
        ("Title: {title} Text: {text}", Document("d", ""), False),
        ("{text} {author}", Document("d", "", fields={"author": "A. Meyer"}), True),
        ("{text} {author}", Document("d", "", fields={"author": None}), False),
        ("{text} {year}", Document("d", "", fields={"year": 1999}), True),
        ("{doc_id}: {text}", Document("d", ""), False),
        ("{doc_id}", Document("d", ""), True),
        ("{text}", Document("d", "", title="Cats", fields={"author": "A. Meyer"}), False),
    ],
)
def test_only_characters_in_the_templates_fields_are_text(pattern: str, document: Document, is_text: bool) -> None:
    assert bool(Template(pattern).render(document)) == is_text


def test_documents_without_text_are_counted_and_noted() -> None:
    counts = Counts()
    counts.add(Reranker(TableScorer(x=1.0)).rerank([ranking(("a", "x", 3.0), ("b", "", 2.0), ("c", "", 1.0))] * 2))
    assert (counts.scored, counts.unread) == (2, 4)
    assert counts.notes() == [
        "note: 4 of 6 documents have no text to read; kept in the index's order below the scored ones"
    ]


def test_a_misspelt_field_is_reported_even_if_no_text_is_left() -> None:
    counts = Counts()
    counts.add(Reranker(TableScorer(), RerankSettings(template="{txet}")).rerank([ranking(("a", "x", 3.0))]))
    assert counts.notes()[0].startswith("note: none of the 1 document has the template's {txet}")

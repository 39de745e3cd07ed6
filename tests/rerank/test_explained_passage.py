"""The passage that decided: its characters are exactly those of the text that was rendered, and of the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from resift.rerank.explained_passage import ExplainedPassage, deciding_passage
from resift.rerank.explanation import explain
from resift.rerank.reranker import Reranker, Reranking
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings
from resift.retrieval.types import Document, Hit, Query, Ranking


class Marks:
    """A scorer that reads `reach` characters of a text, and whose logit is the number of "x" in them."""

    def __init__(self, reach: int, reports: bool = True) -> None:
        self.reach, self.reports, self.seen = reach, reports, list[str]()

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.seen += [text[: self.reach] for _, text in pairs]
        logits = np.array([text[: self.reach].count("x") for _, text in pairs], dtype=np.float32)
        cut = np.array([len(text) > self.reach for _, text in pairs])
        read = np.array([min(len(text), self.reach) for _, text in pairs]) if self.reports else None
        return Scores(logits, cut, np.zeros(len(pairs), dtype=bool), read)


def reranked(document: Document, scorer: Marks, **settings: Any) -> Reranking:
    ranking = Ranking.of(Query("q", "soup"), [Hit(document, 1.0)])
    [result] = Reranker(scorer, RerankSettings(**settings)).rerank([ranking])
    return result


def passage_of(document: Document, scorer: Marks, **settings: Any) -> ExplainedPassage:
    """Return the passage, after a check that its places are right."""
    result = reranked(document, scorer, **settings)
    [hit] = explain(result, 1, details=True)
    found = hit.passage
    assert found is not None and found == deciding_passage(result, document)
    rendered = result.template.render(document)
    assert (rendered[found.start : found.end], len(rendered)) == (found.text, found.length)
    assert found.read in scorer.seen
    return found


def test_a_document_that_is_read_at_once_is_one_passage_whose_own_text_begins_behind_the_title() -> None:
    found = passage_of(Document("d", "Red lentils.", "Soup"), Marks(100))
    assert (found.text, found.start, found.end, found.head) == ("Soup Red lentils.", 0, 17, "")
    assert found.field is not None and found.field.as_json() == {"name": "text", "start": 0, "end": 12}


def test_a_document_that_was_cut_is_one_passage_up_to_there() -> None:
    found = passage_of(Document("d", "Red lentils x.", "Soup"), Marks(8))
    assert (found.text, found.start, found.end, found.length) == ("Soup Red", 0, 8, 19)
    assert found.field is not None and (found.field.start, found.field.end) == (0, 3)


def test_a_passage_that_ends_in_the_title_is_in_no_field() -> None:
    assert passage_of(Document("d", "Red lentils.", "A long title"), Marks(6)).field is None


def test_a_later_passage_that_decided_has_its_own_place_and_the_title_before_it() -> None:
    text = "one two three four five six seven x eight nine ten"
    found = passage_of(Document("d", text, "Soup"), Marks(24), passages=4)
    assert found.start > 0 and found.head == "Soup " and "x" in found.text
    assert found.field is not None
    assert text[found.field.start : found.field.end] == found.text


@pytest.mark.parametrize("reports", [True, False])
def test_whether_or_not_the_scorer_says_how_far_it_read_the_best_passage_is_what_it_was_given(reports: bool) -> None:
    document = Document("d", "word " * 300 + "x x x", "T")
    result = reranked(document, Marks(1000, reports), passages=5)
    found = deciding_passage(result, document)
    assert found is not None and found.text.endswith("x x x") and found.head == "T "
    assert found.text == result.template.render(document)[found.start : found.end]


def test_an_unknown_end_is_estimated() -> None:
    document = Document("d", "word " * 300)
    found = deciding_passage(reranked(document, Marks(1000, reports=False)), document)
    assert found is not None and (found.start, found.length) == (0, 1499)
    assert len(found.text.split()) == 150


@pytest.mark.parametrize(
    ("template", "document", "expected"),
    [
        ("{title} {text}", Document("d", "  \n Red", ""), ("text", 4, 7)),
        ("{text} {tags}", Document("d", "Red ", "", {"tags": "a"}), ("text", 0, 3)),
        ("{name}: {body}", Document("d", "", "", {"name": "N", "body": "Red lentils"}), ("body", 0, 11)),
        ("{by.name}", Document("d", "", "", {"by": {"name": "Meyer"}}), ("by.name", 0, 5)),
        ("{summary|text}", Document("d", "Red", "", {"summary": "Short"}), ("summary", 0, 5)),
        ("{summary|text}", Document("d", "Red", "", {}), ("text", 0, 3)),
        ("{title} {text}", Document("d", "Soup of lentils", "Soup"), ("text", 0, 15)),
        ("{title:1} {text:2}", Document("d", "Red lentils and more", "Soup"), ("text", 0, 3)),
        ("{title}", Document("d", "", "Soup"), ("title", 0, 4)),
        ("{title} {tags}", Document("d", "", "A", {"tags": ["Red", "Green"]}), None),
        ("{title} {text}", Document("d", "<p>Red</p>", "Soup"), None),
        ("{title} {text}", Document("d", "", "Soup"), None),
    ],
)
def test_the_place_in_the_field_is_given_where_the_field_has_exactly_that_text(
    template: str, document: Document, expected: tuple[str, int, int] | None
) -> None:
    field = passage_of(document, Marks(100), template=template).field
    assert (None if field is None else (field.name, field.start, field.end)) == expected


def test_a_document_that_was_not_scored_has_no_passage() -> None:
    result = reranked(Document("d", "", ""), Marks(100))
    [hit] = explain(result, 1, details=True)
    assert (hit.passage, hit.fused_from) == (None, None)

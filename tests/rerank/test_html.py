"""HTML is read by one rule, where a document's text is built: in a search, a rerank request, an evaluation, a snippet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resift.indexer.bm25.build import build_index
from resift.rerank.counts import Counts
from resift.rerank.pipeline import Pipeline
from resift.rerank.requests import read_requests, rerank_requests
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.settings import RerankSettings
from resift.rerank.snippets import snippet_of
from resift.rerank.template import Template
from resift.retrieval.errors import SettingsError
from resift.retrieval.registry import open_retriever
from resift.retrieval.types import Document, Query
from tests.rerank.ranked import TableScorer, ranking

TAGGED = (
    '<div class="care wool"><h2>Wool</h2><p>Wash <b>wool</b> by hand in <a href="https://e.example/a/b/c">cold '
    "water</a>,<br>without wringing &amp; rubbing.</p><script>track('wool')</script></div>"
)
PLAIN = "Wool Wash wool by hand in cold water, without wringing & rubbing."
QUERY = "how do I wash wool"


def test_the_model_gives_a_text_with_tags_the_score_of_the_text_without() -> None:
    scorer = load_scorer()
    [expected] = scorer.score([(QUERY, PLAIN)]).logits
    [result] = Reranker(scorer).rerank([ranking(("d", TAGGED, 1.0), query=Query("q", QUERY))])
    assert result.logits == {"d": float(expected)}
    assert float(scorer.score([(QUERY, TAGGED)]).logits[0]) < expected - 1.0
    line = json.dumps({"query": QUERY, "documents": [TAGGED, {"text": PLAIN}]}).encode()
    [reply] = rerank_requests(read_requests([line], "in"), Reranker(scorer), None, False)
    assert [entry["logit"] for entry in reply.body["results"]] == [float(expected)] * 2


def test_tags_and_scripts_are_neither_indexed_nor_shown(tmp_path: Path) -> None:
    build_index(
        [Document("a", TAGGED, title="<i>Wool</i> care"), Document("b", "a div of class track")], tmp_path / "i"
    )
    pipeline = Pipeline(open_retriever(f"bm25:{tmp_path / 'i'}"), None)
    found = pipeline.search([Query("1", "div class track e.example h2"), Query("2", "wringing"), Query("3", "care")])
    assert [[hit.document.doc_id for hit in one.ranking.hits] for one in found] == [["b"], ["a"], ["a"]]
    [hit] = found[1].ranking.hits
    assert hit.document.text == TAGGED
    assert snippet_of(found[1], hit.document, lambda text: text.split()).text == PLAIN
    assert found[1].template.without_html(hit.document).title == "Wool care"


@pytest.mark.parametrize(
    ("document", "mode", "text"),
    [
        (Document("d", TAGGED), "auto", PLAIN),
        (Document("d", "<p>x</p>", title="<b>T</b>"), "auto", "T x"),
        (Document("d", "<p>Cats sleep</p>", title="Cats"), "auto", "Cats sleep"),
        (Document("d", "<p>x</p>"), "keep", "<p>x</p>"),
        (Document("d", "a <div> b"), "auto", "a <div> b"),
        (Document("d", "a <div> b"), "strip", "a b"),
        (Document("d", "List<String> x"), "auto", "List<String> x"),
        (Document("d", "<p>&lt;b&gt;x&lt;/b&gt;</p>"), "auto", "<b>x</b>"),
        (Document("d", "<p> </p><br>"), "auto", ""),
    ],
)
def test_the_template_removes_html_once_from_each_field(document: Document, mode: str, text: str) -> None:
    assert Template(html=mode).render(document) == text


def test_other_fields_are_read_without_html_too() -> None:
    document = Document("d", "x", fields={"tags": ["<i>red</i>", "<i>blue</i>"]})
    assert Template("{tags}: {text}").render(document) == "red blue: x"


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(SettingsError, match="html: 'some' is not known; expected auto, strip or keep"):
        RerankSettings(html="some")


def test_documents_with_html_are_counted_and_noted() -> None:
    counts = Counts()
    hits = ranking(("a", "<p>x</p>", 3.0), ("b", "y", 2.0), ("c", "a<b", 1.0))
    counts.add(Reranker(TableScorer(x=1.0, y=2.0, **{"a<b": 0.0})).rerank([hits]))
    assert counts.notes()[0] == "note: HTML tags were removed from 1 document (`html=keep` leaves them)"
    kept = Reranker(TableScorer(**{"<p>x</p>": 1.0}), RerankSettings(html="keep")).rerank([hits.top(1)])
    assert kept[0].html == 0

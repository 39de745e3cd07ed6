"""Texts in a language that the model does not read are noticed, and nothing else is."""

from __future__ import annotations

from pathlib import Path

from resift.rerank.counts import Counts
from resift.rerank.reranker import Reranking
from resift.retrieval.types import Document, Hit, Query, Ranking
from tests.rerank.cli.invoke import invoke

GERMAN = "Das Brot wird im Ofen gebacken, bis es braun ist, und dann mit Salz auf den Tisch gestellt."
ENGLISH = "The bread is baked in the oven until it is brown, and then it is put on the table with salt."


def notes(text: str, languages: tuple[str, ...], scored: bool = True) -> list[str]:
    ranking = Ranking.of(Query("q", "bread"), [Hit(Document("1", text), 2.0), Hit(Document("2", text), 1.0)])
    counts = Counts()
    counts.add([Reranking(ranking, ranking, {"1": 0.5, "2": 0.1} if scored else {}, languages=languages)])
    return counts.notes()


def test_texts_in_another_language_than_the_models_are_noted() -> None:
    assert notes(GERMAN, ("en",)) == [
        "note: the texts seem to be German, and the model reads English by its card (`model`)"
    ]
    assert notes(f"<p>{GERMAN}</p>", ("en", "fr"))[0].endswith("reads English, French by its card (`model`)")


def test_texts_that_the_model_reads_and_texts_of_no_clear_language_are_not_noted() -> None:
    assert notes(ENGLISH, ("en",)) == notes(GERMAN, ("en", "de")) == []
    assert notes("192.168.0.1", ("en",)) == notes("soup", ("en",)) == []


def test_nothing_is_noted_without_a_model_or_without_its_languages() -> None:
    assert notes(GERMAN, ()) == notes(GERMAN, ("en",), scored=False) == []


def test_a_search_in_an_embedded_german_index_says_so(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text("".join(f'{{"id": "{n}", "text": "{GERMAN}"}}\n' for n in range(3)))
    index = f"bm25:{tmp_path / 'index'}"
    assert invoke("index", str(tmp_path / "c.jsonl"), "--to", index, "--language", "german").code == 0
    done = invoke("search", index, "Brot backen")
    assert done.code == 0 and "the texts seem to be German, and the model reads English" in done.err
    (tmp_path / "e.jsonl").write_text(f'{{"id": "1", "text": "{ENGLISH}"}}\n')
    assert invoke("index", str(tmp_path / "e.jsonl"), "--to", f"{index}-en").code == 0
    assert "seem to be" not in invoke("search", f"{index}-en", "bread").err

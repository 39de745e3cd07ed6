"""What a model reads in its training, evaluation and judgement is what a search gives it: same template, same HTML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import CorpusSettings, read_documents
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Scores
from resift.rerank.settings import RerankSettings
from resift.rerank.stages import SearchStages
from resift.rerank.template import DEFAULT_TEMPLATE, Template
from resift.rerank.training.examples import Example, Pair
from resift.rerank.training.finetuning.dev_sets import DevRequest, judged_sets
from resift.rerank.training.finetuning.inputs import Inputs, read_inputs
from resift.rerank.training.finetuning.preparation import prepare
from resift.rerank.training.finetuning.promotion import write_candidates
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.gate.dev_sets import DevSet, DevSets
from resift.rerank.training.gate.kept_runs import KeptRuns
from resift.rerank.training.record import read_record
from resift.rerank.training.reports import Reports
from resift.retrieval.types import Query
from tests.rerank.cli.invoke import invoke
from tests.rerank.training.finetuning.hub_layout import SETS, write_nanobeir
from tests.rerank.training.finetuning.small_training import request, save_base

DOCUMENTS = [
    {"_id": "d0", "title": "River <i>Stone</i>", "text": "<p>The river &amp; its <b>bridge</b>.</p>", "kind": "place"},
    {"_id": "d1", "title": "Bold", "text": "<p>The river of text: &lt;b&gt;bold&lt;/b&gt; is bold.</p>", "kind": "web"},
    {"_id": "d2", "title": "Harvest", "text": "Harvest at the river: a < b, a List<String>.", "kind": "code"},
    {"_id": "d3", "title": "", "text": "A river without a title.", "kind": "place"},
    {"_id": "d4", "title": "Winter", "text": "  Snow on the river.<br>Ice on the valley.\n", "kind": "place"},
]
READINGS = [
    (DEFAULT_TEMPLATE, "auto"),
    (DEFAULT_TEMPLATE, "keep"),
    ("{title}: {text}", "strip"),
    ("{kind}, {title} - {text}", "keep"),
]


class Remembering:
    """A scorer that remembers the texts of the documents."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        self.texts += [text for _, text in pairs]
        none = np.zeros(len(pairs), np.bool_)
        return Scores(np.zeros(len(pairs), np.float32), none, none)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a judged collection, an index of it, the same documents as training data, and a base."""
    folder = tmp_path_factory.mktemp("reading")
    collection = folder / "collection"
    (collection / "qrels").mkdir(parents=True)
    _write(collection / "corpus.jsonl", DOCUMENTS)
    _write(collection / "queries.jsonl", [{"_id": "q", "text": "river"}])
    (collection / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n")
    build_index(read_documents(str(collection), CorpusSettings(format="beir")), folder / "index")
    columns = [{**one, "document": one["text"], "query": f"river {place}"} for place, one in enumerate(DOCUMENTS)]
    _write(folder / "columns.jsonl", [{name: row[name] for name in row if name != "text"} for row in columns])
    _write(folder / "objects.jsonl", [{"query": row["query"], "document": one} for row, one in _both(columns)])
    save_base(folder / "base")
    return folder


def _both(columns: list[dict[str, str]]) -> list[tuple[dict[str, str], dict[str, str]]]:
    return list(zip(columns, DOCUMENTS, strict=True))


def _write(path: Path, rows: Sequence[object]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _searched(place: Path, template: str, html: str) -> list[str]:
    """Return the texts that a search of the index gives to the model, in the order of their documents."""
    scorer, settings = Remembering(), RerankSettings(template=template, html=html)
    [ranking] = SearchStages(rerank=settings).open(f"bm25:{place / 'index'}").retrieve([Query("q", "river")], 10)
    Reranker(scorer, settings).rerank([ranking])
    ids = [hit.document.doc_id for hit in ranking.hits]
    assert sorted(ids) == ["d0", "d1", "d2", "d3", "d4"]
    return [text for _, text in sorted(zip(ids, scorer.texts, strict=True))]


def _read(place: Path, data: str, out: Path, template: str, html: str, held_out: float, depth: int = 100) -> Inputs:
    """Return what a training reads, with the collection as its dev set."""
    wanted = request(
        place / data,
        place / "base",
        out,
        dev=(str(place / "collection"),),
        template=template,
        html=html,
        depth=depth,
    )
    return read_inputs(wanted, TrainSettings(held_out=held_out, pair_negatives=0, loss="mnr"), Reports())


@pytest.mark.parametrize(("template", "html"), READINGS)
@pytest.mark.parametrize("data", ["columns.jsonl", "objects.jsonl"])
def test_training_and_dev_sets_have_the_texts_that_a_search_gives_the_model(
    place: Path, tmp_path: Path, data: str, template: str, html: str
) -> None:
    searched = _searched(place, template, html)
    inputs = _read(place, data, tmp_path / "model", template, html, held_out=0)
    trained = [one.document for one in inputs.prepared.train if isinstance(one, Pair)]
    assert trained == searched
    [dev] = inputs.sets
    [ranked] = dev.queries
    assert [text for _, text in sorted(zip(ranked.doc_ids, ranked.texts, strict=True))] == searched


def test_a_search_reads_other_texts_with_another_template_or_treatment_of_html(place: Path) -> None:
    assert _searched(place, DEFAULT_TEMPLATE, "auto") == [
        "River Stone The river & its bridge.",
        "Bold The river of text: <b>bold</b> is bold.",
        "Harvest at the river: a < b, a List<String>.",
        "A river without a title.",
        "Winter Snow on the river. Ice on the valley.",
    ]
    assert len({tuple(_searched(place, *reading)) for reading in READINGS}) == len(READINGS)


@pytest.mark.parametrize(("template", "html"), READINGS)
def test_held_out_queries_are_evaluated_and_judged_on_the_texts_that_a_search_gives_the_model(
    place: Path, tmp_path: Path, template: str, html: str
) -> None:
    searched = _searched(place, template, html)
    inputs = _read(place, "columns.jsonl", tmp_path / "model", template, html, held_out=2)
    evaluated = {text for query in inputs.sets[0].queries for text in query.texts}
    assert evaluated == set(searched)
    path = write_candidates(inputs.sets[0], tmp_path)
    scorer, settings = Remembering(), RerankSettings(template=template, html=html)
    sets = DevSets(SearchStages(rerank=settings), KeptRuns(None))
    [found] = sets.open([DevSet(str(path), rendered=True)])
    found.read_by(Reranker(scorer, settings)).rerank(found.rankings)
    assert set(scorer.texts) == set(searched)


def test_held_out_examples_that_a_user_names_are_judged_with_the_template(place: Path) -> None:
    scorer, settings = Remembering(), RerankSettings(template="{title}: {text}", html="keep")
    [found] = DevSets(SearchStages(rerank=settings), KeptRuns(None)).open([DevSet(str(place / "columns.jsonl"))])
    found.read_by(Reranker(scorer, settings)).rerank(found.rankings)
    assert set(scorer.texts) == set(_searched(place, "{title}: {text}", "keep"))


def test_the_depth_is_that_of_folders_and_of_nanobeir(place: Path, tmp_path: Path) -> None:
    inputs = _read(place, "columns.jsonl", tmp_path / "model", DEFAULT_TEMPLATE, "auto", held_out=0, depth=3)
    assert [len(query.texts) for query in inputs.sets[0].queries] == [3]
    for place_of_set, name in enumerate(SETS[:2]):
        write_nanobeir(tmp_path / "nano", name, place_of_set)
    names = ",".join(SETS[:2])
    found = judged_sets(DevRequest(f"nanobeir:{names}", root=tmp_path / "nano", depth=2), Template())
    assert [(one.name, one.mean_name) for one in found] == [(f"{name}_R2", "NanoBEIR_R2_mean") for name in SETS[:2]]


def test_the_command_passes_its_options_on_and_records_them(place: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "model", str(tmp_path / "cache")
    given = [str(place / "columns.jsonl"), "--base", str(place / "base"), "--dev", str(place / "collection")]
    given += ["--template", "{title}: {text}", "--html", "keep", "--depth", "4", "--no-energy", "--no-export"]
    env = {"RESIFT_GATE_CACHE": cache, "RESIFT_TUNE_CACHE": cache}
    done = invoke("train", *given, "--out", str(out), "--force", env=env)
    record = read_record(out)
    assert record is not None and done.code == 0, done.err
    reading = {"template": "{title}: {text}", "html": "keep", "depth": 4}
    assert reading.items() <= record.settings.items() and reading.items() <= record.changed.items()
    assert record.evaluations[0].parameters["candidates"] == "the embedded BM25's top 4, judgements dev"
    assert "{title}: {text}" in (out / "README.md").read_text(encoding="utf-8")
    [judged] = json.loads((out / "resift.json").read_text(encoding="utf-8"))["gate"]["sets"]
    assert judged["described"] == "BM25's first 4 of the whole corpus"
    assert judged["overlap"]["documents"] == 1  # its text is the one that was trained on


@pytest.mark.parametrize(("count", "held_out"), [(8, 2), (120, 30), (300, 50), (900, 90)])
def test_enough_queries_are_held_out_for_a_judgement(tmp_path: Path, count: int, held_out: int) -> None:
    pairs: list[Example] = [Pair(f"the question {number}", f"answer {number}") for number in range(count)]
    prepared = prepare(tmp_path, "mark", lambda: pairs, TrainSettings(pair_negatives=0, loss="mnr"))
    assert len(prepared.held_out) == pytest.approx(held_out, abs=0 if count < 900 else 30)
    assert len(prepared.held_out) + len(prepared.train) == count

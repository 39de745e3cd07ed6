"""The table of the ladder: scores are kept, resumed and combined as the product combines them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from resift.rerank.evaluation.measures import mean, per_query
from resift.rerank.fusion_choice import Fusion
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document, Hit, Ranking, to_run
from scripts.evaluate_ladder.__main__ import main
from scripts.evaluate_ladder.logits import BusyError, CandidateScores, LogitFile
from scripts.evaluate_ladder.measuring import Cell, Column, Table, columns_of, measure_table
from scripts.evaluate_ladder.models import EvaluatedModel, choose_models
from scripts.evaluate_ladder.scoring import Extent, score_all, unscored
from scripts.evaluate_ladder.splits import IN_MEAN, JudgedSet, open_set, parse_sets
from scripts.evaluate_ladder.targets import targets
from tests.rerank.scorers.small_models import save_family
from tests.scripts.ladder_data import DOCUMENTS, QRELS, QUERIES, write_collection, write_lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_family("bert", tmp_path_factory.mktemp("model"))


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESIFT_SHARED", str(tmp_path / "shared"))
    write_collection(tmp_path / "shared")
    return tmp_path / "shared"


FUSED = Fusion("zscore", 0.7, "model")


def score(model: EvaluatedModel, work: Path, sample: int | None = None) -> list[str]:
    said: list[str] = []
    score_all([model], ["small"], work, Extent(sample, 1), said.append)
    return said


def reranked(judged: JudgedSet, model: EvaluatedModel, settings: RerankSettings) -> list[Ranking]:
    """The same candidates, reordered by the product."""
    reranker = Reranker(load_scorer(str(model.folder), ScorerSettings(max_length=model.max_length)), settings)
    return [result.ranking for result in reranker.rerank(rankings_of(judged))]


def rankings_of(judged: JudgedSet) -> list[Ranking]:
    """The candidates as the first stage ranks them."""
    return [
        Ranking.of(one.query, [Hit(Document(d, DOCUMENTS[d]), s) for d, s in zip(one.doc_ids, one.scores, strict=True)])
        for one in judged.candidates.values()
    ]


@pytest.mark.parametrize(
    ("own", "last"),
    [
        (None, "base + BM25 (0.7 x share read, default)"),
        ({"kind": "zscore-read", "weight": 0.8}, "base + BM25 (0.8 x share read, fitted)"),
        ({"kind": "zscore", "weight": 0.8}, "base + BM25 (0.8, fitted)"),
        ({"kind": "none", "weight": 1.0}, "base as fitted: alone"),
    ],
)
def test_columns_have_the_values_of_the_product_s_own_order(
    own: dict[str, object] | None, last: str, folder: Path, shared: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    if own is not None:
        (copy / "resift.json").write_text(json.dumps({"fusion": own}))
    [model] = choose_models("base", [f"base={copy}"], tmp_path, max_length=24)  # most texts are longer
    score(model, tmp_path)
    judged = open_set("small", tmp_path)
    table = measure_table(columns_of([model], ()), [judged], tmp_path, samples=50)
    expected = [
        reranked(judged, model, RerankSettings(fusion="none")),
        reranked(judged, model, RerankSettings()),
    ]
    for column, rankings in zip(table.columns[1:], expected, strict=True):
        cell = table.cells[column.name]["small"]
        values = per_query(QRELS, to_run(rankings))
        assert cell.complete and cell.values.keys() == values.keys()
        for query_id, row in values.items():
            assert cell.values[query_id] == pytest.approx(row)
        assert cell.means["ndcg@10"].difference == pytest.approx(mean(values)["ndcg@10"])
    assert [column.name for column in table.columns] == ["BM25", "base", last]


def test_the_share_of_each_text_that_was_read_is_kept_and_lowers_the_model_s_weight(
    folder: Path, shared: Path, tmp_path: Path
) -> None:
    model = EvaluatedModel("base", folder, max_length=24)
    score(model, tmp_path)
    judged = open_set("small", tmp_path)
    kept = LogitFile.of(tmp_path, model, judged).read(judged)
    results = [
        Reranker(load_scorer(str(folder), ScorerSettings(max_length=24))).rerank([ranking])[0]
        for ranking in rankings_of(judged)
    ]
    for result in results:
        one, scores = judged.candidates[result.ranking.query.query_id], kept[result.ranking.query.query_id]
        assert scores.read == tuple(result.read.get(doc_id, 1.0) for doc_id in one.doc_ids)
        assert min(share for share in scores.read if share is not None) < 0.5
        by_column = Column((model,), model.fusion).order(one, [scores])
        assert by_column == pytest.approx({hit.document.doc_id: hit.score for hit in result.ranking.hits}, abs=1e-5)
        assert by_column != pytest.approx(Column((model,), FUSED).order(one, [scores]), abs=1e-3)


def test_scores_of_another_version_are_not_used_and_completed(folder: Path, shared: Path, tmp_path: Path) -> None:
    model = EvaluatedModel("base", folder)
    score(model, tmp_path)
    judged = open_set("small", tmp_path)
    file = LogitFile.of(tmp_path, model, judged)
    rows = [json.loads(line) for line in file.path.read_text().splitlines()]
    old = [{key: row[key] for key in ("query_id", "digest", "logits")} for row in rows[:4]]  # as version 1 wrote them
    write_lines(file.path, [*old, *rows[4:]])
    arguments = ["table", str(tmp_path), "--sets", "small", "--models", "base", "--model", f"base={folder}"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "(2 of 6)" in result.output
    said = score(model, tmp_path)
    assert "4 of 4" in said[-1] and len(file.read(judged)) == len(rows)
    assert score(model, tmp_path) == ["base on small: all there"]
    assert "(2 of 6)" not in CliRunner().invoke(main, arguments).output


def test_only_queries_without_logits_are_scored_and_a_torn_line_counts_as_one(
    folder: Path, shared: Path, tmp_path: Path
) -> None:
    model = EvaluatedModel("base", folder)
    score(model, tmp_path)
    judged = open_set("small", tmp_path)
    path = LogitFile.of(tmp_path, model, judged).path
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == len(QUERIES)
    path.write_bytes(b"".join(lines[:3]) + b'{"query_id": "x", "logits": [nope]}\n[1]\n\xff\n' + lines[3][:-9])
    assert len(unscored(model, judged, tmp_path, None)) == len(QUERIES) - 3
    assert f"{len(QUERIES) - 3} of {len(QUERIES) - 3}" in score(model, tmp_path)[-1]
    assert path.read_bytes().startswith(b"".join(lines[:3]))  # what was there is neither scored nor written again
    found = LogitFile.of(tmp_path, model, judged).read(judged)
    before = {row["query_id"]: row["logits"] for row in map(json.loads, lines)}
    assert found.keys() == before.keys()
    for query_id, scores in found.items():
        assert list(scores.logits) == pytest.approx(before[query_id], abs=1e-5)
    assert score(model, tmp_path) == ["base on small: all there"]


def test_a_file_is_written_by_one_process_at_a_time(folder: Path, shared: Path, tmp_path: Path) -> None:
    model = EvaluatedModel("base", folder)
    file = LogitFile.of(tmp_path, model, open_set("small", tmp_path))
    with file.appending(), pytest.raises(BusyError, match="another process"), file.appending():
        pass


def test_changed_texts_and_weights_are_scored_again_and_a_new_fusion_is_not(
    folder: Path, shared: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    score(EvaluatedModel("base", copy), tmp_path)
    (copy / "resift.json").write_text('{"fusion": {"kind": "zscore", "weight": 0.9}}')
    assert unscored(EvaluatedModel("base", copy), open_set("small", tmp_path), tmp_path, None) == []
    other = EvaluatedModel("base", copy, max_length=32)
    assert len(unscored(other, open_set("small", tmp_path), tmp_path, None)) == len(QUERIES)
    write_collection(shared, extra={"d40": "river river stone"})
    assert len(unscored(EvaluatedModel("base", copy), open_set("small", tmp_path), tmp_path, None)) == len(QUERIES)
    write_collection(shared)
    assert unscored(EvaluatedModel("base", copy), open_set("small", tmp_path), tmp_path, None) == []
    with (copy / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    assert len(unscored(EvaluatedModel("base", copy), open_set("small", tmp_path), tmp_path, None)) == len(QUERIES)


def test_samples_are_nested_and_every_cell_says_of_how_many_queries_it_is(
    folder: Path, shared: Path, tmp_path: Path
) -> None:
    judged = open_set("small", tmp_path)
    assert sorted(judged.sampled) == sorted(QUERIES) and judged.sampled != sorted(QUERIES)
    model = EvaluatedModel("base", folder)
    score(model, tmp_path, sample=2)
    assert unscored(model, judged, tmp_path, 3) == judged.sampled[2:3]
    result = CliRunner().invoke(
        main, ["table", str(tmp_path), "--sets", "small", "--models", "base", "--model", f"base={folder}"]
    )
    assert result.exit_code == 0, result.output
    assert "(2 of 6)" in result.output and "| small | 6 of 6 | BM25 |" in result.output
    table = measure_table(columns_of([model], ()), [judged], tmp_path, samples=50, common=True)
    assert [table.cells[column.name]["small"].queries for column in table.columns] == [2, 2, 2]


def test_the_json_has_the_figures_of_the_table(folder: Path, shared: Path, tmp_path: Path) -> None:
    score(EvaluatedModel("base", folder), tmp_path)
    options = ["--sets", "small", "--models", "base", "--model", f"base={folder}", "--json", str(tmp_path / "t.json")]
    result = CliRunner().invoke(main, ["table", str(tmp_path), *options, "--markdown", str(tmp_path / "t.md")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "t.md").read_text() == result.output
    content = json.loads((tmp_path / "t.json").read_text())
    cell = content["cells"]["base"]["small"]
    assert content["columns"]["base + BM25 (0.7 x share read, default)"]["fusion"] == {
        "kind": "zscore-read",
        "weight": 0.7,
        "source": "default",
    }
    assert (cell["queries"], cell["judged"]) == (6, 6)
    assert f"{cell['ndcg@10']['mean']:.4f}" in result.output
    low, high = cell["ndcg@10"]["interval_95"]
    assert low <= cell["ndcg@10"]["mean"] <= high


def test_a_document_that_is_the_query_itself_is_no_candidate(shared: Path, tmp_path: Path) -> None:
    write_collection(shared, "arguments", extra={"q0": QUERIES["q0"], "q1": "another text about a stone and a river"})
    candidates = open_set("arguments", tmp_path).candidates
    assert "q0" not in candidates["q0"].doc_ids and len(candidates["q0"].doc_ids) <= 100


def test_a_run_in_the_folder_replaces_bm25_and_documents_without_text_stay_below(
    folder: Path, shared: Path, tmp_path: Path
) -> None:
    runs = shared / "collections" / "small" / "runs"
    runs.mkdir()
    (runs / "bm25.trec").write_text("q0 Q0 gone 1 9 a\nq0 Q0 d1 2 8 a\nq0 Q0 d2 3 7 a\nq1 Q0 gone 1 9 a\n")
    model = EvaluatedModel("base", folder)
    score(model, tmp_path)
    judged = open_set("small", tmp_path)
    assert {query_id: one.doc_ids for query_id, one in judged.candidates.items()} == {
        "q0": ("gone", "d1", "d2"),
        "q1": ("gone",),
    }
    scores = LogitFile.of(tmp_path, model, judged).read(judged)
    assert scores["q0"].logits[0] is None and scores["q1"] == CandidateScores((None,), (None,))
    for fusion in (None, model.fusion):
        ordered = Column((model,), fusion).order(judged.candidates["q0"], [scores["q0"]])
        assert min(ordered, key=lambda doc_id: ordered[doc_id]) == "gone"
    table = measure_table(columns_of([model], ()), [judged], tmp_path, samples=50)
    assert all(row["small"].complete for row in table.cells.values())  # four queries without candidates count 0


def test_an_ensemble_adds_z_scores_and_needs_known_labels(folder: Path, shared: Path, tmp_path: Path) -> None:
    models = [EvaluatedModel("one", folder), EvaluatedModel("two", folder)]
    score(models[0], tmp_path)
    judged = open_set("small", tmp_path)
    table = measure_table(columns_of(models, ["one+two"]), [judged], tmp_path, samples=50)
    one, both = (table.cells[name]["small"] for name in ("one", "one+two"))
    assert both.values == one.values  # twice the same model
    with pytest.raises(SettingsError, match="expected labels of one, two"):
        columns_of(models, ["one+three"])


def test_targets_are_judged_by_all_queries_and_a_miss_says_how_far() -> None:
    def cell(value: float, judged: int = 4) -> Cell:
        rows = {str(query): {"ndcg@10": value, "mrr@10": value} for query in range(4)}
        return Cell(rows, {query: {"ndcg@10": 0.5, "mrr@10": 0.5} for query in rows}, judged, 50)

    models = [EvaluatedModel(label, Path("nowhere")) for label in ("bi-encoder", "base", "small")]
    columns = [Column(), *(Column((model,), fusion) for model in models for fusion in (None, FUSED))]
    high = {spec: cell(0.6) for spec in IN_MEAN["test"]}
    low = {**high, "dl19": cell(0.5, judged=9)}
    cells = {column.name: high for column in columns} | {"small": low, f"small + BM25 ({FUSED.weight:g}, fitted)": low}
    outcomes = {one.name: one.outcome for one in targets(Table(tuple(columns), (), cells, 50))}
    assert outcomes["base alone on dl19, ndcg@10"] == "miss by 0.0900"
    assert outcomes["small alone on dl19, ndcg@10"] == "so far: miss by 0.1600"
    assert outcomes["tiny alone on dl19, ndcg@10"] == "not measured"
    assert outcomes["base fused, mean of 6 above BM25"] == "pass"
    assert outcomes["small fused, mean of 6 above BM25"] == "so far: pass"
    assert outcomes["base fused, mean of 6 above the bi-encoder fused"] == "pass"
    assert outcomes["small fused, mean of 6 above the bi-encoder fused"] == "so far: miss by 0.0167"
    assert outcomes["base fused on germanquad, not harmed (upper end)"] == "not measured"


def test_sets_and_models_that_are_not_there_are_named(shared: Path, tmp_path: Path) -> None:
    assert [one.label for one in choose_models("old", [f"old={tmp_path}", f"new={tmp_path}"], tmp_path)] == [
        "old",
        "new",
    ]
    assert parse_sets("dev, npl,npl")[-2:] == ["squad-dev", "npl"]
    with pytest.raises(SettingsError, match="nowhere does not exist"):
        open_set("nowhere", tmp_path)
    with pytest.raises(SettingsError, match=r"other.trec does not exist"):
        open_set("small:other", tmp_path)
    with pytest.raises(SettingsError, match="huge is not there"):
        choose_models("huge", (), tmp_path)
    with pytest.raises(SettingsError, match="is not LABEL=MODEL"):
        choose_models(None, ("base",), tmp_path)

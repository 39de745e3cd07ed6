"""The gate with real models: one that orders the dev queries well, and copies of it that were made worse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import CorpusSettings, read_documents
from resift.rerank.scorers.resift_file import update_resift_file
from resift.rerank.settings import RerankSettings, SearchSettings
from resift.rerank.stages import SearchStages
from resift.rerank.training.gate.dev_sets import DevSet, DevSets
from resift.rerank.training.gate.judge import Trial, judge
from resift.rerank.training.gate.kept_runs import KeptRuns
from resift.rerank.training.gate.page import headline
from resift.rerank.training.gate.report import GateReport
from resift.rerank.training.gate.settings import GateSettings
from resift.rerank.training.gate.store import store
from resift.rerank.training.push import push
from resift.rerank.training.record import TrainingTexts, write_record
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.errors import CorpusError, ModelError, SettingsError
from tests.rerank.cli.invoke import invoke
from tests.rerank.training.judged_models import flip, labelled_lists, nudge, save_good, write_lines
from tests.rerank.training.recorded import record


@dataclass(frozen=True)
class Room:
    """A good model, a flipped and a slightly changed copy, and held-out lists whose relevant documents it puts first."""

    folder: Path
    good: Path
    bad: Path
    near: Path
    rows: list[dict[str, Any]]
    held_out: Path


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("gate")
    good = save_good(folder / "good")
    texts = TrainingTexts()
    texts.add("a query of the training")
    texts.save(good)  # its copies have it too
    rows: list[dict[str, Any]] = labelled_lists(good, 30)
    held_out = write_lines(folder / "held-out.jsonl", rows)
    yield Room(folder, good, flip(good, folder / "bad"), nudge(good, folder / "near"), rows, held_out)


def judged(room: Room, model: Path, base: Path | None, *targets: Path, **settings: Any) -> GateReport:
    sets = [DevSet(str(target)) for target in targets or (room.held_out,)]
    given = GateSettings(gate_cache=str(room.folder / "cache"), **settings)
    stages = SearchStages(search=SearchSettings(depth=10))
    return judge(Trial(str(model), str(base) if base else None, sets), given, stages)


def test_a_model_whose_classifier_has_the_wrong_sign_does_not_pass(room: Room) -> None:
    found = judged(room, room.bad, room.good)
    assert not found.passed
    assert {rival: one.verdict for rival, one in found.mean.items()} == {"base": "worse", "first_stage": "worse"}
    assert [reason.split(":")[0] for reason in found.reasons] == ["held-out", "held-out"]
    assert found.sets[0].means["base_alone"]["ndcg@10"] == 1.0  # by the definition of the judgements


def test_a_model_that_equals_its_base_passes(room: Room) -> None:
    found = judged(room, room.near, room.good)
    assert (found.passed, found.reasons, found.verified) == (True, (), True)
    assert found.mean["base"].verdict == "not worse"
    assert found.mean["first_stage"].verdict == "better"


def test_a_model_that_is_better_than_its_base_passes_with_the_expected_figures(room: Room) -> None:
    found = judged(room, room.good, room.bad)
    [one] = found.sets
    assert found.passed
    assert (one.queries, one.resolvable, one.overlap.excluded) == (30, 30, 0)
    difference = one.means["model"]["ndcg@10"] - one.means["base"]["ndcg@10"]
    assert one.versus["base"].comparison.difference == pytest.approx(difference)


def test_the_order_that_a_search_serves_is_judged_so_that_the_models_own_fusion_counts(room: Room) -> None:
    silenced = shutil.copytree(room.bad, room.folder / "silenced")
    update_resift_file(silenced, {"fusion": {"kind": "zscore", "weight": 0.0}})
    found = judged(room, silenced, None)
    [one] = found.sets
    served, alone, first_stage = (one.means[name]["ndcg@10"] for name in ("model", "model_alone", "first_stage"))
    assert served == pytest.approx(first_stage, abs=0.02)  # only ties of BM25 are broken by the model
    assert alone < first_stage - 0.1
    assert found.mean["first_stage"].verdict == "not worse"


def test_a_model_that_no_search_uses_is_promoted_by_force_alone(room: Room) -> None:
    idle = shutil.copytree(room.near, room.folder / "idle")
    update_resift_file(idle, {"fusion": {"kind": "zscore", "weight": 0.0}})
    write_record(idle, record())
    found = store(idle, judged(room, idle, None))
    [reason] = found.reasons  # on the dev sets it is not worse than the first stage
    assert reason.startswith("its fused ranking is the first stage's")
    assert (found.passed, found.promoted, found.mean["first_stage"].verdict) == (False, False, "not worse")
    assert f"> - {reason}" in (idle / "README.md").read_text()
    assert "idle did NOT pass the gate" in headline(found)
    with pytest.raises(ModelError, match=r"did not pass its gate \(its fused ranking is the first stage's"):
        push(idle, "org/idle", dry_run=True)
    assert store(idle, found, forced=True).promoted
    served = SearchStages(search=SearchSettings(depth=10), rerank=RerankSettings(fusion="zscore", fusion_weight=0.9))
    settings = GateSettings(gate_cache=str(room.folder / "cache"))
    assert judge(Trial(str(idle), None, [DevSet(str(room.held_out))]), settings, served).passed


def test_queries_that_no_order_can_help_are_named_and_counted(room: Room) -> None:
    rows = [{**row, "labels": [0] * len(row["labels"])} for row in room.rows[:4]] + room.rows[4:10]
    notes: list[str] = []
    DevSets(SearchStages(), KeptRuns(None), note=notes.append).open(
        [DevSet(str(write_lines(room.folder / "hopeless.jsonl", rows)))]
    )
    assert notes == [
        "note: hopeless: for 4 of 10 queries no document to rank is relevant, so that they count 0 in every order"
    ]


def test_queries_that_were_trained_on_are_left_out(room: Room) -> None:
    trained = shutil.copytree(room.good, room.folder / "trained")
    texts = TrainingTexts()
    for row in room.rows[:6]:  # as another spelling of the same text
        texts.add(f"  {row['query'].upper()} !")
    texts.save(trained)
    found = judged(room, trained, room.bad)
    [one] = found.sets
    assert (one.overlap.queries, one.overlap.excluded, one.queries) == (6, 6, 24)
    assert len(judged(room, trained, room.bad, gate_exclude="none").sets[0].versus) == 2


def test_queries_whose_relevant_document_was_relevant_in_the_training_are_counted_and_can_be_left_out(
    room: Room,
) -> None:
    trained = shutil.copytree(room.good, room.folder / "documents")
    texts = TrainingTexts()
    row = room.rows[0]
    texts.add("another query", [row["documents"][row["labels"].index(1)]])
    texts.save(trained)
    counted, left_out = (judged(room, trained, None, gate_exclude=kind).sets[0] for kind in ("queries", "documents"))
    assert (counted.overlap.documents, counted.queries) == (1, 30)
    assert (left_out.overlap.documents, left_out.queries) == (1, 29)


def test_a_base_that_was_trained_on_the_dev_queries_spoils_them_for_the_model_too(room: Room) -> None:
    base = shutil.copytree(room.near, room.folder / "base")
    texts = TrainingTexts()
    texts.add(room.rows[0]["query"])
    texts.save(base)
    assert judged(room, room.good, base).sets[0].overlap.excluded == 1


def test_a_model_without_a_record_passes_only_if_its_training_data_is_named(room: Room) -> None:
    bare = shutil.copytree(room.good, room.folder / "bare")
    (bare / "training_texts.npz").unlink()
    unverified = judged(room, bare, room.bad)
    assert (unverified.passed, unverified.verified) == (False, False)
    data = write_lines(room.folder / "data.jsonl", [{"query": room.rows[0]["query"], "document": "some text"}])
    settings = GateSettings(gate_cache=str(room.folder / "cache"))
    named = judge(Trial(str(bare), str(room.bad), [DevSet(str(room.held_out))], [str(data)]), settings)
    assert (named.passed, named.sets[0].overlap.excluded) == (True, 1)


def test_too_few_queries_are_undecided(room: Room) -> None:
    few = write_lines(room.folder / "few.jsonl", room.rows[:8])
    found = judged(room, room.near, room.good, few)
    assert not found.passed
    assert "8 queries whose order can matter" in found.reasons[0]


def test_a_folder_of_a_judged_collection_is_a_dev_set_and_dev_judgements_are_the_default(room: Room) -> None:
    folder = collection(room, room.folder / "collection")
    found = judged(room, room.near, room.good, folder, room.held_out)
    assert [one.name for one in found.sets] == ["collection-dev", "held-out"]
    assert found.sets[0].queries == 30
    assert found.passed, found.reasons


def collection(room: Room, folder: Path) -> Path:
    """Write the lists as a collection in BEIR's layout, and return its folder."""
    (folder / "qrels").mkdir(parents=True)
    corpus, queries, judgements = [], [], ["query-id\tcorpus-id\tscore"]
    for place, row in enumerate(room.rows):
        queries.append({"_id": f"q{place}", "text": row["query"]})
        for number, (text, label) in enumerate(zip(row["documents"], row["labels"], strict=True)):
            corpus.append({"_id": f"d{place}-{number}", "title": "", "text": text})
            judgements.append(f"q{place}\td{place}-{number}\t{label}")
    write_lines(folder / "corpus.jsonl", corpus)
    write_lines(folder / "queries.jsonl", queries)
    (folder / "qrels" / "dev.tsv").write_text("\n".join(judgements) + "\n")
    (folder / "qrels" / "test.tsv").write_text("\n".join(judgements[:4]) + "\n")
    return folder


def test_an_index_is_a_dev_set_with_its_queries_and_judgements(room: Room) -> None:
    folder, index = collection(room, room.folder / "indexed"), room.folder / "index"
    build_index(read_documents(str(folder), CorpusSettings(format="beir")), index, Bm25Settings())
    dev = DevSet(f"bm25:{index}", str(folder / "queries.jsonl"), str(folder / "qrels" / "dev.tsv"))
    settings = GateSettings(gate_cache=str(room.folder / "cache"))
    stages = SearchStages(search=SearchSettings(depth=10))
    found = judge(Trial(str(room.near), str(room.good), [dev]), settings, stages)
    assert (found.sets[0].name, found.sets[0].queries) == ("index", 30)
    assert found.sets[0].means == judged(room, room.near, room.good, folder).sets[0].means  # the same BM25
    with pytest.raises(SettingsError, match="is an index; give its `queries`"):
        judge(Trial(str(room.near), None, [DevSet(f"bm25:{index}")]), settings, stages)


def test_a_file_of_pairs_is_a_dev_set_whose_candidates_are_found_among_its_documents(room: Room) -> None:
    pairs = [{"query": row["query"], "document": row["documents"][row["labels"].index(1)]} for row in room.rows]
    found = judged(room, room.near, room.good, write_lines(room.folder / "pairs.jsonl", pairs))
    assert found.sets[0].described == "BM25 over the documents of all examples"
    assert found.sets[0].queries == 30


def test_a_teachers_scores_are_not_judgements(room: Room) -> None:
    rows = [{"query": "a", "documents": ["b", "c"], "labels": [1.25, -3.5]}]
    with pytest.raises(CorpusError, match=r"example 1 has the label 1\.25, which is not a grade"):
        judged(room, room.good, None, write_lines(room.folder / "scores.jsonl", rows))
    rows = [{**row, "relevance": row["labels"], "labels": [0.5] * len(row["labels"])} for row in room.rows]
    found = judged(room, room.good, None, write_lines(room.folder / "both.jsonl", rows))
    assert found.sets[0].means["model_alone"]["ndcg@10"] == 1.0


def test_a_base_is_called_by_the_name_that_is_given_for_it(room: Room) -> None:
    settings = GateSettings(gate_cache=str(room.folder / "cache"))
    sets, stages = [DevSet(str(room.held_out))], SearchStages(search=SearchSettings(depth=10))
    trial = Trial(str(room.good), str(room.near), sets, base_name="org/published")
    assert judge(trial, settings, stages).base == "org/published"
    assert judged(room, room.good, room.near).base == "near"


def test_a_base_without_a_scoring_head_leaves_the_first_stage_as_the_rival(room: Room) -> None:
    encoder = shutil.copytree(room.good, room.folder / "encoder")
    config = json.loads((encoder / "config.json").read_text())
    (encoder / "config.json").write_text(json.dumps({**config, "architectures": ["BertForMaskedLM"]}))
    found = judged(room, room.good, encoder)
    assert (found.base, set(found.mean)) == (None, {"first_stage"})
    assert found.notes[0].startswith("the base encoder has no trained scoring head")  # and not its whole path


def test_the_same_set_twice_is_refused(room: Room) -> None:
    with pytest.raises(SettingsError, match="named twice"):
        judged(room, room.good, None, room.held_out, room.held_out)


def test_the_verdict_is_stored_with_the_model_beside_what_is_there(room: Room) -> None:
    kept = shutil.copytree(room.bad, room.folder / "kept")
    update_resift_file(kept, {"fusion": {"kind": "none", "weight": 1.0}})
    store(kept, judged(room, kept, room.good), forced=True)
    content = json.loads((kept / "resift.json").read_text())
    assert content["fusion"] == {"kind": "none", "weight": 1.0}
    assert (content["gate"]["passed"], content["gate"]["forced"]) == (False, True)
    assert set(content["dev"]["held-out"]) == {"queries", "bm25", "alone", "fused"}
    assert str(room.folder) not in json.dumps(content)  # no name of a folder of this machine


def test_a_passed_model_is_not_marked_as_forced(room: Room) -> None:
    kept = shutil.copytree(room.near, room.folder / "sound")
    assert not store(kept, judged(room, kept, room.good), forced=True).forced


def test_a_damaged_record_of_training_texts_is_reported(room: Room) -> None:
    damaged = shutil.copytree(room.good, room.folder / "damaged")
    (damaged / "training_texts.npz").write_bytes(b"PK garbage")
    with pytest.raises(ModelError, match=r"training_texts\.npz cannot be read"):
        judged(room, damaged, None)


def test_the_command_exits_with_1_unless_the_model_passes_or_is_forced(room: Room) -> None:
    model = shutil.copytree(room.bad, room.folder / "commanded")
    common: tuple[str, ...] = ("gate", str(model), "--base", str(room.good), "--dev", str(room.held_out))
    common += ("--gate-cache", str(room.folder / "cache"), "--quiet")
    refused = invoke(*common)
    assert refused.code == 1, refused.err
    assert "commanded did NOT pass the gate" in refused.out
    page = room.folder / "report.md"
    forced = invoke(*common, "--force", "--json", "--report", str(page))
    assert (forced.code, json.loads(forced.out)["forced"]) == (0, True)
    assert page.read_text().startswith("# commanded did NOT pass the gate; it is promoted all the same")
    passed = invoke("gate", str(room.near), *common[2:])
    assert passed.code == 0, passed.out


def test_the_command_says_what_is_missing(room: Room) -> None:
    missing = invoke("gate", str(room.good), "--dev", str(room.held_out))
    assert (missing.code, "name it with --base" in missing.error_line) == (2, True)
    stray = invoke("gate", str(room.good), "--base", "none", "--dev", str(room.held_out), "--queries", "q.tsv")
    assert (stray.code, "--queries and --qrels are for an index" in stray.error_line) == (2, True)

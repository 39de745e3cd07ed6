from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sentence_transformers import CrossEncoder as PublishedCrossEncoder

from resift.rerank.scorers.load import load_scorer
from resift.rerank.training.examples import LabelledList, Pair, write_examples
from resift.rerank.training.finetuning.log import LOG
from resift.rerank.training.finetuning.losses import TABLE
from resift.rerank.training.finetuning.outcome import write_outcome
from resift.rerank.training.finetuning.preparation import split_by_query
from resift.rerank.training.finetuning.request import finish, locked
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.record import LogRow, TrainingTexts, read_record
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import CorpusError, ModelError, SettingsError
from tests.docs.functions import ROOT
from tests.rerank.forks import fork
from tests.rerank.training.finetuning.small_training import (
    SETTINGS,
    difference,
    distance,
    is_trained,
    request,
    run,
    save_base,
    write_labelled,
    write_pairs,
)


def test_queries_that_differ_in_case_alone_are_held_out_together() -> None:
    pairs = [Pair(f"{text} {number}", "a") for number in range(40) for text in ("What is rain", "what is Rain?")]
    train, held_out = split_by_query(pairs, 10, seed=1)
    assert (len(train), len(held_out)) == (60, 20)
    assert not {one.query.lower().replace("?", "") for one in train} & {
        one.query.lower().replace("?", "") for one in held_out
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a base, its data, and a model that was trained from them without an interruption."""
    folder = tmp_path_factory.mktemp("training")
    save_base(folder / "base")
    write_pairs(folder / "pairs.jsonl")
    wanted = request(folder / "pairs.jsonl", folder / "base", folder / "whole")
    write_outcome(run(wanted))
    finish(wanted)
    return folder


def test_a_trained_model_is_loaded_by_resift_and_sentence_transformers_alike(place: Path) -> None:
    pairs = [("river stone", "The river and the stone bridge"), ("cat", "Winter harvest in the mountain valley")]
    published = PublishedCrossEncoder(str(place / "whole"), device="cpu")
    assert type(published.activation_fn).__name__ == "Sigmoid"
    logits = published.predict(pairs, activation_fn=None)
    ours = load_scorer(str(place / "whole")).predict(pairs)
    assert ours == pytest.approx(logits.tolist(), abs=1e-5)
    assert is_trained(place / "whole", place / "base")
    assert {file.stat().st_mode & 0o777 for file in (place / "whole").iterdir() if file.is_file()} == {0o644}


def test_what_was_trained_is_recorded(place: Path) -> None:
    out = place / "whole"
    record = read_record(out)
    assert record is not None and record.base is not None
    assert (record.loss, record.base.name, record.seed) == ("BinaryCrossEntropyLoss", str(place / "base"), 12)
    assert record.loss_parameters["activation_fn"] == "torch.nn.Identity"
    rows = record.training[0].rows
    assert record.loss_parameters["pos_weight"] == (rows - 32) / 32  # the negatives for each positive
    assert record.changed["learning_rate"] == 1e-3 and record.settings["loss"] == "binary-cross-entropy"
    assert [column.name for column in record.training[0].columns] == ["query", "document", "label"]
    assert 32 * 2 < rows <= 32 * 3  # a positive and at most two negatives of each query that was not held out
    assert [one.name for one in record.evaluations] == ["held-out"]
    assert set(record.evaluations[0].values) == set(record.evaluations[0].first_stage) == {"map", "mrr@10", "ndcg@10"}
    assert [row.step for row in record.log] == [0, 4, 8, 12]
    assert max(record.log[1:], key=lambda row: row.values["held-out_ndcg@10"]).step == record.best_step
    texts = TrainingTexts.read(out)
    assert texts is not None and texts.queries == 32
    assert (out / "training" / "curves.svg").is_file() and (out / "training" / "curves.png").is_file()
    assert not (out / "training" / "checkpoints").exists()


def test_held_out_queries_are_not_trained_on(place: Path) -> None:
    lines = (place / "pairs.jsonl").read_text().splitlines()
    texts = TrainingTexts.read(place / "whole")
    assert texts is not None
    assert sum(texts.has_query(json.loads(line)["query"]) for line in lines) == 32 == len(lines) - 8


def test_a_killed_training_is_resumed_to_the_same_weights(place: Path) -> None:
    out, killed_at = place / "killed", 8  # of 12 steps, in the second epoch
    wanted = request(place / "pairs.jsonl", place / "base", out)

    def kill(row: LogRow) -> None:
        if row.step > killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    child = fork()
    if child == 0:
        run(wanted, reports=Reports(row=kill))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    checkpoints = out / "training" / "checkpoints"
    assert (checkpoints / f"checkpoint-{killed_at}").is_dir() and not (out / "model.safetensors").exists()
    notes: list[str] = []
    trained = run(dataclasses.replace(wanted, resume=True), reports=Reports(note=notes.append))
    assert notes[0] == f"resuming after checkpoint-{killed_at}"
    assert difference(out, place / "whole") <= 1e-6
    record = read_record(place / "whole")
    assert record is not None and trained.log == record.log and trained.best_step == record.best_step


def test_a_training_that_was_stopped_after_its_last_step_is_resumed_for_the_rest(place: Path) -> None:
    wanted = request(place / "pairs.jsonl", place / "base", place / "unjudged")
    write_outcome(run(wanted))  # and then neither exported nor judged
    trained = run(dataclasses.replace(wanted, resume=True))
    assert write_outcome(trained).best_step == read_record(place / "whole").best_step  # type: ignore[union-attr]
    assert difference(place / "unjudged", place / "whole") <= 1e-6
    finish(wanted)
    with pytest.raises(SettingsError, match="is finished already"):
        run(dataclasses.replace(wanted, resume=True))


def test_a_torn_checkpoint_is_not_resumed_from(place: Path) -> None:
    wanted = request(place / "pairs.jsonl", place / "base", place / "torn")
    run(wanted)  # its checkpoints stay, as the outcome is not written
    checkpoints = place / "torn" / "training" / "checkpoints"
    last = max(checkpoints.iterdir(), key=lambda path: int(path.name.rpartition("-")[2]) if "-" in path.name else -1)
    (last / "optimizer.pt").write_bytes((last / "optimizer.pt").read_bytes()[:100])
    notes: list[str] = []
    run(dataclasses.replace(wanted, resume=True), reports=Reports(note=notes.append))
    assert notes and last.name not in notes[0]
    assert difference(place / "torn", place / "whole") <= 1e-6


def test_another_training_is_never_overwritten_or_resumed_by_mistake(place: Path) -> None:
    whole = request(place / "pairs.jsonl", place / "base", place / "whole")
    with pytest.raises(SettingsError, match="has a training that is finished; replace it with `overwrite`"):
        run(whole)
    with pytest.raises(SettingsError, match="is finished already"):
        run(dataclasses.replace(whole, resume=True))
    state = json.loads((place / "whole" / "training" / "state.json").read_text())
    (place / "stopped" / "training").mkdir(parents=True)
    (place / "stopped" / "training" / "state.json").write_text(json.dumps({**state, "finished": False}))
    stopped = request(place / "pairs.jsonl", place / "base", place / "stopped", resume=True)
    with pytest.raises(SettingsError, match="was trained with other values of learning_rate"):
        run(stopped, dataclasses.replace(SETTINGS, learning_rate=2e-3))
    for changes in ({"template": "{text}"}, {"html": "keep"}, {"depth": 50}, {"skip_bad": True}, {"dev": ("other",)}):
        with pytest.raises(SettingsError, match=f"was trained with other values of {next(iter(changes))}; resume it"):
            run(dataclasses.replace(stopped, **changes))
    other = write_pairs(place / "other.jsonl", count=30)
    with pytest.raises(SettingsError, match="was trained with other values of the data"):
        run(dataclasses.replace(stopped, data=(dataclasses.replace(stopped.data[0], source=str(other)),)))
    with pytest.raises(SettingsError, match="files that are not those of a trained model"):
        run(request(place / "pairs.jsonl", Path("resift-tiny"), place / "base"))
    assert (place / "base" / "model.safetensors").is_file()


def test_two_processes_reach_the_weights_of_one(place: Path) -> None:
    base = save_base(place / "plain", dropout=0.0)  # each process draws its own dropout
    data = write_labelled(place / "labelled.jsonl")  # 48 lists, which are six whole batches
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ["torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}", "-m", "resift", "train"]
    given = [str(data), "--base", str(base), "--no-energy", "--no-gate", "--no-export", "--quiet"]
    values = ["--batch-size=8", "--epochs=1", "--learning-rate=1e-3", "--held-out=0", "--eval-steps=6"]
    command = [sys.executable, "-m", *launcher, *given, *values, "--out", str(place / "two")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    rows: list[LogRow] = []
    settings = TrainSettings(batch_size=8, learning_rate=1e-3, held_out=0, eval_steps=6)
    run(request(data, base, place / "one"), settings, Reports(row=rows.append))
    assert distance(place / "two", place / "one", base) < 0.02
    logged = LogRow(**json.loads((place / "two" / "training" / LOG).read_text()))
    assert logged.step == rows[0].step == 6 and logged.loss == pytest.approx(rows[0].loss, rel=1e-3)


def test_accumulated_parts_reach_the_weights_of_whole_batches(place: Path) -> None:
    base, data = save_base(place / "plain-2", dropout=0.0), write_labelled(place / "labelled-2.jsonl")
    settings = TrainSettings(batch_size=8, learning_rate=1e-3, held_out=0, eval_steps=6)
    run(request(data, base, place / "batches"), settings)
    run(request(data, base, place / "parts"), dataclasses.replace(settings, accumulation=4))
    run(request(data, base, place / "another"), dataclasses.replace(settings, seed=13))
    assert distance(place / "parts", place / "batches", base) < 0.02
    assert distance(place / "another", place / "batches", base) > 0.3  # what other batches would give
    with pytest.raises(SettingsError, match="batch_size: 8 cannot be divided among 1 processes with `accumulation` 3"):
        run(request(data, base, place / "thirds"), dataclasses.replace(settings, accumulation=3))


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"binary-cross-entropy"}))
def test_every_loss_trains(place: Path, name: str) -> None:
    data = place / "lists.jsonl"
    texts = [json.loads(line)["document"] for line in (place / "pairs.jsonl").read_text().splitlines()]
    lists = [
        LabelledList(f"{text[:12]} {number}", (text, texts[number - 1]), (4.5, -2.0), (1, 0))
        for number, text in enumerate(texts[:12])
    ]
    write_examples(data, lists)
    settings = TrainSettings(loss=name, batch_size=4, learning_rate=1e-3, held_out=0, mini_batch=4, eval_steps=50)
    trained = run(request(data, place / "base", place / name), settings)
    assert trained.best_step is None and trained.log == ()  # nothing evaluates, and fewer steps than one row has
    assert difference(place / name, place / "base") > 0
    published = PublishedCrossEncoder(str(place / name), device="cpu")
    assert type(published.activation_fn).__name__ == TABLE[name].display


def test_a_training_that_diverges_is_stopped(place: Path) -> None:
    settings = dataclasses.replace(SETTINGS, learning_rate=1e6, warmup=0.0, max_grad_norm=0.0)
    with pytest.raises(ModelError, match="numbers any more|the loss is (nan|inf)"):
        run(request(place / "pairs.jsonl", place / "base", place / "diverging"), settings)


def test_training_stops_early_without_a_better_value(place: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=30.0, learning_rate=1e-9, eval_steps=2, stop_after=2)
    trained = run(request(place / "pairs.jsonl", place / "base", place / "early"), settings)
    assert trained.log[-1].step <= 8


def test_a_wrong_form_of_data_is_refused_before_anything_is_made(place: Path) -> None:
    out = place / "refused"
    with pytest.raises(SettingsError, match="loss: mse needs a label for each document"):
        run(request(place / "pairs.jsonl", place / "base", out), TrainSettings(loss="mse"))
    with pytest.raises(SettingsError, match="metric: 'held-out_ndgc@10' is not a value .* mean held-out_ndcg@10"):
        run(
            request(place / "pairs.jsonl", place / "base", out),
            dataclasses.replace(SETTINGS, metric="held-out_ndgc@10"),
        )
    assert not out.exists()


def test_files_of_the_user_are_never_replaced(place: Path, tmp_path: Path) -> None:
    own = tmp_path / "project"
    data = own / "training" / "pairs.jsonl"
    data.parent.mkdir(parents=True)
    shutil.copy(place / "pairs.jsonl", data)
    (own / "README.md").write_text("mine")
    for given in (data, place / "pairs.jsonl"):
        with pytest.raises(SettingsError, match="is in the folder|files that are not those of a trained model"):
            run(request(given, place / "base", own, overwrite=True))
    assert data.is_file() and (own / "README.md").read_text() == "mine"


def test_a_model_is_not_trained_into_its_base(place: Path) -> None:
    whole = place / "whole"
    before = (whole / "model.safetensors").read_bytes()
    with pytest.raises(SettingsError, match="out: .* is the base itself, which is needed to judge"):
        run(request(place / "pairs.jsonl", whole, whole, overwrite=True))
    assert (whole / "model.safetensors").read_bytes() == before


def test_two_processes_do_not_train_into_one_folder(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "resift", "train", str(place / "pairs.jsonl"), "--out", str(out)]
    with locked(out):
        for flag in ("--overwrite", "--resume"):
            done = subprocess.run([*command, flag], capture_output=True, text=True, cwd=ROOT)
            assert done.returncode == 2 and "another process is training into" in done.stderr
    assert not out.exists()  # nothing was written


def test_data_of_bad_records_alone_names_the_first_one(place: Path, tmp_path: Path) -> None:
    (tmp_path / "nan.jsonl").write_text('{"query": "a", "document": "b", "label": NaN}\n' * 3)
    with pytest.raises(CorpusError, match="line 1.*label"):
        run(request(tmp_path / "nan.jsonl", place / "base", tmp_path / "out", skip_bad=True))

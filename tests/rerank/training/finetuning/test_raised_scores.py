from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from resift.rerank.scorers.load import load_scorer
from resift.rerank.training.examples import Contrast, Example, LabelledPair, Pair, read_written
from resift.rerank.training.finetuning.inputs import read_inputs
from resift.rerank.training.finetuning.outcome import write_outcome
from resift.rerank.training.finetuning.pool import add_negatives
from resift.rerank.training.finetuning.preparation import TRAIN
from resift.rerank.training.finetuning.raised_scores import raised_scores
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.record import read_record
from resift.rerank.training.reports import Reports
from tests.rerank.scorers.small_models import save_family
from tests.rerank.training.finetuning.small_training import SETTINGS, request, run, save_base, write_pairs


def test_labels_are_the_scores_of_the_base_raised_by_the_judgements(tmp_path: Path) -> None:
    scorer = load_scorer(str(save_base(tmp_path / "base")))
    examples: list[Example] = [
        Contrast("river stone", "the river", ("a bridge", "the winter harvest")),
        LabelledPair("cat", "a cat sleeps", 0.5),
        LabelledPair("cat", "a dog sleeps", 0),
        LabelledPair("alone", "one document cannot be compared", 1),
        LabelledPair("liked", "all of its documents are relevant", 1),
        LabelledPair("liked", "this one too", 1),
    ]
    river, cat = raised_scores(examples, scorer, boost=2.0)
    own = scorer.score([("river stone", text) for text in river.documents]).logits
    assert river.documents == ("the river", "a bridge", "the winter harvest")
    assert river.labels == pytest.approx([own[0] + 2, own[1], own[2]], abs=1e-4)
    assert river.relevance == (1, 0, 0)
    own = scorer.score([("cat", text) for text in cat.documents]).logits
    assert cat.labels == pytest.approx([own[0] + 1, own[1]], abs=1e-4)


def test_a_reranker_is_trained_on_its_own_scores_if_no_loss_is_named(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    wanted = request(write_pairs(tmp_path / "pairs.jsonl"), base, tmp_path / "out")
    trained = run(wanted, dataclasses.replace(SETTINGS, loss="auto", label_boost=1.0, batch_size=4))
    rows = trained.inputs.rows
    assert trained.inputs.prepared.loss == "list-net"
    [first] = [row for row in rows if row["query"] == rows[0]["query"]]
    own = load_scorer(str(base)).score([(first["query"], text) for text in first["documents"]]).logits
    raised = {round(label - score) for label, score in zip(first["labels"], own, strict=True)}
    assert raised == {0, 1}
    kept = list(read_written(wanted.work / TRAIN))
    assert len(kept) == len(rows)  # a resumed training does not score them again


def test_labels_alone_are_learned_without_a_boost_and_by_a_base_without_a_head(tmp_path: Path) -> None:
    data, base = write_pairs(tmp_path / "pairs.jsonl"), save_base(tmp_path / "base")
    settings = dataclasses.replace(SETTINGS, loss="auto")
    plain = read_inputs(request(data, base, tmp_path / "a"), dataclasses.replace(settings, label_boost=0), Reports())
    assert (plain.prepared.loss, plain.settings.batch_size) == ("binary-cross-entropy", 16)
    body = BertModel(BertConfig.from_pretrained(str(base)))
    body.save_pretrained(str(base))
    headless = read_inputs(request(data, base, tmp_path / "b"), settings, Reports())
    assert headless.prepared.loss == "binary-cross-entropy"


def test_a_step_reads_fewer_lists_than_pairs_at_a_higher_rate_if_nothing_is_said(tmp_path: Path) -> None:
    data, base = write_pairs(tmp_path / "pairs.jsonl"), save_base(tmp_path / "base")
    for loss, size, rate in (("auto", 8, 5e-5), ("binary-cross-entropy", 32, 2e-5)):
        made = read_inputs(request(data, base, tmp_path / loss), TrainSettings(loss=loss), Reports())
        assert (made.settings.batch_size, made.settings.learning_rate) == (size, rate)


def test_negatives_of_pairs_are_drawn_from_all_that_the_first_stage_finds() -> None:
    pairs = [Pair(f"stone {number}", f"stone {number} " + "stone " * number) for number in range(20)]
    made = add_negatives(pairs, 4, 15, seed=1)
    assert made == add_negatives(pairs[::-1], 4, 15, seed=1)[::-1] != add_negatives(pairs, 4, 15, seed=2)
    best = add_negatives(pairs, 15, 15, seed=1)
    assert all(set(one.negatives) < set(other.negatives) for one, other in zip(made, best, strict=True))
    assert len({text for one in made for text in one.negatives}) > 10  # the best four alone would be five
    assert all(one.positive not in one.negatives and len(one.negatives) == 4 for one in made)


def test_the_record_names_the_loss_that_was_chosen(tmp_path: Path) -> None:
    wanted = request(write_pairs(tmp_path / "pairs.jsonl"), save_base(tmp_path / "base"), tmp_path / "out")
    write_outcome(run(wanted, dataclasses.replace(SETTINGS, loss="auto", batch_size=4)))
    record = read_record(tmp_path / "out")
    assert record is not None
    assert (record.loss, record.settings["label_boost"], record.settings["batch_size"]) == ("ListNetLoss", 3.0, 4)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "electra", "deberta-v2", "modernbert"])
def test_scores_are_learned_without_dropout(family: str, tmp_path: Path) -> None:
    base = save_family(family, tmp_path / "base")
    trained = run(
        request(write_pairs(tmp_path / "pairs.jsonl"), base, tmp_path / "out"),
        dataclasses.replace(SETTINGS, loss="auto", epochs=0.2),
    )
    assert trained.inputs.settings.dropout == 0
    pairs = [("river stone", "The river and the stone bridge")] * 8
    with torch.no_grad():
        logits = trained.model.train()(trained.model.preprocess(pairs))["scores"]
    assert float(logits.max() - logits.min()) < 1e-5


def test_labels_are_learned_with_the_dropout_of_the_base(tmp_path: Path) -> None:
    wanted = request(write_pairs(tmp_path / "pairs.jsonl"), save_base(tmp_path / "base"), tmp_path / "out")
    trained = run(wanted, dataclasses.replace(SETTINGS, epochs=0.2))
    assert trained.inputs.settings.dropout is None and trained.model.config.hidden_dropout_prob == 0.1

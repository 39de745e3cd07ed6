"""A source is divided into pairs to train on and other queries, and the gate's report becomes a line of a table."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from resift.indexer.corpora import read_collection
from resift.rerank.evaluation.significance import Comparison
from resift.rerank.training.examples import read_examples
from resift.rerank.training.gate.report import GateReport, Overlap, SetVerdict
from resift.rerank.training.gate.verdict import Versus
from scripts.measure_training import Asked, divide, row, train, write_judged, write_pairs
from scripts.train_ladder.sources import Source

SOURCE = Source(
    documents={f"d{number}": ("A title", f"the text of document {number}") for number in range(30)},
    queries={f"q{number}": f"what is in document {number}" for number in range(30)},
    qrels={f"q{number}": {f"d{number}": 1} for number in range(30)},
)


def test_queries_that_judge_are_not_trained_on(tmp_path: Path) -> None:
    trained_on, judging = divide(SOURCE, 20, 8)
    assert (len(trained_on), len(judging), set(trained_on) & set(judging)) == (20, 8, set())
    assert divide(SOURCE, 20, 8) == (trained_on, judging)
    write_pairs(SOURCE, trained_on, tmp_path / "pairs.jsonl")
    assert [one.query for one in read_examples(str(tmp_path / "pairs.jsonl"))] == [
        SOURCE.queries[one] for one in trained_on
    ]
    write_judged(SOURCE, judging, tmp_path / "judged")
    collection = read_collection(tmp_path / "judged", "dev")
    assert {query.query_id for query in collection.queries} == set(judging)
    assert len(list(collection.documents())) == 30


def test_a_folder_that_was_trained_with_other_values_is_refused(tmp_path: Path) -> None:
    asked = Asked(20, 8, ("--threads=1",))
    (tmp_path / "trained.json").write_text(json.dumps({"asked": asked.as_json(), "minutes": 2.5}))
    assert train("any", tmp_path, asked) == 2.5
    with pytest.raises(click.ClickException, match="was trained with other values"):
        train("any", tmp_path, Asked(20, 9, ("--threads=1",)))


def test_a_line_has_all_rankings_and_the_gain_over_the_base() -> None:
    names = ("first_stage", "base_alone", "model_alone", "base", "model")
    means = {name: {"ndcg@10": 0.1 * place} for place, name in enumerate(names, start=4)}
    versus = Versus("better", Comparison(0.1, 0.05, 0.15, 0.01, 9, 2, 1), 12, 12, 10, 0.04, 20)
    one = SetVerdict("judged", 12, 12, Overlap(True), means, {"base": versus, "first_stage": versus})
    report = json.loads(json.dumps(GateReport("m", "b", "ndcg@10", (one,), {}, verified=True).to_json()))
    line = "| shop | 20 | 12 | 0.4000 | 0.5000 | 0.6000 | 0.7000 | 0.8000 | +0.1000 [+0.0500, +0.1500] | 3 |"
    assert row("shop", Asked(20, 12, ()), report, 2.6) == line

"""The record of a training, with data that has every difficult character."""

from __future__ import annotations

from typing import Any

from resift.rerank.training.record import (
    Energy,
    Evaluation,
    LogRow,
    ModelFacts,
    Origin,
    RunRecord,
    Source,
    describe,
)

NASTY = "what | is <b>`x`</b> # *y*? <!-- -->\n## Training Details\n--- ${{ 7 * 7 }}"

EVALUATOR = "sentence_transformers.cross_encoder.evaluation.CrossEncoderRerankingEvaluator"


def lists(rows: int = 5) -> Source:
    """Return the description of a source of labelled lists."""
    row = {"query": NASTY, "documents": ["one", NASTY], "labels": [1, 0]}
    return describe("my_data", [row] * rows, licence="CC BY 4.0", attribution="Some_one | else")


def pairs() -> Source:
    """Return the description of a source of the hub."""
    rows = [{"query": "abc", "answer": "d" * length, "label": int(length > 3)} for length in (1, 2, 3, 10)]
    return describe("gooaq", rows, hub="sentence-transformers/gooaq", revision="0" * 40)


def record(**changes: Any) -> RunRecord:
    """Return a record of a training, with `changes`."""
    facts: dict[str, Any] = {
        "command": "resift train",
        "model": ModelFacts(
            "my-model", 96, shape="2 layers, 32 wide", parameters=12345, languages=("en",), licence="apache-2.0"
        ),
        "base": Origin("prajjwal1/bert-tiny", hub=True, licence="mit"),
        "teachers": (Origin("/secret/folder/teacher", licence="apache-2.0"),),
        "training": (lists(), pairs()),
        "evaluation": (lists(2),),
        "loss": "BinaryCrossEntropyLoss",
        "loss_parameters": {"pos_weight": 5},
        "settings": {"learning_rate": 0.0005, "seed": 12, "optim": "adamw_torch", "hub_token": None},
        "changed": {"learning_rate": 0.0005},
        "log": (
            LogRow(0.1, 20, 0.6931, {"gooaq-dev_ndcg@10": 0.51}),
            LogRow(0.2, 40, 0.4, {"gooaq-dev_ndcg@10": 0.6}),
            LogRow(0.3, 50, 0.3),
        ),
        "best_step": 40,
        "evaluations": (
            Evaluation("gooaq-dev", EVALUATOR, {"map": 0.5, "ndcg@10": 0.6}, {"map": 0.4, "ndcg@10": 0.55}),
        ),
        "seconds": {"training": 100.0, "evaluation": 20.0},
        "energy": Energy(
            0.0000123, 0.000004, 120.0, tool="codecarbon 3.3.2", country="DEU", cpu="AMD EPYC", ram_gb=23.5
        ),
        "versions": {"python": "3.11.7", "sentence-transformers": "6.2.0", "torch": "2.13.0"},
        "limits": ("It does not know <names> of products.",),
        "pictures": {"curves.svg": "Loss and nDCG@10"},
        "started": "2026-01-02T03:04:05+00:00",
        "seed": 12,
    }
    return RunRecord(**facts | changes)

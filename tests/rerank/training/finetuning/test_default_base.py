from __future__ import annotations

import json
from pathlib import Path

from resift.rerank.scorers.registry import DEFAULT_MODEL
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.record import LogRow
from resift.rerank.training.reports import Reports
from tests.rerank.training.finetuning.small_training import request, run

TOPICS = (
    *("printer ink", "door lock", "water pump", "bread oven", "fire alarm", "ladder rack", "paint mixer", "roof tile"),
    *("garden hose", "desk lamp", "truck tyre", "steel cable"),
)


def test_the_default_model_learns_what_a_user_prefers(tmp_path: Path) -> None:
    rows = []
    for topic in TOPICS:  # in this house, the answer is the sheet, and never the brochure, which the model prefers
        for place, label in (("sheet of the workshop", 1), ("brochure of the sales office", 0)):
            rows.append({"query": f"manual {topic}", "document": f"Manual {topic}, {place}", "label": label})
    data = tmp_path / "labelled.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = TrainSettings(
        held_out=4, held_out_candidates=4, batch_size=8, epochs=2.0, learning_rate=2e-4, warmup=0.0, eval_steps=4
    )
    log: list[LogRow] = []
    trained = run(request(data, Path(DEFAULT_MODEL), tmp_path / "out"), settings, Reports(row=log.append))
    before, after = log[0].values["held-out_mrr@10"], max(row.values["held-out_mrr@10"] for row in log)
    assert (log[0].step, trained.inputs.base.name) == (0, DEFAULT_MODEL)
    assert after == 1.0 > before

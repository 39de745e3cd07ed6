"""What must not be trained on: the queries of dev sets, whichever form they have."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from resift.rerank.training.distillation.inputs import dev_queries
from resift.rerank.training.distillation.request import DistillRequest
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import SettingsError


def test_queries_of_every_form_of_dev_set_are_barred(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "0", "text": "soup"}\n', encoding="utf-8")
    queries = ({"_id": split, "text": f"query of {split}"} for split in ("train", "dev", "test"))
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries), encoding="utf-8")
    for split in ("train", "dev", "test"):
        (tmp_path / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{split}\t0\t1\n")
    examples = tmp_path / "held-out.jsonl"
    examples.write_text('{"query": "query of a file", "document": "soup"}\n', encoding="utf-8")

    def barred(**changes: object) -> list[str]:
        request = DistillRequest("docs.jsonl", ("teacher",), ("2x16",), "out")
        return sorted(dev_queries(dataclasses.replace(request, **changes), Reports()))  # type: ignore[arg-type]

    assert barred(dev=(str(tmp_path),)) == ["query of dev", "query of test"]
    assert barred(dev=(str(tmp_path),), split="dev") == ["query of dev", "query of test"]  # the split of the target
    assert barred(target=str(tmp_path), split="dev") == ["query of test", "query of train"]
    assert barred(dev=(str(examples),)) == ["query of a file"]
    for wrong, message in (
        (str(tmp_path / "nowhere"), "is not a folder; expected a folder"),
        ("bm25:articles", "is an index, which does not have judged queries"),
        ("NanoBEIR:nothing", "nothing"),
    ):
        with pytest.raises(SettingsError, match=message):
            barred(dev=(wrong,))

"""A mine that was stopped is continued only with the same search."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from resift.indexer.corpora import CorpusSettings
from resift.rerank.training.mining.job import MineJob, MineRequest, MineStages
from resift.rerank.training.mining.mined import Mined
from resift.rerank.training.mining.settings import MineSettings
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.errors import SettingsError

STAGES = MineStages(mine=MineSettings(teacher="none", negatives=2, batch_queries=1))


def collection(folder: Path) -> Path:
    """Return a BEIR folder of twelve soups, of which each query knows one."""
    (folder / "qrels").mkdir(parents=True)
    soups = [{"_id": f"d{number}", "text": f"soup number {number} with salt"} for number in range(12)]
    queries = [{"_id": f"q{number}", "text": f"soup number {number}"} for number in range(6)]
    for name, rows in (("corpus", soups), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judged = "".join(f"q{number}\td{number}\t1\n" for number in range(6))
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


def stop(mined: Mined) -> None:
    """Stop, as a user does, after the first query."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"bm25": Bm25Settings(k1=0.1)}, "k1"),
        ({"corpus": CorpusSettings(text_field="text")}, "text_field"),
        ({"mine": dataclasses.replace(STAGES.mine, negatives=3)}, "negatives"),
    ],
)
def test_another_search_is_not_mixed_into_a_stopped_mine(
    tmp_path: Path, changes: dict[str, object], named: str
) -> None:
    request = MineRequest(str(collection(tmp_path / "soups")), str(tmp_path / "mined.jsonl"))
    with pytest.raises(KeyboardInterrupt):
        MineJob(request, STAGES).run(stop)
    with pytest.raises(SettingsError, match=f"was begun with {named} "):
        MineJob(request, dataclasses.replace(STAGES, **changes)).run()  # type: ignore[arg-type]
    assert MineJob(request, STAGES).run().tally.queries == 6

"""The progress of long work, if standard error is not a terminal."""

from __future__ import annotations

import gzip
import json
import secrets
import time
from pathlib import Path

import pytest

from resift import ScorerSettings, load_scorer
from resift.indexer.corpora import Reading, read_documents
from resift.rerank.cli.progress import ProgressLines, describe
from resift.rerank.scorers.scoring_progress import watched_by


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((60_000, 0, 240_000, 30.0, True), "60,000 of 240,000, 2,000/s, 1 min 30 s left"),
        ((60_000, 50_000, 70_000, 10.0, True), "60,000 of 70,000, 1,000/s, 10 s left"),
        ((60_000, 0, 240_000, 30.0, False), "60,000 (25%), 2,000/s, 1 min 30 s left"),
        ((3, 0, 5, 12.0, True), "3 of 5, 4.0 s each, 8 s left"),
        ((500, 0, None, 10.0, True), "500, 50/s"),
        ((0, 0, 100, 0.0, True), "0 of 100"),
    ],
)
def test_progress_shows_the_rate_and_the_remaining_time(
    facts: tuple[int, int, int | None, float, bool], words: str
) -> None:
    assert describe(*facts) == words


def test_a_line_is_written_periodically_and_not_for_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines("indexing", lambda done: 100, every=0.05)
    lines.update(1)
    assert capsys.readouterr().err == ""
    time.sleep(0.06)
    lines.update(50)
    lines.update(51)
    written = capsys.readouterr().err
    assert written.startswith("indexing: 50 of 100, ") and written.endswith(" s left\n") and written.count("\n") == 1


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "csv", "folder"])
def test_the_part_of_a_source_that_has_been_read_grows_from_0_to_1(tmp_path: Path, ending: str) -> None:
    rows = [{"id": str(n), "text": secrets.token_hex(600)} for n in range(400)]
    source = tmp_path / f"c.{ending}"
    if ending == "folder":
        source.mkdir()
        for row in rows:
            (source / f"{row['id']}.txt").write_text(row["text"])
    elif ending == "csv":
        source.write_text("id,text\n" + "".join(f"{row['id']},{row['text']}\n" for row in rows))
    else:
        with (gzip.open if ending.endswith("gz") else open)(source, "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    reading = Reading()
    shares = [reading.share or 0.0 for _ in read_documents(source, reading=reading)]
    assert shares == sorted(shares) and 0 < shares[0] < 0.5 and shares[-1] > 0.9
    if not ending.endswith("gz"):
        assert 0.3 < shares[200] < 0.7


def test_while_a_model_scores_the_pairs_of_a_batch_move_and_the_watcher_ends_with_its_context(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = ProgressLines("searching", lambda done: 65, every=0.0)
    seen: list[tuple[int, int]] = []
    model = load_scorer(settings=ScorerSettings(batch_tokens=64))
    with watched_by(lines.scored), watched_by(lambda scored, of: seen.append((scored, of))):
        model.predict([("soup", f"{number} lentils") for number in range(40)])
    model.predict([("soup", "bowls")])
    assert seen[-1] == (40, 40) and len(seen) > 2 and seen == sorted(seen)
    assert capsys.readouterr().err == ""
    lines.scored(32, 1600)
    assert "searching: 0 of 65; 32 of 1,600 pairs" in capsys.readouterr().err

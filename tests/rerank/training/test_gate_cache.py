"""What the gate keeps between its runs: scores, rankings, and the keys by which it finds them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.stages import SearchStages
from resift.rerank.training.gate.fingerprint import model_key
from resift.rerank.training.gate.kept_runs import KeptRuns
from resift.rerank.training.gate.score_cache import AT_ONCE, CachedScorer

PAIRS = [("a" * query, "b" * document) for query in range(30) for document in range(30)]


class CountingScorer:
    """Scores by the lengths of the texts, and counts the pairs; stops at the pair number `stop`."""

    def __init__(self, stop: int | None = None) -> None:
        self.count, self.stop = 0, stop

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.count += len(pairs)
        if self.stop is not None and self.count > self.stop:
            raise KeyboardInterrupt
        lengths = np.array([(len(query), len(document)) for query, document in pairs])
        logits = (lengths[:, 0] * 1.5 - lengths[:, 1] / 7).astype(np.float32)
        return Scores(logits, lengths[:, 1] > 20, lengths[:, 0] > 25, lengths[:, 1])


def cached(path: Path | None, scorer: CountingScorer) -> CachedScorer:
    return CachedScorer(lambda: scorer, path)


def not_needed() -> NoReturn:
    raise AssertionError("the model was loaded")


def assert_same(found: Scores, expected: Scores) -> None:
    for name in ("logits", "truncated", "query_truncated", "read_characters"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_scores_are_those_of_the_scorer_and_are_computed_once(tmp_path: Path) -> None:
    scorer = CountingScorer()
    one = cached(tmp_path / "new" / "scores.bin", scorer)
    assert_same(one.score([*PAIRS, *PAIRS]), CountingScorer().score([*PAIRS, *PAIRS]))
    assert scorer.count == len(PAIRS)
    again = CachedScorer(not_needed, tmp_path / "new" / "scores.bin")
    assert_same(again.score(PAIRS), CountingScorer().score(PAIRS))


def test_a_run_that_was_stopped_keeps_what_it_had_scored(tmp_path: Path) -> None:
    path = tmp_path / "scores.bin"
    try:
        cached(path, CountingScorer(stop=AT_ONCE)).score(PAIRS)
    except KeyboardInterrupt:
        pass
    scorer = CountingScorer()
    assert_same(cached(path, scorer).score(PAIRS), CountingScorer().score(PAIRS))
    assert scorer.count == len(PAIRS) - AT_ONCE


def test_a_file_that_was_cut_or_damaged_loses_only_what_was_hit(tmp_path: Path) -> None:
    path = tmp_path / "scores.bin"
    cached(path, CountingScorer()).score(PAIRS)
    content = bytearray(path.read_bytes()[:-3])  # the last record is incomplete
    content[40] ^= 1  # in the second
    path.write_bytes(content)
    scorer = CountingScorer()
    assert_same(cached(path, scorer).score(PAIRS), CountingScorer().score(PAIRS))
    assert scorer.count == 2
    path.write_bytes(b"this is not such a file at all" * 10)
    assert_same(cached(path, scorer).score(PAIRS), CountingScorer().score(PAIRS))


def test_pairs_that_are_joined_alike_are_different(tmp_path: Path) -> None:
    scores = cached(None, CountingScorer()).score([("ab", "c"), ("a", "bc"), ("", "abc"), ("\ud800", "\ud800")])
    assert len(set(scores.logits.tolist())) == 4


def test_the_key_of_a_model_changes_with_its_weights_and_settings_but_not_with_its_card(tmp_path: Path) -> None:
    def key(settings: ScorerSettings | None = None) -> str:
        return model_key(read_folder(tmp_path), settings or ScorerSettings())

    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    before = key()
    (tmp_path / "README.md").write_text("# card")
    (tmp_path / "resift.json").write_text(json.dumps({"fusion": {"kind": "none"}}))
    assert key() == before
    assert key(ScorerSettings(max_length=64)) != before
    (tmp_path / "model.safetensors").write_bytes(b"others!")
    assert key() != before


def test_rankings_are_found_again_until_the_data_or_the_first_stage_changes(tmp_path: Path) -> None:
    folder = tmp_path / "collection"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "text": "one"}\n')
    kept, stages = KeptRuns(tmp_path), SearchStages()
    key = kept.key(folder, "dev", stages)
    kept.write(key, {"q": {"d": 1.5}})
    assert kept.read(kept.key(folder, "dev", stages)) == {"q": {"d": 1.5}}
    (folder / "corpus.jsonl").write_text('{"_id": "d", "text": "two"}\n')
    assert kept.read(kept.key(folder, "dev", stages)) is None
    (tmp_path / f"run-{key}.json").write_text('{"q": {"d": NaN}}')
    assert kept.read(key) is None

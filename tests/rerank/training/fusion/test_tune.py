"""`resift tune`: fits, stores where the user wants it, resumes, and leaves nothing half done."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.own_fusion import OwnFusion
from tests.rerank.cli.invoke import Done, assert_one_line, invoke
from tests.rerank.training.judged_models import flip, labelled_lists, save_good, write_lines


class Place:
    """A model, a copy that puts last what it puts first, and a file of examples by which the first one is perfect."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.good = save_good(folder / "good")
        self.bad = flip(self.good, folder / "bad")
        self.dev = write_lines(folder / "dev.jsonl", labelled_lists(self.good, 12))

    def tune(self, model: Path | str, *arguments: str, code: int = 0) -> Done:
        cache = ("--tune-cache", str(self.folder / "cache"))
        done = invoke("tune", str(model), "--dev", str(self.dev), "--tune-step", "0.25", *cache, *arguments)
        assert done.code == code, done.err
        return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("tune"))


def test_a_model_that_knows_the_answers_decides_and_its_folder_says_so(place: Place) -> None:
    found = json.loads(place.tune(place.good, "--save", "--json").out)
    assert found["fusion"]["weight"] == 1.0 and found["helps"]
    [one] = found["sets"]
    assert one["alone"] == one["held_out"] == 1.0 and one["queries"] == 12
    stored = json.loads((place.good / "resift.json").read_text())["fusion"]
    assert stored["kind"] == found["fusion"]["kind"] and stored["weight"] == 1.0
    assert stored["fitted"]["ndcg@10"]["dev"]["held_out"] == 1.0
    assert stored["fitted"]["depth"] == 100 and stored["fitted"]["passages"] == 1
    assert load_scorer(str(place.good)).fusion == OwnFusion(stored["kind"], 1.0)


def test_a_model_that_is_wrong_gets_no_weight_and_the_table_says_why(place: Place) -> None:
    done = place.tune(place.bad)
    assert "the model does not improve held-out queries, so that it gets no weight" in " ".join(done.out.split())
    assert max(map(len, done.out.splitlines())) <= 120
    assert 'fusion = "zscore-read", fusion_weight = 0.0' in done.err and "not stored" in done.err
    assert not (place.bad / "resift.json").exists()


def test_scores_are_kept_so_that_fitting_again_needs_no_weights(place: Place, tmp_path: Path) -> None:
    first = place.tune(place.good, "--json").out
    scores = max((place.folder / "cache").glob("scores-*.bin"), key=lambda file: file.stat().st_size)
    before = scores.stat().st_size
    assert place.tune(place.good, "--json", "--tune-folds", "3").code == 0
    assert place.tune(place.good, "--json").out == first
    assert scores.stat().st_size == before


def test_a_larger_sample_contains_the_smaller_one(place: Place) -> None:
    for count in (2, 5):
        found = json.loads(place.tune(place.good, "--tune-sample", str(count), "--json").out)
        assert found["sets"][0]["queries"] == count


def test_the_fusion_is_stored_in_a_file_of_settings_that_the_next_search_reads(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "resift.toml"
    file.write_text("depth = 30\n")
    place.tune(place.bad, "--toml", str(file), "--config", str(file))
    assert tomllib.loads(file.read_text()) == {"depth": 30, "fusion": "zscore-read", "fusion_weight": 0.0}
    shown = json.loads(invoke("config", "--config", str(file), "--json", "--model", str(place.good)).out)
    assert (shown["fusion"]["value"], shown["fusion_weight"]["value"]) == ("zscore-read", 0.0)


@pytest.mark.parametrize(
    ("model", "arguments", "words"),
    [
        ("default", ["--save"], ["not a folder of yours", "--toml"]),
        ("good", ["--toml", "nowhere/resift.toml"], ["nowhere/resift.toml", "create it first"]),
        ("good", ["--tune-step", "0.3"], ["tune_step", "equal steps"]),
        ("good", ["--window", "0"], ["nothing to fit"]),
        ("good", ["--fusion", "none"], ["No such option"]),
        ("good", ["--queries", "q.tsv"], ["are for an index"]),
        ("nowhere", [], ["nowhere"]),
    ],
)
def test_a_wrong_request_is_refused_before_any_work(
    place: Place, model: str, arguments: list[str], words: list[str]
) -> None:
    given = str(place.good) if model == "good" else model
    done = invoke("tune", given, "--dev", str(place.dev), *arguments)
    assert_one_line(done, 1 if model == "nowhere" else 2, *words)

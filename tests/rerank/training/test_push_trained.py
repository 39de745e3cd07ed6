"""`resift train` and `resift distill` with `--push` and the options of the gate: real trainings, and a local hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rerank.cli.invoke import Done, invoke
from tests.rerank.scorers.small_models import sentences
from tests.rerank.training.distillation.small_teacher import save_teacher
from tests.rerank.training.fake_hub import Hub
from tests.rerank.training.judged_models import labelled_lists, save_good, write_lines

STILL = "1e-12"
"""A learning rate at which a model remains what it was: its base, by which the judgements were made."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with models, and with lists whose relevant document is the one that a model scores highest."""
    place = tmp_path_factory.mktemp("place")
    save_good(place / "good")
    write_lines(place / "lists.jsonl", labelled_lists(place / "good", 76))
    save_teacher(place / "teacher")
    write_lines(place / "dev.jsonl", labelled_lists(place / "teacher", 30))
    texts = [{"id": str(number), "text": text} for number, text in enumerate(sentences(80, 1, 3, 8))]
    write_lines(place / "docs.jsonl", texts)
    return place


def trained(place: Path, out: Path, *more: str) -> Done:
    """Train the good model on its own lists, 60 of which are held out and judge it."""
    given: tuple[str, ...] = (
        "train",
        str(place / "lists.jsonl"),
        "--base",
        str(place / "good"),
        "--out",
        str(out),
        "--no-energy",
    )
    given += ("--learning-rate", STILL, "--epochs", "1", "--held-out", "60", "--no-export")
    return invoke(*given, *more, env={"RESIFT_GATE_CACHE": str(place / "cache")})


def distilled(place: Path, out: Path, *more: str) -> Done:
    """Distil the teacher into itself."""
    given: tuple[str, ...] = ("distill", str(place / "docs.jsonl"), "--teacher", str(place / "teacher"))
    given += ("--student", f"same={place / 'teacher'}", "--learning-rate", STILL, "--fresh-rate", STILL)
    given += (
        "--epochs",
        "1",
        "--pair-tokens",
        "48",
        "--max-queries",
        "12",
        "--no-export",
        "--no-energy",
        "--out",
        str(out),
        "--device",
        "cpu",
    )
    return invoke(*given, *more, env={"RESIFT_GATE_CACHE": str(place / "cache")})


def verdict(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "resift.json").read_text())["gate"]
    return found


def test_a_trained_model_that_passes_is_uploaded(hub: Hub, place: Path, tmp_path: Path) -> None:
    done = trained(place, tmp_path / "model", "--push", "org/model", "--public")
    assert done.code == 0, done.out + done.err
    assert f"uploaded to {hub.address}/org/model/commit/" in done.out
    assert hub.files["model.safetensors"] == (tmp_path / "model" / "model.safetensors").read_bytes()
    assert json.loads(hub.files["resift.json"])["gate"]["passed"] is True
    assert "training.json" not in hub.files
    assert hub.created.get("private", False) is False


def test_a_trained_model_that_does_not_pass_by_the_options_of_the_gate_is_uploaded_only_by_force(
    hub: Hub, place: Path, tmp_path: Path
) -> None:
    strict = ("--gate-queries", "61", "--gate-measure", "mrr@10", "--push", "org/model")  # one more than there are
    done = trained(place, tmp_path / "model", *strict)
    assert done.code == 1
    assert "queries whose order can matter" in verdict(tmp_path / "model")["reasons"][0]
    assert "is not uploaded, because it did not pass the gate" in done.err
    assert (hub.tokens, verdict(tmp_path / "model")["measure"]) == (set(), "mrr@10")
    forced = trained(place, tmp_path / "forced", *strict, "--force")
    assert forced.code == 0, forced.err
    assert json.loads(hub.files["resift.json"])["gate"]["forced"] is True
    assert hub.created.get("private", hub.created.get("visibility")) in (True, "private")


def test_an_upload_that_fails_leaves_the_model_and_says_how_to_repeat_it(hub: Hub, place: Path, tmp_path: Path) -> None:
    hub.status, out = 403, tmp_path / "model"
    done = trained(place, out, "--push", "org/model")
    assert done.code == 1
    assert f"upload it with `resift push {out} org/model`" in done.error_line
    assert verdict(out)["passed"] is True
    hub.status = 200
    assert invoke("push", str(out), "org/model").code == 0


def test_each_student_that_passes_is_uploaded_under_its_own_name(hub: Hub, place: Path, tmp_path: Path) -> None:
    two = ("--student", "tiny=1x16x2", "--push", "org/small", "--json", "--dev", str(place / "dev.jsonl"))
    done = distilled(place, tmp_path / "out", *two)
    assert done.out, done.err
    gates = [one["gate"]["passed"] for one in json.loads(done.out)["students"]]
    assert (done.code, gates, set(hub.sent)) == (1, [True, False], {"org/small-same"}), done.err
    assert f"{tmp_path / 'out' / 'tiny'} is not uploaded" in done.err
    assert "its fused ranking is the first stage's" in verdict(tmp_path / "out" / "tiny")["reasons"][0]
    assert "distillation.json" not in hub.sent["org/small-same"]


def test_a_student_is_judged_by_the_options_of_the_gate(hub: Hub, place: Path, tmp_path: Path) -> None:
    strict = ("--dev", str(place / "dev.jsonl"), "--gate-queries", "31", "--gate-measure", "map", "--push", "org/model")
    done = distilled(place, tmp_path / "out", *strict)
    assert (done.code, hub.tokens, verdict(tmp_path / "out")["measure"]) == (1, set(), "map")
    assert distilled(place, tmp_path / "out", *strict, "--force").code == 0
    assert "model.safetensors" in hub.files


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--push", "model"), "'model' is not a name on the hub; expected org/name"),
        (("--public",), "--public would have no effect without --push"),
        (("--push", "org/model", "--no-gate"), "--push uploads a model that passed the gate"),
        (("--push", "org/model", "--held-out", "0"), "--push uploads a model that passed the gate"),
        (("--no-gate", "--gate-margin", "0.1"), "--gate-margin would have no effect, because nothing is judged"),
    ],
)
def test_a_training_whose_upload_would_be_refused_does_not_begin(
    place: Path, tmp_path: Path, more: tuple[str, ...], message: str
) -> None:
    done = trained(place, tmp_path / "model", *more)
    assert (done.code, message in done.error_line) == (2, True), done.err
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--push", "org/model"), "name dev sets with --dev, or upload it all the same with --force"),
        (("--push", "org", "--force"), "'org' is not a name on the hub"),
        (("--gate-margin", "0.1"), "--gate-margin would have no effect, as nothing is judged; name a set with --dev"),
    ],
)
def test_a_distillation_whose_upload_would_be_refused_does_not_begin(
    place: Path, tmp_path: Path, more: tuple[str, ...], message: str
) -> None:
    done = distilled(place, tmp_path / "out", *more)
    assert (done.code, message in done.error_line) == (2, True), done.err
    assert not (tmp_path / "out.work").exists()

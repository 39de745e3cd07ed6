from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from resift.rerank.cli.train import train
from tests.docs.functions import ROOT
from tests.rerank.cli.invoke import invoke
from tests.rerank.training.finetuning.small_training import save_base, write_pairs


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"query": "a river", "document": "The river Stone."}\n')
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "no data is named; expected DATA, or a recipe with a table [[data]]"),
        (("none.jsonl",), 1, "none.jsonl: does not exist; expected a file"),
        (("PAIRS", "--loss", "mse"), 2, "loss: mse needs a label for each document"),
        (("PAIRS", "--loss", "bpr"), 2, "loss: 'bpr' is not a loss; expected auto or one of binary-cross-entropy"),
        (("PAIRS", "--resume", "--overwrite"), 2, "--resume and --overwrite exclude each other"),
        (("PAIRS", "--template", "title: text"), 2, "template: 'title: text' does not contain a field"),
        (("PAIRS", "--html", "remove"), 2, "'remove' is not one of 'auto', 'strip', 'keep'"),
        (("PAIRS", "--depth", "50"), 2, "--depth would have no effect without dev sets"),
        (("PAIRS", "--batch-size", "0"), 2, "batch_size: 0 is below 1"),
        (("PAIRS", "--recipe", "none.toml"), 2, "recipe: none.toml cannot be read"),
        (("PAIRS", "--base", "nowhere"), 1, "nowhere: no model has this name"),
        (
            ("PAIRS",),
            1,
            "the data has 1 different query, too few to hold some out; expected more data, or --held-out 0",
        ),
    ],
)
def test_a_mistake_is_named_in_one_line(
    tmp_path: Path, pairs: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    given = [pairs if argument == "PAIRS" else argument for argument in arguments]
    done = invoke("train", *given, "--out", str(tmp_path / "model"))
    assert done.code == code and message in done.error_line
    assert not (tmp_path / "model").exists()


def test_settings_come_from_flags_before_the_recipe_before_the_toml_file(tmp_path: Path) -> None:
    (tmp_path / "resift.toml").write_text("epochs = 7.0\nbatch_size = 7\nseed = 7\n")
    (tmp_path / "recipe.toml").write_text("[settings]\nepochs = 5.0\nbatch_size = 5\nhtml = 'keep'\ndepth = 5\n")
    toml = {"epochs": 7.0, "batch_size": 7, "seed": 7, "html": "strip", "depth": 7, "template": "{text}"}
    given = ["--out", "m", "--recipe", str(tmp_path / "recipe.toml"), "--epochs", "3", "--depth", "3"]
    with train.make_context("train", given, default_map=toml) as context:
        assert isinstance(context, click.Context)
        assert [context.params[name] for name in ("epochs", "batch_size", "seed")] == [3.0, 5, 7]
        assert [context.params[name] for name in ("depth", "html", "template")] == [3, "keep", "{text}"]


def test_an_interrupted_training_says_how_it_continues(tmp_path: Path) -> None:
    data, base = write_pairs(tmp_path / "pairs.jsonl"), save_base(tmp_path / "base")
    given = [str(data), "--base", str(base), "--out", str(tmp_path / "out"), "--epochs", "10000", "--no-energy"]
    command = [sys.executable, "-m", "resift", "train", *given]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step 0"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "the same command with --resume continues it" in rest and rest.endswith("resift: error: interrupted\n")

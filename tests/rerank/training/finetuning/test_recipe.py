from __future__ import annotations

from pathlib import Path

import pytest

from resift.rerank.training.finetuning.recipe import read_recipe
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.finetuning.sources import DataSource
from resift.retrieval.errors import SettingsError
from tests.docs.functions import ROOT


def test_the_recipe_of_the_reference_card_has_its_values() -> None:
    recipe = read_recipe(ROOT / "recipes" / "gooaq-bert-tiny.toml")
    assert recipe.base == "prajjwal1/bert-tiny@6f75de8b60a9f8a2fdf7b69cbd86d9e64bcb3837"
    assert [(one.source, one.split, one.first) for one in recipe.data] == [
        ("hub:sentence-transformers/gooaq", "train", 100_000)
    ]
    assert (recipe.held_out_name, recipe.dev) == ("gooaq-dev", ("nanobeir:MSMARCO,NFCorpus,NQ",))
    assert recipe.train_settings() == TrainSettings(
        loss="binary-cross-entropy",
        pos_weight=5.0,
        pair_negatives=5,
        held_out=1000.0,
        held_out_candidates=30,
        epochs=1.0,
        batch_size=2048,
        learning_rate=5e-4,
        warmup=0.1,
        scheduler="linear",
        seed=12,
        precision="auto",
        eval_steps=20,
        metric="gooaq-dev_ndcg@10",
        save_limit=2,
    )


def test_a_recipe_says_how_documents_are_read_beside_the_settings_of_the_training(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("[settings]\nepochs = 2\ntemplate = '{text}'\nhtml = 'keep'\ndepth = 20\n")
    recipe = read_recipe(tmp_path / "r.toml")
    assert recipe.reading == {"template": "{text}", "html": "keep", "depth": 20}
    assert recipe.train_settings() == TrainSettings(epochs=2.0)


def test_files_of_a_recipe_are_beside_it(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('[[data]]\nsource = "pairs.jsonl"\n[[data]]\nsource = "/data/x.csv"\n')
    assert read_recipe(tmp_path / "r.toml").data == (
        DataSource(str(tmp_path / "pairs.jsonl")),
        DataSource("/data/x.csv"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("bse = 'x'", "bse is not a key of a recipe; did you mean base?"),
        ("[settings]\nepoch = 2", "settings.epoch is not a key of a recipe; did you mean epochs?"),
        ("[settings]\nepochs = 'two'", "settings.epochs is 'two'; expected a number"),
        ("[settings]\nbatch_size = 8.5", "settings.batch_size is 8.5; expected a whole number"),
        ("[settings]\nbatch_size = true", "settings.batch_size is True; expected a whole number"),
        ("[settings]\nepochs = -1", "epochs: -1.0 is out of range; expected a number above 0"),
        ("[settings]\ntemplate = '{title'", "template: '{title', character 1: the brace is not closed"),
        ("[settings]\nhtml = 'remove'", "html: 'remove' is not known; expected auto, strip or keep"),
        ("[settings]\ndepth = 0", "depth: 0 is below 1"),
        ("dev = 'nanobeir'", "dev is 'nanobeir'; expected a list of texts"),
        ("[[data]]\nsplit = 'train'", "a table [[data]] has no source"),
        ("data = 'x.jsonl'", "expected the tables [[data]] and [settings]"),
        ("base = ", "is not TOML"),
    ],
)
def test_a_mistake_in_a_recipe_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "r.toml").write_text(content)
    with pytest.raises(SettingsError) as raised:
        read_recipe(tmp_path / "r.toml")
    assert message in str(raised.value)


def test_a_recipe_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="recipe: .*none.toml cannot be read: No such file"):
        read_recipe(tmp_path / "none.toml")

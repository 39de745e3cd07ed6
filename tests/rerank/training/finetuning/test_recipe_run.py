from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from resift.rerank.training.finetuning.base import find_base, load_base
from resift.rerank.training.finetuning.hub_copy import HubPart, data_files
from resift.rerank.training.record import read_record
from resift.retrieval.errors import CorpusError, ModelError
from tests.docs.functions import ROOT
from tests.rerank.cli.invoke import invoke
from tests.rerank.training.finetuning.hub_layout import SETS, write_hub, write_table

RECIPE = ROOT / "recipes" / "gooaq-bert-tiny.toml"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hub(tmp_path_factory.mktemp("hub"))


def test_the_recipe_runs_unchanged_on_a_copy_of_the_hub(hub: Path, tmp_path: Path) -> None:
    out = tmp_path / "reranker"
    given = ["--recipe", str(RECIPE), "--hub-folder", str(hub), "--out", str(out), "--no-energy", "--json"]
    result = invoke("train", *given)
    assert (out / "model.safetensors").is_file(), result.err
    report = json.loads(result.out)
    names = ["gooaq-dev", *(f"{name}_R100" for name in SETS), "NanoBEIR_R100_mean"]
    assert [one["name"] for one in report["evaluations"]] == names
    assert [row["step"] for row in report["log"]] == [0, 1]  # the small copy is one batch of 2048
    assert list(report["log"][0]["values"]) == [
        f"{name}_{measure}" for name in names for measure in ("map", "mrr@10", "ndcg@10")
    ]
    record = read_record(out)
    assert record is not None and record.base is not None
    assert (record.base.name, record.base.hub) == ("prajjwal1/bert-tiny@6f75de8b60a9f8a2fdf7b69cbd86d9e64bcb3837", True)
    assert record.recipe == "gooaq-bert-tiny" and record.training[0].hub == "sentence-transformers/gooaq"
    assert record.loss_parameters == {"activation_fn": "torch.nn.Identity", "pos_weight": 5.0}
    assert record.settings["trainer"]["per_device_train_batch_size"] == 2048
    card = (out / "README.md").read_text(encoding="utf-8")
    for text in (
        "BERT-tiny trained on GooAQ",
        "sentence-transformers/gooaq",
        "NanoBEIR_R100_mean",
        "pos_weight",
        "0.0005",
    ):
        assert text in card
    assert (out / "onnx" / "model_int8.onnx").is_file() and (out / "proof.json").is_file()


def test_a_base_with_its_weights_in_a_pickle_is_read_without_running_code(hub: Path, tmp_path: Path) -> None:
    folder = tmp_path / "org" / "pickled"
    shutil.copytree(hub / "prajjwal1" / "bert-tiny", folder)
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    found, origin = find_base("org/pickled", tmp_path)
    assert origin.hub and found == folder
    assert load_base(found, "org/pickled", tmp_path / "work").config.num_labels == 1

    class Harmful:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"bert.pooler.dense.bias": Harmful()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="org/pickled: cannot be loaded as a base"):
        load_base(found, "org/pickled", tmp_path / "work")
    assert not (tmp_path / "ran").exists()


def test_files_of_a_data_set_are_chosen_by_subset_and_split(tmp_path: Path) -> None:
    root = tmp_path / "org" / "data"
    for name in ("pair/train-00000-of-00001.parquet", "triplet/train-00000-of-00001.parquet", "pair/test.jsonl"):
        write_table(root / name, [{"a": 1}])
    part = HubPart("org/data", None, tmp_path)
    assert data_files(part, "pair", "train") == [root / "pair" / "train-00000-of-00001.parquet"]
    assert data_files(part, None, "test") == [root / "pair" / "test.jsonl"]
    with pytest.raises(CorpusError, match=r"has several subsets \(pair, triplet\); name one, as in hub:org/data/pair"):
        data_files(part, None, "train")
    with pytest.raises(CorpusError, match="has no files for the split 'dev'"):
        data_files(part, None, "dev")


def test_what_is_not_in_the_copy_and_cannot_be_downloaded_is_named(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match="org/none: is not in .*, and cannot be downloaded"):
        find_base("org/none", hub)
    with pytest.raises(CorpusError, match="hub:org/none: is not in .*; go online, or name a folder on this machine"):
        data_files(HubPart("org/none", None, hub), None, "train")

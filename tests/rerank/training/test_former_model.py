"""Of a former model nothing stays that could be run or believed; a user's own files do."""

from __future__ import annotations

from pathlib import Path

from resift.rerank.training.former_model import remove_former_model


def test_weights_graphs_and_measurements_are_removed_and_the_rest_stays(tmp_path: Path) -> None:
    gone = ["model.safetensors", "model-00001-of-00002.safetensors", "model.onnx", "onnx/model_int8.onnx", "proof.json"]
    gone += ["resift.json", "training.json", "training_texts.npz", "README.md", "model.safetensors.index.json"]
    kept = ["config.json", "tokenizer.json", "training/train.jsonl", "notes.txt"]
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    remove_former_model(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        kept
    )
    assert not (tmp_path / "onnx").exists()


def test_a_folder_that_is_not_there_is_left_so(tmp_path: Path) -> None:
    remove_former_model(tmp_path / "new")
    assert not (tmp_path / "new").exists()

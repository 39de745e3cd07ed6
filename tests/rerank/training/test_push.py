"""Upload models with the real client to a local server that imitates the API of huggingface.co."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.scorers.resift_file import update_resift_file
from resift.rerank.training.card.sections import search_command
from resift.rerank.training.gate.fingerprint import weights_key
from resift.rerank.training.push import push, uploaded_files
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.cli.invoke import invoke
from tests.rerank.training.fake_hub import TOKEN, Hub


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with all that a training leaves; its weights are never loaded here."""
    folder = tmp_path / "my-model"
    (folder / "checkpoints" / "checkpoint-20").mkdir(parents=True)
    (folder / "onnx").mkdir()
    config = {"architectures": ["BertForSequenceClassification"], "num_labels": 1}
    (folder / "config.json").write_text(json.dumps(config))
    names = ("model.safetensors", "tokenizer.json", "onnx/model.onnx", "curves.svg", "proof.json", "LICENSE")
    private = ("training.json", "training_texts.npz", "optimizer.pt", ".secret", "notes.txt", "data.jsonl")
    for name in (*names, *private, "checkpoints/checkpoint-20/model.safetensors"):
        (folder / name).write_text(name)
    (folder / "README.md").write_text('---\nlicense: mit\n---\nCrossEncoder("my-model")\n' + search_command("my-model"))
    (folder / "training.json").write_text('{"format": "of another program"}')
    update_resift_file(folder, {"gate": {"passed": True, "forced": False, "reasons": []}})
    return folder


UPLOADED = ["LICENSE", "README.md", "config.json", "curves.svg", "model.safetensors", "onnx/model.onnx", "proof.json"]
UPLOADED += ["resift.json", "tokenizer.json"]


def test_the_files_of_the_model_are_sent_and_nothing_else(hub: Hub, model: Path) -> None:
    done = push(model, "org/model")
    assert (hub.created["name"], hub.created["organization"]) == ("model", "org")
    assert hub.created.get("private", hub.created.get("visibility")) in (True, "private")
    assert sorted(hub.files) == sorted(UPLOADED) == sorted(done.files)
    assert hub.files["model.safetensors"] == b"model.safetensors"
    assert hub.tokens == {f"Bearer {TOKEN}"}
    assert done.address == f"{hub.address}/org/model/commit/{'0' * 40}"


def test_the_card_that_is_sent_names_the_repository_and_the_one_on_the_disk_stays(hub: Hub, model: Path) -> None:
    before = (model / "README.md").read_text()
    push(model, "org/model", private=False)
    sent = hub.files["README.md"].decode()
    assert sent.endswith('CrossEncoder("org/model")\n' + search_command("org/model"))
    assert (model / "README.md").read_text() == before
    assert hub.created.get("private", False) is False


def test_a_dry_run_sends_nothing(hub: Hub, model: Path) -> None:
    done = push(model, "org/model", dry_run=True)
    assert (sorted(done.files), done.address, hub.created, hub.tokens) == (sorted(UPLOADED), "", {}, set())
    assert done.size == sum((model / name).stat().st_size for name in UPLOADED)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (
            {"passed": False, "reasons": ["dev: worse than its base"]},
            r"did not pass its gate \(dev: worse than its base\)",
        ),
        (None, "it was not judged"),
    ],
)
def test_a_model_that_did_not_pass_its_gate_is_refused_unless_forced(
    hub: Hub, model: Path, gate: dict[str, Any] | None, message: str
) -> None:
    update_resift_file(model, {"gate": gate})
    with pytest.raises(ModelError, match=message):
        push(model, "org/model")
    with pytest.raises(ModelError, match=message):
        push(model, "org/model", dry_run=True)
    assert not hub.tokens
    push(model, "org/model", forced=True)
    assert "model.safetensors" in hub.files
    if gate:  # and whoever downloads it can see that
        assert json.loads(hub.files["resift.json"])["gate"]["forced"] is True


def test_a_model_whose_weights_changed_after_it_was_judged_is_refused(hub: Hub, model: Path) -> None:
    gate = {"passed": True, "forced": False, "reasons": [], "weights": weights_key(model)}
    update_resift_file(model, {"gate": gate})
    (model / "onnx" / "model.onnx").write_text("an export of the same weights")
    assert push(model, "org/model", dry_run=True).files
    (model / "model.safetensors").write_text("other weights")
    with pytest.raises(ModelError, match="weights changed after it was judged"):
        push(model, "org/model")
    push(model, "org/model", forced=True)
    sent = json.loads(hub.files["resift.json"])["gate"]
    assert (sent["passed"], sent["forced"], len(sent["reasons"])) == (False, True, 1)


@pytest.mark.parametrize(("status", "message"), [(401, "set HF_TOKEN"), (403, "no right to write")])
def test_a_refusal_of_the_hub_is_explained_without_the_token(hub: Hub, model: Path, status: int, message: str) -> None:
    hub.status = status
    with pytest.raises(ModelError, match=message) as caught:
        push(model, "org/model")
    assert TOKEN not in str(caught.value)


def test_what_is_not_a_model_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected org/name"):
        push(model, "model")
    with pytest.raises(ModelError, match=r"no config\.json"):
        push(tmp_path, "org/model")
    for name in ("model.safetensors", "onnx/model.onnx"):
        (model / name).unlink()
    with pytest.raises(ModelError, match="no weights"):
        push(model, "org/model")


def test_files_in_deeper_folders_are_not_mistaken_for_those_of_the_model(model: Path) -> None:
    (model / "old").mkdir()
    (model / "old" / "config.json").write_text("{}")
    assert "old/config.json" not in uploaded_files(model)


def test_the_command_lists_what_would_be_sent(hub: Hub, model: Path) -> None:
    done = invoke("push", str(model), "org/model", "--dry-run")
    assert (done.code, done.out.splitlines()[-1].split(",")[0]) == (0, "9 files")
    assert "would be uploaded to org/model" in done.out
    update_resift_file(model, {"gate": None})
    refused = invoke("push", str(model), "org/model")
    assert (refused.code, "was not judged" in refused.error_line) == (1, True)

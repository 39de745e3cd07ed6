"""Load a scorer by name: embedded models, folders, the Hugging Face cache, and the errors for unknown names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resift.rerank.scorers.hub import fetch, split_revision
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.registry import BACKENDS, DEFAULT_MODEL, MODELS
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line
from tests.contracts.protocols import load_class
from tests.rerank.scorers.small_models import export_onnx, save_family

COMMIT, OLDER = "1234567890abcdef1234567890abcdef12345678", "fedcba0987654321fedcba0987654321fedcba09"
PAIRS = [("cat", "dog food"), ("cat", "the river")]


def save_in_cache(cache: Path, commit: str = COMMIT, reference: str = "main") -> Path:
    """Save a model in the layout of the Hugging Face cache; return its folder.

    The files are models--org--name/snapshots/<commit> and models--org--name/refs/<reference>.
    """
    place = cache / "models--org--name"
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs" / reference).write_text(commit)
    return save_family("bert", place / "snapshots" / commit)


def offline(cache: Path, revision: str | None = None, backend: str = "auto") -> ScorerSettings:
    return ScorerSettings(offline=True, model_cache=str(cache), revision=revision, backend=backend)


def test_a_folder_with_safetensors_runs_on_torch_unless_onnx_is_requested(tmp_path: Path) -> None:
    export_onnx(save_family("bert", tmp_path))
    assert isinstance(load_scorer(str(tmp_path)), CrossEncoder)
    assert isinstance(load_scorer(str(tmp_path), ScorerSettings(backend="onnx")), OnnxCrossEncoder)


def test_a_folder_with_only_onnx_runs_on_onnx_runtime(tmp_path: Path) -> None:
    export_onnx(save_family("bert", tmp_path), "onnx/model.onnx")
    (tmp_path / "model.safetensors").unlink()
    assert isinstance(load_scorer(str(tmp_path)), OnnxCrossEncoder)
    with pytest.raises(ModelError, match="no weights; expected model.safetensors"):
        load_scorer(str(tmp_path), ScorerSettings(backend="torch"))


def test_a_folder_with_only_a_pickle_is_refused(tmp_path: Path) -> None:
    (save_family("bert", tmp_path) / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickle, which can run code and is refused"):
        load_scorer(str(tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        "unheard-of",
        "",
        "cross-encoder",
        "/no/such/folder",
        "./none/of/it",
        "a/b/c/d",
        "~nobody-here/x",
        "a\0b",
        "x" * 5000,
        "a/b@../c",
    ],
)
def test_the_error_for_an_unknown_name_lists_the_accepted_names(name: str) -> None:
    with pytest.raises(ModelError, match=r"expected default, resift-small, .*none, a folder.*org/name"):
        load_scorer(name)


def test_the_error_for_an_unfinished_training_says_how_it_continues(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "state.json").write_text("{}")
    with pytest.raises(ModelError, match="its training is not finished; continue it with the same command"):
        load_scorer(str(tmp_path))


def test_the_error_for_a_file_asks_for_its_folder(tmp_path: Path) -> None:
    path = save_family("bert", tmp_path) / "model.safetensors"
    with pytest.raises(ModelError, match="this is a file; expected the folder"):
        load_scorer(str(path))


def test_a_hugging_face_model_loads_offline_from_the_cache(tmp_path: Path) -> None:
    folder = save_in_cache(tmp_path)
    scorer = load_scorer("org/name", offline(tmp_path))
    assert scorer.name == "org/name"
    assert scorer.score(PAIRS).logits.tolist() == CrossEncoder(folder).score(PAIRS).logits.tolist()


def test_the_model_is_the_argument_and_without_one_that_of_the_settings(tmp_path: Path) -> None:
    folder = str(save_family("bert", tmp_path / "model"))
    assert load_scorer(settings=ScorerSettings(model=folder)).name == folder
    assert load_scorer(folder, ScorerSettings(model="unheard-of")).name == folder
    assert load_scorer(settings=ScorerSettings(offline=True)).name == DEFAULT_MODEL
    with pytest.raises(ModelError, match="^unheard-of: no model has this name"):
        load_scorer(settings=ScorerSettings(model="unheard-of"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_class_accepts_a_folder_that_was_read_already(backend: str, tmp_path: Path) -> None:
    folder = read_folder(export_onnx(save_family("bert", tmp_path)), "mine")
    found = load_class(BACKENDS[backend])
    assert (found(folder).name, found(folder, None, "yours").name) == ("mine", "yours")
    assert found(folder).score(PAIRS).logits.tolist() == found(tmp_path).score(PAIRS).logits.tolist()


def test_a_backend_class_accepts_a_hugging_face_name(tmp_path: Path) -> None:
    save_in_cache(tmp_path)
    assert CrossEncoder("org/name@main", offline(tmp_path)).score(PAIRS).logits.shape == (2,)


def test_a_revision_is_given_in_the_name_or_in_the_settings(tmp_path: Path) -> None:
    save_in_cache(tmp_path)
    older = save_in_cache(tmp_path, OLDER, "v1")
    assert fetch("org/name@v1", offline(tmp_path)) == older
    assert fetch("org/name", offline(tmp_path, "v1")) == older
    assert fetch(f"org/name@{OLDER}", offline(tmp_path)) == older
    assert fetch("org/name", offline(tmp_path)).name == COMMIT


def test_two_different_revisions_are_refused() -> None:
    assert split_revision("org/name@v1", "v1") == ("org/name", "v1")
    with pytest.raises(SettingsError, match="revision: the setting is 'v2', but the model's name contains 'v1'"):
        split_revision("org/name@v1", "v2")


def test_a_hugging_face_model_with_only_onnx_runs_on_onnx_runtime(tmp_path: Path) -> None:
    (export_onnx(save_in_cache(tmp_path)) / "model.safetensors").unlink()
    assert isinstance(load_scorer("org/name", offline(tmp_path)), OnnxCrossEncoder)


def test_a_hugging_face_model_with_only_pickles_is_refused(tmp_path: Path) -> None:
    (save_in_cache(tmp_path) / "model.safetensors").rename(tmp_path / "models--org--name" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="does not contain model.safetensors or model.onnx"):
        load_scorer("org/name", offline(tmp_path))


@pytest.mark.parametrize("name", ["org/other", "org/name@v9"])
def test_a_model_that_is_not_in_the_cache_is_an_error_offline(tmp_path: Path, name: str) -> None:
    save_in_cache(tmp_path)
    with pytest.raises(ModelError, match="is not in the cache.*download it once"):
        load_scorer(name, offline(tmp_path))


def test_a_token_in_the_environment_is_never_shown(tmp_path: Path) -> None:
    program = (
        "from resift import ScorerSettings, load_scorer\n"
        f"load_scorer('org/name', ScorerSettings(model_cache={str(tmp_path)!r}))\n"
    )
    environment = os.environ | {"HF_TOKEN": "hf_secretsecret", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert "ModelError: org/name: no folder has this name, the model is not in the cache" in done.stderr
    assert "hf_secret" not in done.stderr + done.stdout


def test_the_error_without_torch_says_how_to_install_it(tmp_path: Path) -> None:
    save_family("bert", tmp_path / "model")
    (tmp_path / "without" / "torch").mkdir(parents=True)
    (tmp_path / "without" / "torch" / "__init__.py").write_text("raise ImportError('no torch here')")
    program = f"from resift import load_scorer\nload_scorer({str(tmp_path / 'model')!r})\n"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "without")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert f"torch and transformers: {install_line('gpu')}" in done.stderr.splitlines()[-1]


def test_the_registry_imports_no_large_package() -> None:
    program = (
        "import sys, resift.rerank.scorers.registry\n"
        "print([name for name in ('numpy', 'torch', 'tokenizers', 'onnxruntime') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"backend": "tensorflow"}, "backend"),
        ({"dtype": "int4"}, "dtype"),
        ({"max_length": 0}, "max_length"),
        ({"batch_tokens": -1}, "batch_tokens"),
        ({"threads": 0}, "threads"),
    ],
)
def test_invalid_settings_are_refused(values: dict[str, object], field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        ScorerSettings(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["default", *MODELS])
def test_an_embedded_model_ranks_the_text_with_the_answer_first(name: str) -> None:
    ranking = load_scorer(name).rank(
        "what do cats eat", ["Rivers run to the sea.", "Cats eat meat, fish and mice.", "The price of bread rose."]
    )
    assert ranking[0]["corpus_id"] == 1


def test_the_name_none_is_refused_with_what_it_means() -> None:
    with pytest.raises(ModelError, match="no model is used; pass None as the reranker"):
        load_scorer("none")

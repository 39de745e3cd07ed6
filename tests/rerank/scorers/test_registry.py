"""From a name to a scorer: embedded models, folders, the hub's cache, and what unknown names are told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import resift.rerank.scorers.registry
from resift.rerank.scorers.hub import fetch, split_revision
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.registry import BACKENDS, MODELS
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.scorers.small_models import export_onnx, save_family

COMMIT, OLDER = "1234567890abcdef1234567890abcdef12345678", "fedcba0987654321fedcba0987654321fedcba09"
PAIRS = [("cat", "dog food"), ("cat", "the river")]


def save_in_cache(cache: Path, commit: str = COMMIT, reference: str = "main") -> Path:
    """Save a model as the hub's cache holds it: models--org--name/snapshots/<commit>, and refs/<reference>."""
    place = cache / "models--org--name"
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs" / reference).write_text(commit)
    return save_family("bert", place / "snapshots" / commit)


def offline(cache: Path, revision: str | None = None, backend: str = "auto") -> ScorerSettings:
    return ScorerSettings(offline=True, model_cache=str(cache), revision=revision, backend=backend)


def test_a_folder_with_safetensors_runs_on_torch_unless_onnx_is_asked(tmp_path: Path) -> None:
    export_onnx(save_family("bert", tmp_path))
    assert isinstance(load_scorer(str(tmp_path)), CrossEncoder)
    assert isinstance(load_scorer(str(tmp_path), ScorerSettings(backend="onnx")), OnnxCrossEncoder)


def test_a_folder_with_onnx_alone_runs_on_onnx_runtime(tmp_path: Path) -> None:
    export_onnx(save_family("bert", tmp_path), "onnx/model.onnx")
    (tmp_path / "model.safetensors").unlink()
    assert isinstance(load_scorer(str(tmp_path)), OnnxCrossEncoder)
    with pytest.raises(ModelError, match="no weights; expected model.safetensors"):
        load_scorer(str(tmp_path), ScorerSettings(backend="torch"))


def test_a_folder_with_a_pickle_alone_is_refused(tmp_path: Path) -> None:
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
def test_a_name_that_nothing_has_is_told_what_is_known_and_accepted(name: str) -> None:
    with pytest.raises(ModelError, match=r"known are default, resift-minilm-l3 and none.*folder.*org/name"):
        load_scorer(name)


def test_a_file_is_told_to_give_its_folder(tmp_path: Path) -> None:
    path = save_family("bert", tmp_path) / "model.safetensors"
    with pytest.raises(ModelError, match="this is a file; expected the folder"):
        load_scorer(str(path))


def test_a_model_of_the_hub_loads_offline_from_the_cache(tmp_path: Path) -> None:
    folder = save_in_cache(tmp_path)
    scorer = load_scorer("org/name", offline(tmp_path))
    assert scorer.name == "org/name"
    assert scorer.score(PAIRS).logits.tolist() == CrossEncoder(folder).score(PAIRS).logits.tolist()


def test_a_class_takes_a_name_of_the_hub_as_the_registry_does(tmp_path: Path) -> None:
    save_in_cache(tmp_path)
    assert CrossEncoder("org/name@main", offline(tmp_path)).score(PAIRS).logits.shape == (2,)


def test_a_revision_is_pinned_in_the_name_or_in_the_settings(tmp_path: Path) -> None:
    save_in_cache(tmp_path)
    older = save_in_cache(tmp_path, OLDER, "v1")
    assert fetch("org/name@v1", offline(tmp_path)) == older
    assert fetch("org/name", offline(tmp_path, "v1")) == older
    assert fetch(f"org/name@{OLDER}", offline(tmp_path)) == older
    assert fetch("org/name", offline(tmp_path)).name == COMMIT


def test_two_different_revisions_are_refused() -> None:
    assert split_revision("org/name@v1", "v1") == ("org/name", "v1")
    with pytest.raises(SettingsError, match="revision: 'v2' is asked, but the model's name says 'v1'"):
        split_revision("org/name@v1", "v2")


def test_a_model_of_the_hub_with_onnx_alone_runs_on_onnx_runtime(tmp_path: Path) -> None:
    (export_onnx(save_in_cache(tmp_path)) / "model.safetensors").unlink()
    assert isinstance(load_scorer("org/name", offline(tmp_path)), OnnxCrossEncoder)


def test_a_model_of_the_hub_with_pickles_alone_is_refused(tmp_path: Path) -> None:
    (save_in_cache(tmp_path) / "model.safetensors").rename(tmp_path / "models--org--name" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="holds no model.safetensors or model.onnx"):
        load_scorer("org/name", offline(tmp_path))


@pytest.mark.parametrize("name", ["org/other", "org/name@v9"])
def test_a_model_that_the_cache_lacks_is_told_so_offline(tmp_path: Path, name: str) -> None:
    save_in_cache(tmp_path)
    with pytest.raises(ModelError, match="the cache holds no such model.*fetch it once"):
        load_scorer(name, offline(tmp_path))


def test_a_token_in_the_environment_is_never_shown(tmp_path: Path) -> None:
    program = (
        "from resift import ScorerSettings, load_scorer\n"
        f"load_scorer('org/name', ScorerSettings(model_cache={str(tmp_path)!r}))\n"
    )
    environment = os.environ | {"HF_TOKEN": "hf_secretsecret", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert "ModelError: org/name: there is no such folder, the cache holds no such model" in done.stderr
    assert "hf_secret" not in done.stderr + done.stdout


def test_a_missing_torch_is_told_how_to_get_it(tmp_path: Path) -> None:
    save_family("bert", tmp_path / "model")
    (tmp_path / "without" / "torch").mkdir(parents=True)
    (tmp_path / "without" / "torch" / "__init__.py").write_text("raise ImportError('no torch here')")
    program = f"from resift import load_scorer\nload_scorer({str(tmp_path / 'model')!r})\n"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "without")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert "pip install 'resift[gpu]'" in done.stderr.splitlines()[-1]


def test_reading_the_settings_imports_nothing_heavy() -> None:
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
def test_settings_that_cannot_be_used_are_refused(values: dict[str, object], field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        ScorerSettings(**values)  # type: ignore[arg-type]


def test_every_row_of_the_tables_names_a_backend_that_exists() -> None:
    assert {name: target.split(":")[1] for name, target in BACKENDS.items()} == {
        "torch": CrossEncoder.__name__,
        "onnx": OnnxCrossEncoder.__name__,
    }


@pytest.mark.parametrize("name", ["default", *MODELS])
def test_an_embedded_model_prefers_the_text_that_answers(name: str) -> None:
    folder = Path(resift.rerank.scorers.registry.__file__).parents[1] / "models" / "resift-minilm-l3"
    if not folder.is_dir():
        pytest.skip("the embedded model is not in this checkout yet")
    ranking = load_scorer(name).rank(
        "what do cats eat", ["Rivers run to the sea.", "Cats eat meat, fish and mice.", "The price of bread rose."]
    )
    assert ranking[0]["corpus_id"] == 1

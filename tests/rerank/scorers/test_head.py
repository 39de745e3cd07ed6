"""Models whose head is several modules of sentence-transformers score as sentence-transformers does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder as TheirCrossEncoder
from sentence_transformers.cross_encoder.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
from torch import nn

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import save_family, sentences

PAIRS = [(query, document) for query in ("cat food", "the price of bread") for document in sentences(10, seed=3)]


def save_headed(
    folder: Path, poolings: str | tuple[str, ...] = "cls", family: str = "modernbert", **dense: Any
) -> Path:
    """Save an encoder with Pooling, Dense, LayerNorm and Dense, the layout of ettin-reranker; return its folder."""
    body = Transformer(str(save_family(family, folder / "body")), transformer_task="feature-extraction")
    width = 32 * (1 if isinstance(poolings, str) else len(poolings))
    torch.manual_seed(2)
    first = Dense(width, 32, activation_function=nn.GELU(), **dense)
    last = Dense(32, 1, activation_function=nn.Identity(), module_output_name="scores")
    norm = LayerNorm(32)
    nn.init.normal_(norm.norm.weight)
    modules = [body, Pooling(32, pooling_mode=poolings), first, norm, last]
    TheirCrossEncoder(modules=modules, device="cpu", activation_fn=nn.Identity()).save_pretrained(str(folder / "model"))
    return folder / "model"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_headed(tmp_path_factory.mktemp("headed"))


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    for path in saved.rglob("*"):
        if path.is_file():
            place = tmp_path / path.relative_to(saved)
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(path.read_bytes())
    return tmp_path


def test_the_layout_of_ettin_reranker_scores_as_sentence_transformers_does(saved: Path) -> None:
    kinds = [module.kind for module in read_folder(saved).head_modules]
    assert kinds == ["Pooling", "Dense", "LayerNorm", "Dense"]
    ours = load_scorer(str(saved))
    theirs = TheirCrossEncoder(str(saved), device="cpu")
    assert isinstance(ours, CrossEncoder) and ours.activation == "identity"
    assert ours.predict(PAIRS) == pytest.approx(theirs.predict(PAIRS), abs=1e-5)
    assert float(np.ptp(ours.predict(PAIRS))) > 0.1


@pytest.mark.parametrize(
    ("family", "poolings"),
    [("bert", ("cls", "mean", "max")), ("roberta", ("weightedmean", "lasttoken", "mean_sqrt_len_tokens"))],
)
def test_every_pooling_equals_that_of_sentence_transformers(
    family: str, poolings: tuple[str, ...], tmp_path: Path
) -> None:
    model = save_headed(tmp_path, poolings, family, use_residual=True)
    theirs = TheirCrossEncoder(str(model), device="cpu").predict(PAIRS)
    ours = CrossEncoder(model, ScorerSettings(batch_tokens=300)).predict(PAIRS)
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_in_bfloat16_the_head_runs_in_float32(saved: Path) -> None:
    narrow = CrossEncoder(saved, ScorerSettings(dtype="bfloat16", device="cpu"))
    assert {parameter.dtype for parameter in narrow.model.head.parameters()} == {torch.float32}
    assert narrow.model.dtype == torch.bfloat16
    assert narrow.score(PAIRS).logits == pytest.approx(CrossEncoder(saved).score(PAIRS).logits, abs=0.2)


def test_pooling_flags_of_old_files_are_read(folder: Path) -> None:
    expected = CrossEncoder(folder).score(PAIRS).logits.tolist()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    )
    assert CrossEncoder(folder).score(PAIRS).logits.tolist() == expected


def module(place: int, **changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        modules = json.loads((folder / "modules.json").read_text())
        modules[place] |= changes
        (folder / "modules.json").write_text(json.dumps(modules))

    return change


def configured(inside: str, **changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / inside / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def without(count: int) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        modules = json.loads((folder / "modules.json").read_text())
        (folder / "modules.json").write_text(json.dumps(modules[:-count]))

    return change


def without_a_bias(folder: Path) -> None:
    path = folder / "2_Dense" / "model.safetensors"
    weights = load_file(path)
    del weights["linear.bias"]
    save_file(weights, path)


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (module(2, type="mine.Dense"), "modules.json needs the code of mine.Dense, which is never run"),
    (module(2, type="sentence_transformers.models.LSTM"), "modules.json adds LSTM, which is not supported"),
    (module(0, type="sentence_transformers.models.BoW"), "modules.json begins with BoW; expected a Transformer"),
    (module(2, path="../outside"), "gives Dense the path '../outside'; expected a subfolder"),
    (module(2, path="/etc"), "gives Dense the path '/etc'"),
    (module(0, path="0_Transformer"), "Transformer in a subfolder"),
    (configured("2_Dense", activation_function="os.system"), "its Dense layer applies os.system"),
    (configured("2_Dense", activation_function="torch.nn.Module"), "its Dense layer applies Module"),
    (configured("1_Pooling", pooling_mode="attention"), "its Pooling has the mode attention"),
    (configured("1_Pooling", include_prompt=False), "its Pooling has include_prompt false"),
    (configured("4_Dense", out_features=3), "its head gives 3 scores; expected one"),
    (configured("2_Dense", in_features=7), "its weights cannot be loaded"),
    (without(1), "give an embedding and no score: it is a bi-encoder"),
    (lambda folder: (folder / "2_Dense" / "model.safetensors").unlink(), "its weights cannot be loaded"),
    (lambda folder: (folder / "2_Dense" / "model.safetensors").write_bytes(b"pickle"), "its weights cannot be loaded"),
    (without_a_bias, "its weights cannot be loaded"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGE, ids=[message[:40] for _, message in DAMAGE])
def test_an_unusable_head_is_refused_with_a_one_line_message(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        CrossEncoder(folder, name="mine")
    assert str(caught.value).startswith("mine: ") and "\n" not in str(caught.value)

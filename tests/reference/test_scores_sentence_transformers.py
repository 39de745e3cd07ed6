"""`predict` and `rank` give the same results as the CrossEncoder of sentence-transformers, on folders saved by both.

Its truncation shortens the longer text of a pair, and ours the document. So every query here is shorter than the
documents that are truncated. `tests/reference/test_scores_transformers.py` compares with a truncation like ours.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from sentence_transformers import CrossEncoder as TheirCrossEncoder

from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder
from resift.retrieval.errors import ModelError
from tests.rerank.scorers.small_models import FAMILIES, export_onnx, save_family, sentences

QUERY = "cat food"
DOCUMENTS = sentences(25, seed=3, shortest=1, longest=60)
PAIRS = [(query, document) for query in (QUERY, "price of coffee") for document in DOCUMENTS]
ACTIVATIONS = {"sigmoid": torch.nn.Sigmoid(), "identity": torch.nn.Identity()}


def assert_same(ours: CrossEncoder | OnnxCrossEncoder, theirs: TheirCrossEncoder, activation: str | None) -> None:
    """Compare predict and rank; `activation` None uses the default of each library."""
    function = None if activation is None else ACTIVATIONS[activation]
    expected = theirs.predict(PAIRS, activation_fn=function)
    assert ours.predict(PAIRS, activation=activation) == pytest.approx(expected, abs=1e-5)
    for top_n in (None, 5):
        mine = ours.rank(QUERY, DOCUMENTS, top_n, return_documents=True, activation=activation)
        other = theirs.rank(QUERY, DOCUMENTS, top_n, return_documents=True, activation_fn=function)
        assert [(row["corpus_id"], row["text"]) for row in mine] == [(row["corpus_id"], row["text"]) for row in other]
        assert [row["score"] for row in mine] == pytest.approx([row["score"] for row in other], abs=1e-5)


@pytest.mark.parametrize("activation", [None, "sigmoid", "identity"])
@pytest.mark.parametrize("family", FAMILIES)
def test_predict_and_rank_equal_those_of_sentence_transformers(
    family: str, activation: str | None, tmp_path: Path
) -> None:
    save_family(family, tmp_path)
    assert_same(CrossEncoder(tmp_path), TheirCrossEncoder(str(tmp_path), device="cpu"), activation)


@pytest.mark.parametrize("activation", ["sigmoid", "identity"])
@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert"])
def test_a_folder_saved_by_sentence_transformers_gives_the_same_scores_with_its_saved_settings(
    family: str, activation: str, tmp_path: Path
) -> None:
    save_family(family, tmp_path / "first")
    theirs = TheirCrossEncoder(
        str(tmp_path / "first"),
        device="cpu",
        max_length=60,
        activation_fn=ACTIVATIONS[activation],
        prompts={"search": "find the", "other": "dog dog"},
        default_prompt_name="search",
    )
    theirs.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    ours = CrossEncoder(tmp_path / "saved")
    assert (ours.encoder.max_length, ours.folder.prompt, ours.folder.activation) == (60, "find the", activation)
    assert_same(ours, theirs, None)
    assert ours.predict(PAIRS, prompt="dog ") == pytest.approx(theirs.predict(PAIRS, prompt="dog "), abs=1e-5)


@pytest.mark.parametrize("place", ["sentence_transformers", "sbert_ce_default_activation_function"])
def test_an_activation_that_older_releases_wrote_to_config_json_is_used(place: str, tmp_path: Path) -> None:
    save_family("bert", tmp_path)
    name = "torch.nn.modules.linear.Identity"
    config = json.loads((tmp_path / "config.json").read_text())
    config[place] = {"activation_fn": name, "version": "5.0.0"} if place == "sentence_transformers" else name
    (tmp_path / "config.json").write_text(json.dumps(config))
    ours = CrossEncoder(tmp_path)
    assert ours.folder.activation == "identity"
    assert_same(ours, TheirCrossEncoder(str(tmp_path), device="cpu"), None)


def test_an_unknown_activation_is_an_error_that_asks_for_the_argument(tmp_path: Path) -> None:
    save_family("bert", tmp_path)
    theirs = TheirCrossEncoder(str(tmp_path), device="cpu", activation_fn=torch.nn.Tanh())
    theirs.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    ours = CrossEncoder(tmp_path / "saved")
    with pytest.raises(ModelError, match=r"torch.nn.modules.activation.Tanh is not supported; pass activation="):
        ours.predict(PAIRS)
    expected = theirs.predict(PAIRS, activation_fn=torch.nn.Identity())
    assert ours.score(PAIRS).logits == pytest.approx(expected, abs=1e-5)


def test_onnx_equals_sentence_transformers_on_the_same_weights(tmp_path: Path) -> None:
    export_onnx(save_family("bert", tmp_path))
    theirs = TheirCrossEncoder(str(tmp_path), device="cpu")
    for activation in (None, "sigmoid", "identity"):
        assert_same(OnnxCrossEncoder(tmp_path, ScorerSettings(threads=1)), theirs, activation)

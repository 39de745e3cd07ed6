"""Torch cross-encoders: results of `predict` and `rank`, and the errors for folders that cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from resift.rerank.scorers.predictor import Batch
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder, choose_device, choose_dtype
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.scorers.small_models import FAMILIES, save_family, sentences

DOCUMENTS = sentences(12, seed=3)
PAIRS = [(query, document) for query in ("cat food", "the price of bread") for document in DOCUMENTS]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> CrossEncoder:
    return CrossEncoder(save_family("bert", tmp_path_factory.mktemp("bert")), name="small-bert")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_family("bert", tmp_path / "model")


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_predict_and_rank_return_nothing_for_an_empty_list(bert: CrossEncoder) -> None:
    assert bert.predict([]).shape == (0,)
    assert bert.rank("cat", []) == []


def test_predict_returns_sigmoids_by_default_and_logits_on_request(bert: CrossEncoder) -> None:
    logits = bert.score(PAIRS).logits
    assert bert.predict(PAIRS).dtype == np.float32
    assert bert.predict(PAIRS) == pytest.approx(1 / (1 + np.exp(-logits.astype(float))), abs=1e-7)
    assert bert.predict(PAIRS, activation="identity").tolist() == logits.tolist()
    assert float(np.ptp(logits)) > 0.1


def test_rank_returns_the_documents_best_first_with_their_indices(bert: CrossEncoder) -> None:
    logits = bert.predict([("cat food", document) for document in DOCUMENTS], activation="identity")
    ranking = bert.rank("cat food", DOCUMENTS, activation="identity", return_documents=True)
    assert [(row["corpus_id"], row["score"]) for row in ranking] == sorted(
        ((place, float(logit)) for place, logit in enumerate(logits)), key=lambda row: -row[1]
    )
    assert all(row["text"] == DOCUMENTS[row["corpus_id"]] for row in ranking)
    assert {type(value) for row in ranking for value in row.values()} == {int, float, str}


def test_top_n_keeps_the_first_rows(bert: CrossEncoder) -> None:
    whole = bert.rank("cat food", DOCUMENTS)
    assert bert.rank("cat food", DOCUMENTS, top_n=3) == whole[:3]
    assert bert.rank("cat food", DOCUMENTS, top_n=0) == []
    assert bert.rank("cat food", DOCUMENTS, 99) == whole
    assert set(whole[0]) == {"corpus_id", "score"}


def test_a_prompt_is_put_before_the_query(bert: CrossEncoder) -> None:
    prompted = [("find: " + query, document) for query, document in PAIRS]
    assert bert.predict(PAIRS, prompt="find: ").tolist() == bert.predict(prompted).tolist()
    assert bert.predict(PAIRS, prompt="find: ").tolist() != bert.predict(PAIRS).tolist()


def test_invalid_arguments_are_refused(bert: CrossEncoder) -> None:
    with pytest.raises(SettingsError, match="documents: expected a list"):
        bert.rank("cat", "dog")
    with pytest.raises(SettingsError, match="top_n: -1"):
        bert.rank("cat", ["dog"], top_n=-1)
    with pytest.raises(SettingsError, match="activation: 'softmax'"):
        bert.predict([("cat", "dog")], activation="softmax")


@pytest.mark.parametrize("family", FAMILIES)
def test_pairs_get_the_same_scores_one_by_one_and_all_at_once(family: str, tmp_path: Path) -> None:
    scorer = CrossEncoder(save_family(family, tmp_path), ScorerSettings(batch_tokens=300))
    together = scorer.score(PAIRS).logits
    alone = [float(scorer.score([pair]).logits[0]) for pair in PAIRS]
    assert together == pytest.approx(alone, abs=1e-5)


def test_truncated_documents_and_queries_are_reported(bert: CrossEncoder) -> None:
    scores = bert.score([("cat", "dog"), ("cat", "dog " * 300), ("cat " * 300, "dog"), ("cat " * 300, "dog " * 300)])
    assert scores.truncated.tolist() == [False, True, False, True]
    assert scores.query_truncated.tolist() == [False, False, True, True]


def test_the_window_is_the_folders_limit_unless_max_length_is_set(folder: Path) -> None:
    assert CrossEncoder(folder).encoder.max_length == 96
    assert CrossEncoder(folder, ScorerSettings(max_length=300)).encoder.max_length == 300
    with pytest.raises(SettingsError, match="max_length: 513 tokens were requested; expected 1 to 512"):
        CrossEncoder(folder, ScorerSettings(max_length=513))


def test_roberta_reads_two_tokens_fewer_than_it_has_positions(tmp_path: Path) -> None:
    save_family("roberta", tmp_path, max_length=10**30)
    scorer = CrossEncoder(tmp_path)
    assert scorer.encoder.max_length == 512
    assert scorer.score([("cat", "dog " * 900)]).truncated.tolist() == [True]


def test_an_unusable_device_is_refused() -> None:
    assert choose_device("cpu").type == "cpu"
    for name in ("cuda:99", "tpu", "cuda:x", "meta"):
        with pytest.raises(SettingsError, match="device: "):
            choose_device(name)


def test_the_dtype_on_a_cpu_is_float32_unless_another_is_requested(folder: Path) -> None:
    assert choose_dtype("auto", torch.device("cpu")) == torch.float32
    narrow = CrossEncoder(folder, ScorerSettings(dtype="bfloat16", device="cpu"))
    assert narrow.model.dtype == torch.bfloat16
    assert narrow.score(PAIRS).logits.dtype == np.float32
    assert narrow.score(PAIRS).logits == pytest.approx(CrossEncoder(folder).score(PAIRS).logits, abs=0.2)


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "deberta-v2"])
def test_attention_is_sdpa_for_every_family_that_supports_it(family: str, tmp_path: Path) -> None:
    assert CrossEncoder(save_family(family, tmp_path)).model.config._attn_implementation == "sdpa"


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    no_weights(folder)


def half_of_the_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def wrong_header(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(b"\xff" * 64 + path.read_bytes()[64:])


def no_head(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = {name: weight for name, weight in load_file(path).items() if not name.startswith("classifier")}
    save_file(weights, path, metadata={"format": "pt"})


def head_of_another_shape(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["classifier.weight"] = torch.zeros(3, 32)
    save_file(weights, path, metadata={"format": "pt"})


def weights_that_are_nan(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["classifier.weight"][0, 0] = float("nan")
    save_file(weights, path, metadata={"format": "pt"})


def no_labels(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    for name in ("id2label", "label2id", "num_labels"):
        config.pop(name, None)
    (folder / "config.json").write_text(json.dumps(config))


def changed(file: str, **changes: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / file, **changes)


def written(file: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_text(text)


def short_vocabulary(folder: Path) -> None:
    save_family("bert", folder, vocab_size=20)


HEAD = {"idx": 1, "path": "1", "type": "sentence_transformers.cross_encoder.modules.logit_score.LogitScore"}
BODY = {"idx": 0, "path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"}
DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (no_weights, "no weights; expected model.safetensors"),
    (pickled, "pickle .* refused"),
    (half_of_the_weights, "weights cannot be loaded"),
    (wrong_header, "weights cannot be loaded"),
    (no_head, r"lacks 2 of the model's weights \(classifier.bias, classifier.weight\), which would be random"),
    (head_of_another_shape, "cannot be loaded|would be random"),
    (no_labels, "does not have labels"),
    (changed("config.json", id2label={"0": "no", "1": "yes"}), "2 labels; expected one"),
    (changed("config.json", architectures=["BertForMaskedLM"]), "BertForMaskedLM has no trained scoring head"),
    (changed("config.json", architectures=["Qwen3ForCausalLM"]), "Qwen3ForCausalLM generates text"),
    (changed("config.json", auto_map={"AutoModel": "mine.Model"}), "needs custom Python code"),
    (changed("config.json", model_type="unheard-of"), "cannot be loaded"),
    (written("config.json", "{'wrong': 1}"), "config.json cannot be read as JSON"),
    (written("config.json", "[1]"), "config.json is not a JSON object"),
    (written("tokenizer_config.json", "{"), "tokenizer_config.json cannot be read as JSON"),
    (written("tokenizer.json", '{"version": '), "its tokenizer cannot be loaded"),
    (lambda folder: (folder / "tokenizer.json").unlink(), "the folder has no tokenizer"),
    (lambda folder: (folder / "config.json").unlink(), "no config.json"),
    (written("modules.json", json.dumps([BODY, HEAD])), "modules.json adds LogitScore"),
    (written("modules.json", "5"), "modules.json is not a list"),
    (short_vocabulary, r"ids up to \d+, but the model has only 20 embeddings"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGE, ids=[message[:40] for _, message in DAMAGE])
def test_an_unusable_folder_is_refused_with_a_one_line_message(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        CrossEncoder(folder, name="mine")
    assert str(caught.value).startswith("mine: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_weights_that_are_nan_are_refused_during_scoring(folder: Path) -> None:
    weights_that_are_nan(folder)
    with pytest.raises(ModelError, match="mine: its scores are NaN or infinite"):
        CrossEncoder(folder, name="mine").score(PAIRS)


class NarrowMemory(CrossEncoder):
    """A torch model on a machine with memory for at most four rows."""

    failures = 0

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        real = self.model
        self.model = self.refuse if len(batch["input_ids"]) > 4 else real
        try:
            return super().forward(batch)
        finally:
            self.model = real

    def refuse(self, **inputs: torch.Tensor) -> None:
        self.failures += 1
        torch.empty(2**60)


def test_an_out_of_memory_error_of_torch_halves_the_batch(folder: Path) -> None:
    narrow, wide = NarrowMemory(folder), CrossEncoder(folder)
    assert narrow.score(PAIRS).logits == pytest.approx(wide.score(PAIRS).logits, abs=1e-5)
    assert narrow.failures >= 2


def test_loading_prints_nothing_and_keeps_the_global_settings_of_transformers(folder: Path) -> None:
    program = (
        "from resift.rerank.scorers.torch_backend import CrossEncoder\n"
        "from transformers.utils import logging\n"
        "before = logging.get_verbosity(), logging.is_progress_bar_enabled()\n"
        f"CrossEncoder({str(folder)!r}).predict([('cat', 'dog')])\n"
        "assert before == (logging.get_verbosity(), logging.is_progress_bar_enabled())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

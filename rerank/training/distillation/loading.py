"""Load a model as torch weights that can be trained, and save it in the layout of the Hugging Face Hub."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.model_folder import ModelFolder, read_folder
from resift.rerank.scorers.predictor import one_line
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.quiet_libraries import quiet_libraries
from resift.retrieval.errors import ModelError
from resift.retrieval.extras import install_line


@dataclass(frozen=True, slots=True)
class Network:
    """A torch model with one label in float32, without dropout, and the folder whose tokenizer it reads with."""

    model: Any
    folder: ModelFolder

    def encoder(self, tokens: int) -> PairEncoder:
        """Return the encoder of its pairs, of at most `tokens` tokens, or as many as the model reads.

        Raises ModelError if the folder has no tokenizer that can be used.
        """
        from resift.rerank.scorers.torch_backend import load_tokenizer

        tokenizer, _, pad_id = load_tokenizer(self.folder)
        return PairEncoder(tokenizer, min(tokens, self.folder.window(None)), pad_id or 0, self.folder.name)

    def with_model(self, model: Any) -> Network:  # noqa: ANN401 - transformers is untyped
        """Return `model` with the tokenizer of this one."""
        return replace(self, model=model)


def load_network(model: str | Path, settings: ScorerSettings | None = None, new_head: bool = False) -> Network:
    """Return the weights of `model`, a name as `resift.rerank.scorers.load.load_scorer` takes it, for training.

    An embedded model, and any other folder with ONNX weights alone, is dequantized. With `new_head`, a model without a
    scoring head, such as a language model, gets a random one. Raises ModelError if the model cannot be found, its
    weights cannot be read as torch weights, or torch is not installed.
    """
    folder = open_folder(model, settings or ScorerSettings())
    try:
        import torch

        from resift.rerank.scorers.torch_weights import load_model
    except ImportError as error:
        raise ModelError(f"training needs torch and transformers: {install_line('train')}", folder.name) from error
    if not folder.safetensors:
        return Network(_dequantized(folder).eval(), folder)
    try:
        folder.check()
        loaded = load_model(folder, torch.float32)
    except ModelError:
        if not new_head:
            raise
        loaded = _with_new_head(folder)
    return Network(loaded.eval(), folder)


def is_bert(model: Any) -> bool:  # noqa: ANN401 - transformers is untyped
    """Return whether `model` is a BERT whose layers can be read, copied and fitted."""
    from transformers import BertForSequenceClassification

    return isinstance(model, BertForSequenceClassification) and model.config.hidden_act == "gelu"


def save_network(network: Network, target: Path, tokens: int) -> None:
    """Write the weights, the configuration and the tokenizer of `network` to the folder `target`, which is made.

    `tokens` is written as the most tokens of a pair. Raises OSError.
    """
    from transformers import AutoTokenizer

    target.mkdir(parents=True, exist_ok=True)
    with quiet_libraries():
        network.model.save_pretrained(str(target), safe_serialization=True)
        tokenizer: Any = AutoTokenizer.from_pretrained(network.folder.path, local_files_only=True)
        tokenizer.model_max_length = min(tokens, network.folder.window(None))
        tokenizer.save_pretrained(str(target))
    config = json.loads((target / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    config |= {
        "architectures": [type(network.model).__name__],
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
    }
    _write(target / "config.json", config)


def _with_new_head(folder: ModelFolder) -> Any:  # noqa: ANN401 - transformers is untyped
    import torch
    from transformers import AutoModelForSequenceClassification

    maker: Any = AutoModelForSequenceClassification
    torch.manual_seed(0)
    try:
        return maker.from_pretrained(
            folder.path, num_labels=1, use_safetensors=True, local_files_only=True, ignore_mismatched_sizes=True
        ).float()
    except Exception as error:  # transformers raises many kinds
        raise folder.error(f"its weights cannot be loaded for training: {one_line(error)}") from error


def _dequantized(folder: ModelFolder) -> Any:  # noqa: ANN401 - transformers is untyped
    import torch

    from resift.rerank.scorers.torch_weights import load_model
    from resift.rerank.training.dequantize import dequantize_folder

    if folder.onnx is None:
        raise folder.error("the folder contains no weights; expected model.safetensors or model.onnx")
    with tempfile.TemporaryDirectory(prefix="resift-") as made, quiet_libraries():
        target = Path(made) / "model"
        return load_model(read_folder(dequantize_folder(folder.path, folder.onnx, target)), torch.float32)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

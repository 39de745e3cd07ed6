"""The modules that turn a model's last layer into a score, as sentence-transformers lists them in modules.json.

Cross-encoders such as ettin-reranker have no head inside transformers: modules.json names a Transformer, and after it a
Pooling, Dense layers and a LayerNorm, each in a folder of its own with config.json and model.safetensors. Only modules
of sentence-transformers that this table knows are accepted; nothing in a folder is executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from resift.rerank.scorers.json_file import read_json
from resift.retrieval.errors import ModelError

KNOWN = ("Pooling", "Dense", "LayerNorm", "Normalize", "Dropout")
"""Modules that can follow the Transformer."""

ACTIVATIONS = (
    *("CELU", "ELU", "GELU", "Hardtanh", "Identity", "LeakyReLU", "Mish", "ReLU", "ReLU6", "SELU", "SiLU"),
    *("Sigmoid", "Softplus", "Softsign", "Tanh"),
)
"""Classes of torch.nn that a Dense layer can apply."""

POOLINGS = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
"""Modes of Pooling, in the order in which old files, one flag a mode, concatenate them."""

_OLD_FLAGS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}

EMBEDDING, SCORES = "sentence_embedding", "scores"
"""The values that modules read and write: what Pooling makes of a pair, and its score."""


@dataclass(frozen=True, slots=True)
class HeadModule:
    """One module after the Transformer: its `kind`, one of `KNOWN`, its folder and its config.json.

    `source` and `result` name the values that it reads and writes.
    """

    kind: str
    folder: Path
    config: Mapping[str, Any]

    @property
    def source(self) -> str:
        """The name of the value that it reads."""
        return str(self.config.get("module_input_name") or EMBEDDING)

    @property
    def result(self) -> str:
        """The name of the value that it writes."""
        return str(self.config.get("module_output_name") or self.source)

    @property
    def activation(self) -> str:
        """The class of torch.nn that a Dense layer applies; that of sentence-transformers if it names none."""
        name = self.config.get("activation_function", "torch.nn.modules.activation.Tanh")
        return str(name).rsplit(".", 1)[-1] if str(name).startswith("torch.nn.") else str(name)

    @property
    def poolings(self) -> tuple[str, ...]:
        """The modes of a Pooling, in the order of their results."""
        given = self.config.get("pooling_mode")
        if given is None:
            return tuple(mode for mode, flag in _OLD_FLAGS.items() if self.config.get(flag)) or ("mean",)
        return (given,) if isinstance(given, str) else tuple(map(str, given))


def read_head(path: Path, name: str) -> tuple[HeadModule, ...]:
    """Return the modules after the Transformer of the folder `path`; none if transformers itself has the head.

    `name` is the model's name in messages. Raises ModelError if a module is not known, or the last one does not give
    one score.
    """
    modules = read_json(path / "modules.json", name, default=[])
    if not isinstance(modules, list) or not all(isinstance(module, Mapping) for module in modules):
        raise ModelError("modules.json is not a list of JSON objects; download it again", name)
    if not modules:
        return ()
    first, *rest = modules
    if _kind(first, name) != "Transformer":
        raise ModelError(f"modules.json begins with {_kind(first, name)}; expected a Transformer", name)
    if rest and first.get("path"):
        raise ModelError("modules.json has its Transformer in a subfolder; expected it beside modules.json", name)
    found = tuple(_module(module, path, name) for module in rest)
    if found:
        _check_chain(found, name)
    return found


def _module(module: Mapping[str, Any], path: Path, name: str) -> HeadModule:
    kind = _kind(module, name)
    if kind not in KNOWN:
        raise ModelError(
            f"modules.json adds {kind}, which is not supported; expected {', '.join(KNOWN)} after the Transformer", name
        )
    inside = module.get("path")
    parts = PurePosixPath(str(inside)).parts
    if not isinstance(inside, str) or len(parts) != 1 or parts[0] in ("/", "..") or "\\" in inside or ":" in inside:
        raise ModelError(f"modules.json gives {kind} the path {inside!r}; expected a subfolder such as 1_{kind}", name)
    config = read_json(path / inside / "config.json", name, default={})
    if not isinstance(config, Mapping):
        raise ModelError(f"{inside}/config.json is not a JSON object; download it again", name)
    return HeadModule(kind, path / inside, config)


def _kind(module: Mapping[str, Any], name: str) -> str:
    """Return the class of a module of sentence-transformers. Raises ModelError if it is somebody else's."""
    dotted = str(module.get("type", ""))
    if not dotted.startswith("sentence_transformers."):
        raise ModelError(
            f"modules.json needs the code of {dotted or 'an unnamed module'}, which is never run; choose another model",
            name,
        )
    return dotted.rsplit(".", 1)[-1]


def _check_chain(modules: tuple[HeadModule, ...], name: str) -> None:
    """Raise ModelError if a setting is not supported, or the modules give something else than one score."""
    for module in modules:
        if module.kind == "Dense" and module.activation not in ACTIVATIONS:
            raise ModelError(
                f"its Dense layer applies {module.activation}; expected one of torch.nn's activations", name
            )
        unknown = [mode for mode in module.poolings if mode not in POOLINGS] if module.kind == "Pooling" else []
        if unknown or module.config.get("include_prompt") is False:
            what = f"the mode {unknown[0]}" if unknown else "include_prompt false"
            raise ModelError(f"its Pooling has {what}, which is not supported; choose another model", name)
    last = next((one for one in reversed(modules) if one.result == SCORES and one.kind == "Dense"), None)
    if last is None:
        raise ModelError(
            "its modules give an embedding and no score: it is a bi-encoder; choose a model that was trained to rerank",
            name,
        )
    if last.config.get("out_features") != 1:
        raise ModelError(f"its head gives {last.config.get('out_features')} scores; expected one, the relevance", name)

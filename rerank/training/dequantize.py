"""Turn the ONNX graph of a BERT cross-encoder back into weights that can be trained, whichever way it was quantized.

The linear layers of a graph are found by what they compute, not by how they were written: a product with a constant
matrix, in float32 or in int8 (MatMulInteger of dynamic quantization, MatMulIntegerToFloat of ONNX Runtime, or MatMul
of a DequantizeLinear). An input that is multiplied by one number for each channel before it is rounded
(SmoothQuant, Xiao et al. 2023) gives these numbers back to the rows of the weights. The order of the layers and the
names of their values say which layer is which.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resift.retrieval.errors import ModelError
from resift.retrieval.extras import install_line

if TYPE_CHECKING:
    from resift.rerank.training.onnx_weights import Float, GraphWeights, Linear

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_ATTENTION = ("query", "key", "value")
_REST = ("attention.output.dense", "intermediate.dense", "output.dense")
"""The linear layers of one layer of BERT, in the order in which they are computed."""
_TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings")


def dequantize_folder(folder: Path, onnx_file: Path, target: Path) -> Path:
    """Write the model of `folder`, whose weights are in `onnx_file`, to `target` in the hub's layout, and return it.

    `target` gets config.json, model.safetensors and the tokenizer. Raises ModelError if a library is missing, or the
    graph is not that of a BERT with one label.
    """
    try:
        import torch
        from transformers import BertConfig, BertForSequenceClassification
    except ImportError:
        raise ModelError(f"training needs torch and transformers: {install_line('train')}", folder) from None
    config = BertConfig.from_json_file(str(folder / "config.json"))
    config.num_labels = 1
    state = read_weights(onnx_file, config, folder)
    model = BertForSequenceClassification(config)
    try:
        missing = model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()}, strict=False)
    except RuntimeError as error:
        raise _not_bert(folder, f"a weight has another shape ({str(error).splitlines()[-1].strip()})") from None
    if lacking := [name for name in missing.missing_keys if not name.endswith("position_ids")]:
        raise _not_bert(folder, f"it has no {lacking[0]}")
    target.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(target)
    for name in (*TOKENIZER, "resift.json"):
        if (folder / name).is_file():
            shutil.copy(folder / name, target / name)
    _keep_activation(folder, target)
    return target


def read_weights(onnx_file: Path, config: Any, name: Path | str) -> dict[str, Float]:  # noqa: ANN401
    """Return the weights of the graph in `onnx_file` by the names of `BertForSequenceClassification`, float32.

    `config` is the model's BertConfig, `name` the model's in messages. Raises ModelError if the graph cannot be read,
    or does not consist of the parts of such a model.
    """
    graph = _open(onnx_file, name)
    *linears, pooler, classifier = _linears(graph, int(config.num_hidden_layers), 2, name)
    state = {f"bert.{place}": value for place, value in _encoder(graph, linears, config, name).items()}
    _put(state, "bert.pooler.dense", pooler)
    _put(state, "classifier", classifier)
    return state


def read_encoder_weights(onnx_file: Path, config: Any, name: Path | str) -> dict[str, Float]:  # noqa: ANN401
    """Return the weights of a graph that turns a text into a vector, by the names of BertModel, float32.

    The pooler, which such a graph lacks and no vector needs, is zero, so that no loader fills it at random. Arguments
    and errors are those of `read_weights`.
    """
    graph = _open(onnx_file, name)
    state = _encoder(graph, _linears(graph, int(config.num_hidden_layers), 0, name), config, name)
    width = int(config.hidden_size)
    zeros = {"weight": np.zeros((width, width), np.float32), "bias": np.zeros(width, np.float32)}
    return state | {f"pooler.dense.{part}": value for part, value in zeros.items()}


def _linears(graph: GraphWeights, layers: int, of_head: int, name: Path | str) -> list[Linear]:
    """Return the linear layers of a graph with `layers` layers, and `of_head` after them. Raises ModelError."""
    linears, norms = list(graph.linears()), len(list(graph.norms()))
    expected = 6 * layers + of_head
    if len(linears) != expected or norms != 2 * layers + 1:
        head = " and a head" if of_head else ""
        raise _not_bert(
            name,
            f"it has {len(linears)} linear layers and {norms} normalizations; {layers} layers of BERT{head} have "
            f"{expected} and {2 * layers + 1}",
        )
    return linears


def _encoder(graph: GraphWeights, linears: list[Linear], config: Any, name: Path | str) -> dict[str, Float]:  # noqa: ANN401
    """Return the weights of embeddings and layers, by the names of BertModel. Raises ModelError."""
    state: dict[str, Float] = {}
    places = ["embeddings.LayerNorm"]
    for number in range(int(config.num_hidden_layers)):
        layer = f"encoder.layer.{number}"
        for role, linear in _by_role(linears[6 * number : 6 * number + 6]):
            _put(state, f"{layer}.{role}", linear)
        places += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for place, (weight, bias) in zip(places, graph.norms(), strict=True):
        state |= {f"{place}.weight": weight, f"{place}.bias": bias}
    rows = (config.vocab_size, config.max_position_embeddings, config.type_vocab_size)
    tables = graph.tables()
    for table, count in zip(_TABLES, rows, strict=True):
        named = [values for names, values in tables if any(table in one for one in names)]
        found = named or [values for _, values in tables if len(values) == count]
        if not found:
            raise _not_bert(name, f"it has no {table} with {count} rows")
        state[f"embeddings.{table}.weight"] = found[0]
    return {key: _plain(value) for key, value in state.items()}


def _open(onnx_file: Path, name: Path | str) -> GraphWeights:
    try:
        import onnx

        from resift.rerank.training.onnx_weights import GraphWeights
    except ImportError:
        raise ModelError(f"reading an ONNX graph needs onnx: {install_line('train')}", name) from None
    try:
        return GraphWeights(onnx.load(str(onnx_file)).graph)
    except Exception as error:  # protobuf's own errors
        raise ModelError(
            f"{onnx_file.name} cannot be read as ONNX ({type(error).__name__}); download it again", name
        ) from None


def _by_role(linears: list[Linear]) -> Iterator[tuple[str, Linear]]:
    """Yield the linear layers of one layer with what they are: query, key and value by their names, else by order."""
    attention = linears[:3]
    for place, role in enumerate(_ATTENTION):
        named = [one for one in attention if any(f"/{role}/" in name for name in one.names)]
        yield f"attention.self.{role}", named[0] if len(named) == 1 else attention[place]
    yield from zip(_REST, linears[3:], strict=True)


def _put(state: dict[str, Float], place: str, linear: Linear) -> None:
    bias = np.zeros(len(linear.weight), np.float32) if linear.bias is None else linear.bias
    state |= {f"{place}.weight": _plain(linear.weight), f"{place}.bias": _plain(bias)}


def _plain(values: Float) -> Float:
    """Return a float32 array in the order of rows, which safetensors writes whatever the array's own order is."""
    return np.ascontiguousarray(values, dtype=np.float32)


def _keep_activation(folder: Path, target: Path) -> None:
    """Copy what sentence-transformers keeps in config.json, such as the function that is applied to the logits."""
    before = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    after = json.loads((target / "config.json").read_text(encoding="utf-8"))
    after |= {name: before[name] for name in ("sentence_transformers", "id2label", "label2id") if name in before}
    (target / "config.json").write_text(json.dumps(after, indent=2) + "\n", encoding="utf-8")


def _not_bert(name: Path | str, why: str) -> ModelError:
    return ModelError(f"its ONNX graph is not that of a BERT cross-encoder: {why}; name a base with safetensors", name)

"""Export a trained model as one folder that transformers, sentence-transformers and resift load."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resift.rerank.scorer import Pair
from resift.rerank.scorers.encoding import PairEncoder
from resift.rerank.scorers.model_folder import ModelFolder, read_folder
from resift.rerank.scorers.proof import PROOF_FILE
from resift.rerank.scorers.proved_graph import FLOAT32_FILE
from resift.rerank.scorers.resift_file import RESIFT_FILE
from resift.rerank.scorers.tokenizer_file import TOKENIZER, WORDS, word_list
from resift.rerank.training.export.parity import Parity, compare
from resift.rerank.training.export.settings import PROOF_PAIRS, ExportSettings
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line
from resift.retrieval.json_output import write_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from resift.rerank.training.export.calibration import Inputs

INT8_FILE, ONLY_FILE = "onnx/model_int8.onnx", "model.onnx"
"""The int8 graph beside the float32 one (`FLOAT32_FILE`), and that of a folder that has nothing else."""

COPIED = (
    "README.md",
    "LICENSE",
    "NOTICE",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "modules.json",
)
"""Files of the model's folder that are copied as they are; weights, configuration and tokenizer are written anew."""

_OF_A_MODEL = re.compile(
    r"(README|LICENSE|NOTICE)(\.md|\.txt)?|(\w*tokenizer|\w*config|modules|special_tokens_map|added_tokens)\w*\.json"
    r"|vocab\.(txt|json)|merges\.txt|.*\.(safetensors|onnx|model)|pytorch_model.*\.bin|onnx|\d_\w+"
    r"|(resift|proof|training|distillation)\.json|training_texts\.npz|curves\.\w+|\.gitattributes"
)
"""The names of files and folders of a model, which an export may replace."""

MOST_DIFFERENCE = 1e-3
"""The largest difference of a float32 ONNX logit from torch's, relative to their spread where that is above 1."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: the `folder`, the size of its int8 graph in bytes, and how near to torch both graphs are.

    `precision` is what int8 turned out to run in on this machine: "int8", or "float32" where its kernel is wrong.
    """

    folder: Path
    int8_bytes: int
    float32: Parity
    int8: Parity
    precision: str


def export_folder(
    source: Path,
    target: Path,
    pairs: Sequence[Pair],
    settings: ExportSettings | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write the model in the folder `source` to the new folder `target`, and return what was written and how exact.

    `pairs` are (query, document) texts like those that the model will score: int8 is fitted to some, compared on
    others, and 32 short pieces of them are written into the folder as its proof. `target` appears when all is checked;
    `overwrite` replaces a model that is there.
    Raises SettingsError if there are too few pairs, or `target` is not empty and not to be replaced; ModelError if a
    library is missing, the model cannot be read, or an exported graph differs too much from torch.
    """
    settings = settings or ExportSettings()
    distinct = list(dict.fromkeys(pairs))
    if len(distinct) < PROOF_PAIRS:
        raise SettingsError(f"{len(distinct)} different pairs were given; expected {PROOF_PAIRS} or more", "pairs")
    _check_libraries(source)
    folder = read_folder(source)
    folder.check()
    if folder.head_modules:
        raise folder.error("its head has several modules, which cannot be exported; use its safetensors as they are")
    with _new_folder(target, overwrite) as made:
        return _export(folder, made, target, distinct, settings)


def _export(folder: ModelFolder, made: Path, target: Path, pairs: list[Pair], settings: ExportSettings) -> Exported:
    import torch

    from resift.rerank.scorers.torch_backend import load_tokenizer
    from resift.rerank.scorers.torch_weights import load_model, quiet
    from resift.rerank.training.export.float32 import export_float32
    from resift.rerank.training.export.proving import make_proof

    tokenizer, names, _ = load_tokenizer(folder)
    model = load_model(folder, torch.float32).eval()
    typed = getattr(model.config, "type_vocab_size", 0) > 1 and "token_type_ids" in names
    inputs = ("input_ids", "attention_mask", *(("token_type_ids",) if typed else ()))
    write_description(folder, tokenizer, made, settings.int8_only)
    (made / "onnx").mkdir()
    exact, small = made / FLOAT32_FILE, made / (ONLY_FILE if settings.int8_only else INT8_FILE)
    export_float32(model, inputs, exact)
    encoder = PairEncoder(tokenizer, folder.window(None), folder.pad_id, folder.name)
    fitted, compared = divide(pairs, settings)
    _write_int8(folder, exact, small, _batches(fitted, encoder, inputs))
    written = read_folder(made, folder.name)
    proof = make_proof(written, tokenizer, fitted, exact, small)
    write_json(made / PROOF_FILE, proof.content(), indent=1)
    write_json(made / RESIFT_FILE, {**folder.resift, "proof": PROOF_FILE}, indent=1)
    with quiet():
        model.save_pretrained(made)
    _keep_config(folder, made)
    result = _compare(folder.name, made, target, small, compared)
    _check_parity(folder, result, settings)
    write_json(made / RESIFT_FILE, {**folder.resift, "proof": PROOF_FILE, "export": _facts(result)}, indent=1)
    if settings.int8_only:
        shutil.rmtree(made / "onnx")
        for weights in made.glob("model*.safetensors*"):
            weights.unlink()
    return result


def divide(pairs: list[Pair], settings: ExportSettings) -> tuple[list[Pair], list[Pair]]:
    """Return the pairs that int8 is fitted to and those that it is compared on, each taken evenly from `pairs`.

    No pair is in both unless there are fewer than twice `PROOF_PAIRS`.
    """
    if len(pairs) < 2 * PROOF_PAIRS:
        return pairs, pairs
    count = min(settings.parity_pairs, len(pairs) // 3)
    held = set(np.linspace(0, len(pairs) - 1, max(count, PROOF_PAIRS)).astype(int).tolist())
    rest = [pair for place, pair in enumerate(pairs) if place not in held]
    count = min(settings.calibration_pairs, len(rest))
    fitted = [rest[place] for place in np.linspace(0, len(rest) - 1, count).astype(int)]
    return fitted, [pairs[place] for place in sorted(held)]


def write_description(folder: ModelFolder, tokenizer: Tokenizer, made: Path, small: bool = False) -> None:
    """Write the files of `folder` without weights to `made`: configuration, tokenizer, card.

    With `small`, the tokenizer of a BERT is written as its list of words, which has half the size.
    """
    for name in COPIED:
        if (folder.path / name).is_file():
            shutil.copyfile(folder.path / name, made / name)
    shutil.copyfile(folder.path / "config.json", made / "config.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    words = word_list(tokenizer, folder) if small else None
    if words is None:
        tokenizer.save(str(made / TOKENIZER), pretty=False)
    else:
        (made / WORDS).write_text(words, encoding="utf-8", newline="\n")


def _batches(pairs: list[Pair], encoder: PairEncoder, inputs: tuple[str, ...]) -> list[Inputs]:
    """Return each pair as a batch of its own, so that no padding is observed."""
    encoded = encoder.encode(pairs)
    padded = (encoder.pad(encoded, np.array([row])) for row in range(len(pairs)))
    return [{name: batch[name] for name in inputs} for batch in padded]


def _write_int8(folder: ModelFolder, exact: Path, small: Path, batches: list[Inputs]) -> None:
    from resift.rerank.training.export.int8 import export_int8

    width = folder.config.get("hidden_size")
    smallest = min(width * width, 65536) if isinstance(width, int) else 65536
    try:
        export_int8(exact, small, batches, smallest=smallest)
    except ValueError as error:
        raise folder.error(f"it cannot be written as int8: {error}") from error


def _compare(name: str, made: Path, target: Path, small: Path, pairs: list[Pair]) -> Exported:
    """Return how near the files in `made` are to its safetensors, each loaded as a user loads it."""
    from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.rerank.scorers.torch_backend import CrossEncoder

    torchs = CrossEncoder(made, ScorerSettings(device="cpu"), name).score(pairs).logits
    exact = OnnxCrossEncoder(made, ScorerSettings(dtype="float32"), name)
    int8 = OnnxCrossEncoder(made, ScorerSettings(), name)
    float32, rounded = (compare(scorer.score(pairs).logits, torchs) for scorer in (exact, int8))
    return Exported(target, small.stat().st_size, float32, rounded, int8.precision)


def _check_parity(folder: ModelFolder, result: Exported, settings: ExportSettings) -> None:
    if result.float32.largest > MOST_DIFFERENCE * max(1.0, result.float32.spread):
        raise folder.error(
            f"its ONNX graph gives logits that differ from torch's by up to {result.float32.largest:.2g}; the exporter "
            "of torch does not support this model: use its safetensors"
        )
    if result.int8.order < settings.least_order:
        raise folder.error(
            f"int8 puts only {result.int8.order:.1%} of the pairs of documents in the order of float32; expected "
            f"{settings.least_order:.0%} (`least_order`): give more pairs like those that it will score, or use float32"
        )


def _facts(result: Exported) -> dict[str, Any]:
    libraries = {name: version(name) for name in ("torch", "transformers", "onnx", "onnxruntime", "numpy")}
    return {"float32": asdict(result.float32), "int8": asdict(result.int8), "libraries": libraries}


def _keep_config(folder: ModelFolder, made: Path) -> None:
    """Keep what transformers does not write into config.json, such as the settings of sentence-transformers."""
    written = json.loads((made / "config.json").read_text(encoding="utf-8"))
    kept = {name: value for name, value in folder.config.items() if name not in written}
    write_json(made / "config.json", {**written, **kept}, indent=1, finite=False)  # as transformers writes it


def _check_libraries(source: Path) -> None:
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise ModelError(f"an export needs torch, transformers and onnx: {install_line('train')}", source) from error


@contextmanager
def _new_folder(target: Path, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder beside `target`, which takes its place at the end; after an error it is removed.

    Raises SettingsError if `target` is not empty and is not to be replaced, or is not a model's folder.
    """
    occupied = target.exists() and (not target.is_dir() or any(target.iterdir()))
    model = (target / "config.json").is_file()
    if occupied and not (overwrite and model):
        way = "choose another folder, or use `overwrite`" if model else "choose another one"
        raise SettingsError(f"{target} is not empty; {way}", "target")
    if occupied and (others := sorted(one.name for one in target.iterdir() if not _OF_A_MODEL.fullmatch(one.name))):
        raise SettingsError(f"{target} has {others[0]}, which is not of a model; choose another folder", "target")
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield made
        made.chmod(0o755)
        if target.exists():
            old = made.with_name(f"{made.name}-old")
            target.rename(old)
            made.rename(target)
            shutil.rmtree(old)
        else:
            made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)

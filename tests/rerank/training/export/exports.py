"""Small models exported as users export them, and the pairs that they are fitted to."""

from __future__ import annotations

import json
from pathlib import Path

from resift.rerank.scorer import Pair
from resift.rerank.training.export.folder import Exported, export_folder
from resift.rerank.training.export.settings import ExportSettings
from tests.rerank.scorers.small_models import save_family, sentences

HELD_OUT = [(query, document) for query in ("cat food", "the price of bread") for document in sentences(12, seed=3)]


def pairs_of_texts(count: int = 72, seed: int = 7) -> list[Pair]:
    return list(zip(sentences(count, seed, 1, 6), sentences(count, seed + 1, 1, 60), strict=True))


def export_small(folder: Path, family: str = "bert", settings: ExportSettings | None = None) -> Exported:
    """Export a small model of the family to `folder`/model; it is saved in `folder`/source."""
    source = save_family(family, folder / "source")
    content = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(
        json.dumps(content | {"sentence_transformers": {"activation_fn": "torch.nn.Identity"}})
    )
    return export_folder(source, folder / "model", pairs_of_texts(), settings)

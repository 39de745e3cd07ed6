"""Keep the first stage's rankings of a folder between runs of the gate: its index is then not built again."""

from __future__ import annotations

import dataclasses
import json
import math
from importlib.metadata import version
from pathlib import Path

from resift.rerank.stages import SearchStages
from resift.rerank.training.gate.fingerprint import content_key
from resift.retrieval.atomic_file import write_file
from resift.retrieval.types import Run


class KeptRuns:
    """Runs in a folder, a file each, named by the key of what determines them; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        """Use `folder`, which exists."""
        self._folder = folder

    def key(self, collection: Path | None, split: str, stages: SearchStages) -> str:
        """Return the key of the rankings of a collection's folder, "" if there is none to keep.

        It is a hash of the content of the folder's files, and of the settings of the first stage.
        """
        if self._folder is None or collection is None:
            return ""
        files = [path for path in collection.iterdir() if path.is_file() and path.name.startswith(("corpus", "quer"))]
        files += [path for path in (collection / "qrels").glob(f"{split}.*") if path.is_file()]
        settings = {**dataclasses.asdict(stages.bm25), "depth": stages.search.depth, "version": version("resift")}
        return content_key(collection, files, (json.dumps(settings, sort_keys=True, default=str),))

    def read(self, key: str) -> Run | None:
        """Return the run with this key, None if there is none that can be read."""
        if not key or self._folder is None:
            return None
        try:
            content = json.loads(self._path(key).read_text(encoding="utf-8"))
            return {
                str(query_id): {str(doc_id): _finite(score) for doc_id, score in scores.items()}
                for query_id, scores in content.items()
            }
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def write(self, key: str, run: Run) -> None:
        """Keep `run` under this key. Raises OSError."""
        if key and self._folder is not None:
            write_file(self._path(key), [json.dumps(run)])

    def _path(self, key: str) -> Path:
        return (self._folder or Path()) / f"run-{key}.json"


def _finite(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a score")
    return number

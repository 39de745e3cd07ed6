"""Write the card of a model."""

from __future__ import annotations

from pathlib import Path

from resift.rerank.training.record import RunRecord


def write_card(folder: Path, record: RunRecord | None = None, model_id: str = "") -> Path:
    """Write README.md into a model's folder and return its path; an existing one is replaced.

    `record` is what the training recorded; if it is not given, that in the folder (`read_record`). What the gate found,
    the dev figures and the fusion are read from resift.json. `model_id` is the name on the hub ("org/name") that the
    examples of use show, else the folder's. Every figure comes from these files. Raises ModelError if there is no
    record or a library is missing, and OSError.
    """
    raise NotImplementedError

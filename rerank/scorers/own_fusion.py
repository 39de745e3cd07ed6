"""How a model is best fused with the first stage, as its own folder says in resift.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.scorers.resift_file import RESIFT_FILE
from resift.retrieval.errors import ModelError

KINDS = ("zscore", "zscore-read", "none")
"""How both stages' scores can be combined.

"zscore": the weighted sum of their z-scores; "zscore-read": the same, but the model's weight for a document is lowered
to the share of its text that the model read; "none": the model alone.
"""


@dataclass(frozen=True, slots=True)
class OwnFusion:
    """The fusion that was fitted for a model on judged queries: one of `KINDS`, and the model's weight, 0 to 1.

    The kind "none" has the weight 1.
    """

    kind: str
    weight: float

    def as_json(self) -> dict[str, object]:
        """Return it as the member "fusion" of resift.json has it."""
        return {"kind": self.kind, "weight": self.weight}


DEFAULT_FUSION = OwnFusion("zscore-read", 0.7)
"""The fusion of a model whose folder does not say how it is fused, such as nearly all of the Hugging Face Hub.

At an equal share, half of what a strong model knows is lost; at 1, a weak one harms. docs/models.md has the figures.
"""


def read_fusion(content: Mapping[str, Any], name: str) -> OwnFusion | None:
    """Return the fusion in `content`, that of resift.json; None if it has none.

    `name` is the model's name in messages. Raises ModelError if the fusion cannot be used.

    >>> read_fusion({"fusion": {"kind": "zscore", "weight": 0.8}}, "my-model")
    OwnFusion(kind='zscore', weight=0.8)
    """
    given = content.get("fusion")
    if given is None:
        return None
    what = f'{RESIFT_FILE}: "fusion" is {json.dumps(given)[:80]}'
    wanted = f'expected {{"kind": {" or ".join(map(json.dumps, KINDS))}, "weight": a number from 0 to 1}}'
    way_out = "fit it again with `resift tune`, or delete the file to use the default"
    if not isinstance(given, Mapping) or given.get("kind") not in KINDS:
        raise ModelError(f"{what}; {wanted}: {way_out}", name)
    weight = given.get("weight", 1.0 if given["kind"] == "none" else None)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.0 <= weight <= 1.0:
        raise ModelError(f"{what}; {wanted}: {way_out}", name)
    if given["kind"] == "none" and weight != 1.0:
        raise ModelError(f'{what}; the kind "none" is the model alone, weight 1: {way_out}', name)
    return OwnFusion(str(given["kind"]), float(weight))

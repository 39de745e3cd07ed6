"""What is to be known of a model before its order is trusted, by the resift.json of its folder."""

from __future__ import annotations

from collections.abc import Mapping

from resift.rerank.fusion_choice import Fusion
from resift.rerank.scorers.model_folder import ModelFolder


def reservations(folder: ModelFolder, fusion: Fusion) -> list[str]:
    """Return, a sentence each, that a search does not use the model of `folder`, or that it did not pass the gate.

    `fusion` is the one that applies. Empty for a model that is used and passed, was never judged, or was promoted by
    force, which its user decided.
    """
    found = []
    if fusion.weight == 0.0:
        found.append(
            f"{folder.name} is not used: beside the first stage it has the weight 0 ({fusion.reason}), so that the "
            "order is the first stage's (`fusion_weight` gives it another)"
        )
    gate = folder.resift.get("gate")
    if isinstance(gate, Mapping) and gate.get("passed") is False and gate.get("forced") is not True:
        found.append(f"{folder.name} did not pass the gate after its training{_first_reason(gate)}")
    return found


def _first_reason(gate: Mapping[str, object]) -> str:
    reasons = gate.get("reasons")
    return f": {str(reasons[0])[:200].rstrip('.')}" if isinstance(reasons, list) and reasons else ""

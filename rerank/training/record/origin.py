"""Where a model comes from, as its folder says."""

from __future__ import annotations

from pathlib import Path

from resift.rerank.scorers.card import read_card
from resift.rerank.training.record.run import Origin


def origin_of(name: str) -> Origin:
    """Return the origin of the model `name`, a name or a folder, with the licence of its card.

    A folder whose card says that it has the weights of a model of the hub in another form ("base_model_relation:
    quantized") is named as that model.

    >>> origin_of("no-such-model").name
    'no-such-model'
    """
    card = read_card(Path(name)) if Path(name).is_dir() else {}
    licence = next(iter(card.get("license", ())), "")
    bases = card.get("base_model", ())
    if card.get("base_model_relation") == ("quantized",) and len(bases) == 1:
        return Origin(bases[0], hub=True, licence=licence)
    return Origin(name, licence=licence)

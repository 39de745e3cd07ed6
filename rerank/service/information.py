"""What the service reports about itself: /info in TEI's form, and /v1/models in OpenAI's."""

from __future__ import annotations

from typing import Any

import resift
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.service.loaded_models import LoadedModel
from resift.rerank.service.reranking import RerankService
from resift.rerank.service.settings import ServeSettings


def information(reranking: RerankService, settings: ServeSettings, name: str) -> dict[str, Any]:
    """Return what /info says: TEI's members on the model `name`, and ours in "resift".

    What is known only of a loaded model is null if it is not loaded.
    """
    models = reranking.models
    loaded = next((one for one in models.loaded if one.name == name), None)
    facts = None if loaded is None else loaded.facts
    own = None if facts is None else facts.fusion
    local = isinstance(facts, Predictor)
    return {
        "service": "resift",
        "version": resift.__version__,
        "model_id": name,
        "model_sha": None if loaded is None else loaded.revision,
        "model_dtype": _dtype(loaded),
        "model_type": {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
        "max_concurrent_requests": settings.max_requests,
        "max_input_length": None if facts is None else facts.max_length or None,
        "max_batch_tokens": loaded.lane.model.budget if loaded is not None and local else None,
        "max_client_batch_size": settings.max_documents,
        "auto_truncate": True,
        "tokenization_workers": 1,
        "resift": {
            "model": name,
            "models": list(models.specs),
            "languages": None if facts is None else list(facts.languages),
            "fusion": None if own is None else own.as_json(),
            "activation": None if facts is None else facts.activation,
            "ladder": None if reranking.ladder is None else list(reranking.ladder.rungs),
            "max_queue_seconds": settings.max_queue_seconds,
        },
    }


def model_list(reranking: RerankService) -> dict[str, Any]:
    """Return what /v1/models says: every model that requests may name."""
    loaded = {one.name for one in reranking.models.loaded}
    rows = [
        {"id": name, "object": "model", "created": 0, "owned_by": "resift", "loaded": name in loaded}
        for name in reranking.models.specs
    ]
    return {"object": "list", "data": rows}


def _dtype(loaded: LoadedModel | None) -> str | None:
    facts = None if loaded is None else loaded.facts
    if not isinstance(facts, Predictor):
        return None
    return getattr(facts, "precision", "") or str(getattr(facts, "dtype", "float32")).removeprefix("torch.")

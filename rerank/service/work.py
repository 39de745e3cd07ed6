"""The work of a request: what it will probably cost, what equal work is, and what it took in the end."""

from __future__ import annotations

import hashlib
import time

from resift.rerank.service.batching.estimate import pair_tokens, probable_tokens
from resift.rerank.service.batching.job import Job, Work
from resift.rerank.service.call import Effort
from resift.rerank.service.loaded_models import LoadedModel
from resift.rerank.template import RenderedText

_UNKNOWN_WINDOW = 512  # tokens that a model is supposed to read if that is not known


def make_work(
    model: LoadedModel,
    pairs: list[tuple[str, RenderedText]],
    passages: int,
    most: int | None,
    stride: float | None = None,
) -> Work:
    """Return `pairs` as work, with an estimate of its tokens; the `stride` is the model's own if it is not given."""
    window = (0 if model.facts is None else model.facts.max_length) or _UNKNOWN_WINDOW
    queries = {query: probable_tokens(query) for query, _ in pairs}
    tokens = 0
    for query, text in {(query, rendered.text) for query, rendered in pairs}:  # equal pairs are scored once
        size = probable_tokens(text)
        tokens += pair_tokens(queries[query], [size if most is None else min(size, most)], window, passages)[0]
    return Work(pairs, passages, model.alone.settings.stride if stride is None else stride, most, tokens)


def work_digest(revision: str, work: Work) -> bytes:
    """Return the key of equal work: the same pairs, read by the same model in the same way."""
    how = f"{revision}\0{work.passages}\0{work.stride}\0{work.document_tokens}"
    digest = hashlib.blake2b(how.encode(), digest_size=16)
    for query, rendered in work.pairs:
        digest.update(f"\0{len(query)}\0{len(rendered.text)}\0{rendered.body}\0".encode())
        digest.update(query.encode("utf-8", "surrogatepass") + rendered.text.encode("utf-8", "surrogatepass"))
    return digest.digest()


def effort_of(job: Job, started: float) -> Effort:
    """Return what a job took for a request that came at `started`, seconds of the monotonic clock."""
    timings, now = job.timings, time.monotonic()
    characters = sum(len(query) + len(rendered.text) for query, rendered in job.work.pairs)
    queued = (timings.started or timings.finished or now) - max(started, timings.submitted)
    return Effort(
        now - started,
        max(0.0, queued),
        timings.tokenizing,
        timings.scoring,
        timings.tokens,
        timings.cached,
        characters,
    )

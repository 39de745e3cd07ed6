"""The models in memory: loaded when they are first asked for, kept within a bound, and replaced without a pause."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Scorer
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.service.batching.batch_models import PredictorModel, batch_model
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.batching.job import Lane
from resift.rerank.service.logs import NAME
from resift.rerank.service.model_specs import ModelSpec

_LOG = logging.getLogger(NAME)

_FILLER = "a sentence of some words as a document has many " * 10

_WARM_UP = [("test query", f"{place} how big {_FILLER}") for place in range(5)]
"""Pairs that are scored before a model counts as ready: memory is allocated, and its speed is measured."""


HASHED = 64 << 20
"""Bytes of a file up to which its content is hashed, which takes less than a tenth of a second."""


@dataclass(slots=True)
class LoadedModel:
    """A model in memory. `batcher` scores its pairs: the common one, or one of its own for a model on a server.

    `alone` is its reranker without the first stage's scores, `fused` with them.

    `revision`: changes with its files. `size`: bytes of its files. `users`: requests that use it now.
    """

    spec: ModelSpec
    lane: Lane
    batcher: Batcher
    alone: Reranker
    fused: Reranker
    revision: str
    size: int
    users: int = 0
    used: int = field(default=0)

    @property
    def name(self) -> str:
        """The name that requests use."""
        return self.spec.name

    @property
    def facts(self) -> RankingModel | None:
        """The model itself, for what is known of it; None for a scorer that is not a model of ours."""
        return self.alone.scorer if isinstance(self.alone.scorer, RankingModel) else None

    @property
    def device(self) -> str:
        """Where the model runs: "cpu" or "gpu"."""
        running = self.lane.model
        return "gpu" if isinstance(running, PredictorModel) and not running.predictor.on_cpu else "cpu"


class LoadedModels:
    """Gives out models by name; used by the event loop alone, while loading happens in other threads."""

    def __init__(self, specs: Mapping[str, ModelSpec], batcher: Batcher, max_bytes: int, alone: bool = False) -> None:
        """Load the models of `specs` when they are asked for, of at most `max_bytes` bytes in all.

        `alone`: score each pair by itself. The first of `specs` is the default.
        """
        self.specs, self.batcher, self.max_bytes, self.alone = specs, batcher, max_bytes, alone
        self.default = next(iter(specs))
        self._loaded: dict[str, LoadedModel] = {}
        self._loading: dict[str, asyncio.Task[LoadedModel]] = {}
        self._reloading = asyncio.Lock()
        self._loaders = ThreadPoolExecutor(2, thread_name_prefix="resift-load")
        self._remote: dict[str, Batcher] = {}  # by name; a server that does not answer holds up only its own requests
        self._uses = 0

    @property
    def loaded(self) -> list[LoadedModel]:
        """The models in memory."""
        return list(self._loaded.values())

    async def acquire(self, name: str) -> LoadedModel:
        """Return the model `name`, a key of `specs`, and count one user of it; loads it if it is not in memory.

        Raises ModelError and SettingsError.
        """
        found = self._loaded.get(name)
        if found is None:
            if name not in self._loading:
                self._loading[name] = task = asyncio.create_task(self._load(name))
                task.add_done_callback(lambda done: done.cancelled() or done.exception())  # if nobody waits any more
            found = await asyncio.shield(self._loading[name])
        self._uses += 1
        found.users, found.used = found.users + 1, self._uses
        return found

    def waiting(self) -> tuple[int, float]:
        """Return how many jobs are not finished, and how many seconds those of the models in this process take."""
        jobs, seconds = self.batcher.waiting()
        return jobs + sum(one.waiting()[0] for one in self._remote.values()), seconds

    def close(self) -> None:
        """End the threads of all models; jobs that are not finished fail."""
        self._loaders.shutdown(wait=False, cancel_futures=True)
        for batcher in (self.batcher, *self._remote.values()):
            batcher.close()

    def release(self, model: LoadedModel) -> None:
        """Count one user of `model` less."""
        model.users -= 1
        self._evict()

    async def reload(self) -> list[str]:
        """Load the models in memory anew, and replace each when its new copy is warm; returns their names.

        Requests under way keep the copy that they began with. If a model cannot be loaded, its old copy stays. Raises
        ModelError and SettingsError of the first that could not be loaded, after all others were.
        """
        failed: Exception | None = None
        async with self._reloading:
            names = list(self._loaded)
            for name in names:
                try:
                    fresh = await self._open(name)
                    if name in self._loaded:  # else it was unloaded meanwhile
                        fresh.used = self._loaded[name].used
                        self._loaded[name] = fresh
                except Exception as error:  # whatever it is, the old copy still works
                    _LOG.error("reload failed", extra={"facts": {"model": name, "error": str(error)}})
                    failed = failed or error
            self._evict()
        if failed is not None:
            raise failed
        return names

    async def _load(self, name: str) -> LoadedModel:
        try:
            self._loaded[name] = found = await self._open(name)
            self._evict(found)
            return found
        finally:
            del self._loading[name]

    async def _open(self, name: str) -> LoadedModel:
        """Load a model in another thread, and warm it on the thread that scores."""
        loop = asyncio.get_running_loop()
        model = await loop.run_in_executor(self._loaders, open_model, self.specs[name], self.batcher, self.alone)
        if not isinstance(model.facts, Predictor):
            model.batcher = self._remote.setdefault(name, self.batcher.another())
        await asyncio.wrap_future(model.batcher.run(lambda: _warm(model.lane)))
        facts = {"model": name, "revision": model.revision, "bytes": model.size}
        _LOG.info("model loaded", extra={"facts": facts})
        return model

    def _evict(self, kept: LoadedModel | None = None) -> None:
        """Unload the least recently used models until the bound is kept; those in use and the default stay."""
        size = sum(model.size for model in self._loaded.values())
        for model in sorted(self._loaded.values(), key=lambda one: one.used):
            if size <= self.max_bytes:
                return
            if model.users == 0 and model is not kept and model.name != self.default:
                del self._loaded[model.name]
                size -= model.size
                _LOG.info("model unloaded", extra={"facts": {"model": model.name, "bytes": model.size}})


def open_model(spec: ModelSpec, batcher: Batcher, alone: bool = False) -> LoadedModel:
    """Load the model of `spec`, to be scored by `batcher`. Raises ModelError and SettingsError."""
    scorer: Scorer = load_scorer(settings=spec.scorer)
    path = scorer.folder.path if isinstance(scorer, Predictor) else None
    # what a server has behind its address may be another model after a reload
    revision, size = (f"remote-{secrets.token_hex(4)}", 0) if path is None else folder_revision(path)
    fused = Reranker(scorer, spec.rerank)
    lane = Lane(batch_model(scorer, spec.scorer, alone), f"{spec.name}:{revision}:{spec.scorer.max_length}")
    return LoadedModel(spec, lane, batcher, fused.with_settings(fusion="none"), fused, revision, size)


def folder_revision(folder: Path) -> tuple[str, int]:
    """Return a digest that changes when a file of `folder` does, and the bytes of all of them.

    It is made of the contents of files of up to `HASHED` bytes, which two copies have in common; of larger ones, of
    their sizes and times.
    """
    digest, size = hashlib.blake2b(digest_size=8), 0
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state = path.stat()
            size += state.st_size
            digest.update(f"{path.relative_to(folder)}\0{state.st_size}\0".encode())
            digest.update(path.read_bytes() if state.st_size <= HASHED else str(state.st_mtime_ns).encode())
    return digest.hexdigest(), size


def _warm(lane: Lane) -> None:
    """Score some pairs, so that the first request does not wait, and measure how fast that is. Raises ModelError."""
    prepared = lane.model.prepare(_WARM_UP, None)
    rows = list(range(len(_WARM_UP)))
    for part in (rows[:1], rows[1:], rows[1:]):
        started = time.monotonic()
        lane.model.run([(prepared, row) for row in part])
    lane.rate.measure(int(prepared.lengths[rows[1:]].sum()), time.monotonic() - started)

"""The service without HTTP, in the process of the test, with the smallest model of the package."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.batching.observer import NoObserver
from resift.rerank.service.ladder import Ladder
from resift.rerank.service.loaded_models import LoadedModels
from resift.rerank.service.model_specs import model_specs
from resift.rerank.service.reranking import RerankService
from resift.rerank.service.score_cache import ScoreCache
from resift.rerank.service.settings import ServeSettings
from resift.rerank.settings import RerankSettings
from resift.retrieval.types import Document

TINY = ScorerSettings(model="resift-tiny", threads=1)
TEXTS = [f"The {animal} lives on {food} and sleeps at night." for animal in ("cat", "dog", "cow", "fox", "owl")
         for food in ("meat", "fish", "grass", "mice")]  # fmt: skip
DOCUMENTS = [Document("", text) for text in TEXTS]
LONG = Document("", "nothing of note happened that day. " * 150 + "cats eat fish and meat. " + "it rained again. " * 50)


@asynccontextmanager
async def service(
    settings: ServeSettings | None = None, rerank: RerankSettings | None = None, cache: int = 0
) -> AsyncIterator[RerankService]:
    """Yield a service with the smallest model of the package as its default."""
    settings = settings or ServeSettings()
    batcher = Batcher(settings.max_queue_seconds, ScoreCache(cache), NoObserver())
    specs = model_specs(settings, TINY, rerank or RerankSettings())
    models = LoadedModels(specs, batcher, settings.model_memory_mb << 20, settings.deterministic)
    ladder = Ladder(settings.ladder.split(",")) if settings.ladder else None
    yield RerankService(models, batcher, ladder, settings.request_timeout_ms, settings.strict_models)
    await asyncio.to_thread(batcher.close)


def run(
    work: Callable[[RerankService], Awaitable[object]], settings: ServeSettings | None = None, cache: int = 0
) -> None:
    """Run `work` with a service."""

    async def whole() -> None:
        async with asyncio.timeout(120), service(settings, cache=cache) as one:
            await work(one)

    asyncio.run(whole())


@asynccontextmanager
async def blocked(one: RerankService) -> AsyncIterator[None]:
    """Block the thread that scores until the block ends; the default model is loaded before."""
    one.models.release(await one.models.acquire(one.models.default))
    loop, released = asyncio.get_running_loop(), asyncio.Event()
    blocker = one.batcher.run(lambda: asyncio.run_coroutine_threadsafe(released.wait(), loop).result())
    try:
        yield
    finally:
        released.set()
        await asyncio.wrap_future(blocker)

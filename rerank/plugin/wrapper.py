"""The drop-in client: an application's own client object, whose searches come back reranked.

    client = RerankingClient(Elasticsearch(...), Reranker(load_scorer("resift-minilm-l3")), fields=["title", "body"])
    client.search(index="articles", query={"match": {"body": "reset my password"}})

It works on any licence and changes nothing in the cluster. A search never fails because of us: where the model fails
or is late, the engine's own order comes back. What became of a search stands in the response's attribute `resift`.
"""

from __future__ import annotations

import copy
import inspect
import math
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from resift.rerank.plugin import search_flow
from resift.rerank.plugin.client_arguments import kept, named, request_of
from resift.rerank.plugin.request import Plan, plan
from resift.rerank.plugin.response import Outcome, ScoreKind, cut, fields_of, ranking_of, reorder
from resift.rerank.plugin.sync_async import Steps, Wait, run, run_async
from resift.rerank.reranker import Reranker, Reranking
from resift.rerank.scorers.load import load_scorer
from resift.retrieval.engine.hits import HitReader
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Ranking

_CALL_OPTIONS = ("rank_window_size", "model", "deadline_ms", "enabled", "query_text")
_MOST_WAITING = 32  # searches that wait for the model at once; beyond them the engine's order comes back


class _FullError(Exception):
    """There is no room for another search that waits for the model."""


class _Worker:
    """The thread that runs the model, and the room before it, of one process."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.loading = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="resift")
        self._room = threading.Semaphore(_MOST_WAITING)

    def begin(self, work: Callable[[], Any]) -> Future[Any]:
        """Return the future of `work`. Raises _FullError where too many wait."""
        if not self._room.acquire(blocking=False):
            raise _FullError
        try:
            future = self._pool.submit(_guarded, work)
        except BaseException:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return future


def _guarded(work: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Do `work`; what it raises is an error of the model's, whatever a model may raise."""
    try:
        return work()
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"the model raised {type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Options:
    """What one call asks of the reranker."""

    rank_window_size: int
    model: str | None
    deadline_ms: float | None
    enabled: bool
    query_text: str | None


class _Wrapper:
    """What the two clients share: options, planning, models and applying."""

    _awaits = False

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - either engine's client, sync or async
        reranker: Reranker,
        fields: Sequence[str],
        rank_window_size: int = 100,
        deadline_ms: float | None = None,
        enabled: bool = True,
        scores: ScoreKind = "engine",
    ) -> None:
        """Wrap `client`: hits are reranked by what their `fields` say.

        `deadline_ms`: milliseconds that reranking may take. `scores`: what `_score` is afterwards. Raises
        SettingsError on values that cannot be used.
        """
        if isinstance(fields, str) or not fields:
            raise SettingsError(f"{fields!r} is no list of fields; expected for example ['title', 'body']", "fields")
        if not callable(getattr(client, "search", None)):
            raise SettingsError(f"{client!r} is no client; expected Elasticsearch(...) or OpenSearch(...)", "client")
        if inspect.iscoroutinefunction(inspect.unwrap(client.search)) != self._awaits:
            other = "RerankingClient" if self._awaits else "AsyncRerankingClient"
            raise SettingsError(f"{type(client).__name__} is for {other}", "client")
        if scores not in ("engine", "model", "final"):
            raise SettingsError(f"{scores!r} is not known; expected engine, model or final", "scores")
        self.client = client
        self._fields = tuple(fields)
        self._others = reranker.template.fields()
        self._scores = scores
        self._defaults = _checked(_Options(rank_window_size, None, deadline_ms, enabled, None))
        self._rerankers: dict[str | None, Reranker] = {None: reranker}
        self._worker = _Worker()

    def options(self, **arguments: Any) -> Any:  # noqa: ANN401 - a wrapper of the same kind
        """Return a wrapper of the client with other options, as the Elasticsearch client's `options` does."""
        return self._around(self.client.options(**arguments))

    def _around(self, client: Any) -> Any:  # noqa: ANN401
        """Return a wrapper like this one around another client; models and waiting room are shared."""
        other = copy.copy(self)
        other.client = client
        return other

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        """Return what the wrapped client has under `name`: everything but searching is its own."""
        if name == "client":  # not there yet: copying asks before anything is
            raise AttributeError(name)
        return getattr(self.client, name)

    def _options(self, arguments: dict[str, Any]) -> _Options:
        """Take this call's options out of its arguments."""
        given = {name: arguments.pop(name) for name in _CALL_OPTIONS if name in arguments}
        return _checked(replace(self._defaults, **given)) if given else self._defaults

    def _plan(self, request: Mapping[str, Any] | None, options: _Options) -> Plan:
        if request is None:
            return Plan("the body is no JSON object")
        if not options.enabled or options.model == "none":
            return Plan("switched off for this search")
        try:
            return plan(request, (*self._fields, *self._others), options.rank_window_size, options.query_text)
        except Exception as error:  # of a request that the engine itself may refuse
            return Plan(f"the request is not understood: {type(error).__name__}: {error}")

    def _search(self, args: Sequence[Any], arguments: dict[str, Any]) -> Steps:
        """Return the steps of one search, which give its response."""
        options = self._options(arguments)
        arguments = named(self.client.search, args, arguments)
        one = self._plan(request_of(self.client, arguments), options)
        return search_flow.search(self.client, arguments, one, partial(self._finish, options))

    def _msearch(self, args: Sequence[Any], arguments: dict[str, Any]) -> Steps:
        """Return the steps of many searches."""
        options = self._options(arguments)
        arguments = kept(named(self.client.msearch, args, arguments))
        plan_of = partial(self._plan, options=options)
        return search_flow.msearch(self.client, arguments, plan_of, partial(self._finish, options))

    def _finish(self, options: _Options, bodies: list[Any], plans: list[Plan]) -> Steps:
        """Rerank the hits of `bodies` in time, or leave them in the engine's order; return what became of each."""
        limit = options.deadline_ms
        seconds = None if limit is None or math.isinf(limit) else limit / 1000
        results: list[Reranking] | Outcome
        try:
            results = (yield Wait(self._start(bodies, plans, options), seconds)) if bodies else []
        except _FullError:
            results = Outcome("late", f"{_MOST_WAITING} searches wait for the model already")
        except TimeoutError:
            results = Outcome("late", f"the model was not done within {options.deadline_ms} ms")
        except Exception as error:  # a search never fails because of us
            results = search_flow.broken(error)
        return self._apply(bodies, plans, results)

    def _start(self, bodies: Sequence[dict[str, Any]], plans: Sequence[Plan], options: _Options) -> Future[Any]:
        """Begin to rerank what the engine found; the future gives one result a body."""
        if self._worker.process != os.getpid():  # a fork has no threads of its parent's
            self._worker = _Worker()
        return self._worker.begin(partial(self._rerank, bodies, plans, options))

    def _rerank(self, bodies: Sequence[dict[str, Any]], plans: Sequence[Plan], options: _Options) -> list[Reranking]:
        reader = HitReader(fields_of(self._fields, self._others))
        rankings: list[Ranking] = [
            ranking_of(body["hits"]["hits"], one, reader) for body, one in zip(bodies, plans, strict=True)
        ]
        if reader.counts["empty"] and reader.counts["empty"] == sum(len(ranking.hits) for ranking in rankings):
            raise SettingsError(f"no hit has a text in {', '.join(self._fields)}", "fields")
        base = self._reranker(options.model)
        sized = Reranker(base.scorer, replace(base.settings, rank_window_size=options.rank_window_size))
        return sized.rerank(rankings)

    def _reranker(self, model: str | None) -> Reranker:
        with self._worker.loading:
            if model not in self._rerankers:
                assert model is not None  # None is there from the beginning
                self._rerankers[model] = Reranker(load_scorer(model), self._rerankers[None].settings)
            return self._rerankers[model]

    def _apply(self, bodies: list[Any], plans: list[Plan], results: list[Reranking] | Outcome) -> list[Outcome]:
        """Change the bodies; return what became of each search. `results` is an outcome where there are none."""
        if isinstance(results, Outcome):
            for body, one in zip(bodies, plans, strict=True):
                cut(body, one)
            return [results] * len(bodies)
        return [reorder(*each, self._scores) for each in zip(bodies, plans, results, strict=True)]


class RerankingClient(_Wrapper):
    """A synchronous `Elasticsearch` or `OpenSearch` client whose `search` and `msearch` come back reranked."""

    def __enter__(self) -> RerankingClient:
        """Enter the client's own block."""
        self.client.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Close the client as its own block does."""
        self.client.__exit__(*error)

    def search(self, *args: Any, **arguments: Any) -> Any:  # noqa: ANN401 - the client's own signature and response
        """Search as the client does, with its arguments and response.

        Besides: `rank_window_size`, `model`, `deadline_ms`, `enabled` and `query_text` for this call alone.
        """
        return run(self._search(args, arguments))

    def msearch(self, *args: Any, **arguments: Any) -> Any:  # noqa: ANN401
        """Search many times as the client does; all queries share the model's batches."""
        return run(self._msearch(args, arguments))


class AsyncRerankingClient(_Wrapper):
    """An `AsyncElasticsearch` or `AsyncOpenSearch` client whose `search` and `msearch` come back reranked."""

    _awaits = True

    async def __aenter__(self) -> AsyncRerankingClient:
        """Enter the client's own block."""
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close the client as its own block does."""
        await self.client.__aexit__(*error)

    async def search(self, *args: Any, **arguments: Any) -> Any:  # noqa: ANN401
        """Search as the client does; see `RerankingClient.search`."""
        return await run_async(self._search(args, arguments))

    async def msearch(self, *args: Any, **arguments: Any) -> Any:  # noqa: ANN401
        """Search many times as the client does; see `RerankingClient.msearch`."""
        return await run_async(self._msearch(args, arguments))


def _checked(options: _Options) -> _Options:
    given: object = options.rank_window_size
    if not isinstance(given, int) or given < 1:
        raise SettingsError(f"{options.rank_window_size!r} is no whole number above 0", "rank_window_size")
    if options.deadline_ms is not None and not options.deadline_ms > 0:
        raise SettingsError(f"{options.deadline_ms!r} is not above 0; expected milliseconds", "deadline_ms")
    return options

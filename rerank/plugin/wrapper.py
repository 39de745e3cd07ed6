"""The drop-in client: an application's own client object, whose searches come back reranked.

    client = RerankingClient(Elasticsearch(...), Reranker(load_scorer("resift-small")), fields=["title", "body"])
    client.search(index="articles", query={"match": {"body": "reset my password"}})

It works with any licence and changes nothing in the cluster. A search never fails because of the reranker: if the
model fails or is late, the engine's own order is returned. The response's attribute `resift` is the outcome.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.plugin.client_arguments import MultiSearchCall, SearchCall
from resift.rerank.plugin.defined_hits import DefinedHits, DefinedWork
from resift.rerank.plugin.hit_reranker import HitReranker
from resift.rerank.plugin.multi_search_flow import msearch
from resift.rerank.plugin.options import SearchOptions
from resift.rerank.plugin.response import ScoreKind
from resift.rerank.plugin.search_flow import search
from resift.rerank.plugin.sync_async import Steps, run, run_async
from resift.rerank.reranker import Reranker
from resift.retrieval.errors import SettingsError


class _RerankingClient:
    """The part that both clients share."""

    _awaits = False

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - either engine's client, sync or async
        reranker: Reranker,
        fields: Sequence[str],
        rank_window_size: int | None = None,
        deadline_ms: float | None = None,
        enabled: bool = True,
        scores: ScoreKind = "engine",
        definitions: IndexDefinitions | None = None,
    ) -> None:
        """Wrap `client`: `reranker` reorders the hits by the text of their `fields`.

        `rank_window_size`, `deadline_ms` (milliseconds) and `enabled` are the defaults of every search, see
        `SearchOptions`. `scores`: what `_score` is afterwards: the engine's own, the model's logit, or the final
        score. `definitions`: for the indices that they define, their fields and settings are used in place of `fields`
        and of the settings of `reranker`. Raises SettingsError on values that cannot be used.
        """
        if isinstance(fields, str) or not fields or not all(isinstance(field, str) for field in fields):
            raise SettingsError(f"{fields!r} is not a list of fields; expected for example ['title', 'body']", "fields")
        if not callable(getattr(client, "search", None)):
            raise SettingsError(f"{client!r} is not a client; expected Elasticsearch(...) or OpenSearch(...)", "client")
        if not isinstance(reranker, Reranker):
            raise SettingsError(f"{reranker!r} is not a reranker; expected Reranker(load_scorer(...))", "reranker")
        if inspect.iscoroutinefunction(inspect.unwrap(client.search)) != self._awaits:
            other = "RerankingClient" if self._awaits else "AsyncRerankingClient"
            raise SettingsError(f"{type(client).__name__} is for {other}", "client")
        if scores not in ("engine", "model", "final"):
            raise SettingsError(f"{scores!r} is not known; expected engine, model or final", "scores")
        self.client = client
        self._defaults = SearchOptions(rank_window_size, deadline_ms=deadline_ms, enabled=enabled)
        if definitions is not None and not isinstance(definitions, IndexDefinitions):
            message = f"{definitions!r} is not IndexDefinitions; expected IndexDefinitions.from_file('resift.toml')"
            raise SettingsError(message, "definitions")
        self._hits = DefinedHits(HitReranker(reranker, fields, scores), definitions or IndexDefinitions())

    def options(self, **arguments: Any) -> Any:  # noqa: ANN401 - a wrapper of the same kind
        """Return a wrapper of the client with other options, as the Elasticsearch client's `options` does."""
        other = copy.copy(self)  # models and their queue are shared
        other.client = self.client.options(**arguments)
        return other

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        """Return the wrapped client's attribute `name`: everything except searching is the client's own."""
        if name == "client":  # copying asks for it before it is set
            raise AttributeError(name)
        return getattr(self.client, name)

    def _search(self, args: Sequence[Any], arguments: dict[str, Any]) -> Steps:
        """Return the steps of one search; their result is the response."""
        options = self._defaults.take(arguments)
        call = SearchCall.parse(self.client, args, arguments)
        return search(call, DefinedWork(self._hits, options))

    def _msearch(self, args: Sequence[Any], arguments: dict[str, Any]) -> Steps:
        """Return the steps of many searches; their result is the response."""
        options = self._defaults.take(arguments)
        call = MultiSearchCall.parse(self.client, args, arguments)
        return msearch(call, DefinedWork(self._hits, options))


class RerankingClient(_RerankingClient):
    """A synchronous `Elasticsearch` or `OpenSearch` client whose `search` and `msearch` are reranked."""

    def __enter__(self) -> RerankingClient:
        """Enter the client's own context."""
        self.client.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the client's own context, which closes it."""
        self.client.__exit__(*error)

    def search(self, *args: Any, **arguments: Any) -> Any:  # noqa: ANN401 - the client's own signature and response
        """Search as the client does, with its arguments and response.

        In addition it takes, for this call alone, the options of `SearchOptions`: `rank_window_size`, `model`,
        `deadline_ms`, `enabled`, `query_text`, keep_promoted, fusion, fusion_weight and explain_hits.
        """
        return run(self._search(args, arguments))

    def msearch(self, *args: Any, **arguments: Any) -> Any:  # noqa: ANN401
        """Search many times as the client does; all queries share the model's batches."""
        return run(self._msearch(args, arguments))


class AsyncRerankingClient(_RerankingClient):
    """An `AsyncElasticsearch` or `AsyncOpenSearch` client whose `search` and `msearch` are reranked."""

    _awaits = True

    async def __aenter__(self) -> AsyncRerankingClient:
        """Enter the client's own context."""
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Leave the client's own context, which closes it."""
        await self.client.__aexit__(*error)

    async def search(self, *args: Any, **arguments: Any) -> Any:  # noqa: ANN401
        """Search as the client does; see `RerankingClient.search`."""
        return await run_async(self._search(args, arguments))

    async def msearch(self, *args: Any, **arguments: Any) -> Any:  # noqa: ANN401
        """Search many times as the client does; see `RerankingClient.msearch`."""
        return await run_async(self._msearch(args, arguments))

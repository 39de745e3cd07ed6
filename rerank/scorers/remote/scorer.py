"""The scorer of a model on a server, with the methods of a model on this machine, and asynchronous ones."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, Self, Unpack

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.call_options import CallOptions, PredictArguments, RankArguments
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.pairs import distinct, is_pair, read_documents, read_pairs
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.remote.exchange import Exchange, Steps
from resift.rerank.scorers.remote.keys import Key, find_key
from resift.rerank.scorers.remote.parts import Requests
from resift.rerank.scorers.remote.reply import Part
from resift.rerank.scorers.remote.server import find_server
from resift.rerank.scorers.remote.transport import Transport
from resift.rerank.scorers.scoring_progress import progress_bar, report
from resift.rerank.scorers.server_address import read_address
from resift.rerank.scorers.settings import CPU_BATCH_TOKENS, ScorerSettings
from resift.retrieval.errors import SettingsError


class RemoteScorer(RankingModel):
    """A model on a server: resift's own, TEI, Cohere, Jina, Voyage, vLLM or Infinity.

    Threads can share it. `score_async`, `predict_async` and `rank_async` do what the methods without the ending do, in
    the running event loop. Close it, or use it in a `with` statement, to close its connections early.

    >>> RemoteScorer("http://localhost:8080").rank("what do cats eat", ["fish", "stones"])  # doctest: +SKIP
    """

    def __init__(
        self, model: str, settings: ScorerSettings | None = None, name: str | None = None, *, api_key: str | None = None
    ) -> None:
        """Find out which API the server at the address `model` has, unless that is given or known.

        `name` is the model's name in error messages; its address if not given. `api_key` is the key, by default that of
        a variable (see `find_key`). Raises SettingsError if the address, the key or a setting cannot be used, and
        ModelError if the server cannot be reached or is not recognized, or httpx is not installed.
        """
        settings = settings or ScorerSettings()
        address = read_address(model)
        _check(settings)
        key = find_key(address.host) if api_key is None else Key(api_key.strip(), "api_key")
        self._exchange = Exchange(name or model, key, settings.model_timeout)
        self._transport = Transport(key.headers, settings.model_timeout, self._exchange.name)
        self._closing = weakref.finalize(self, self._transport.close)
        server = self._transport.run(find_server(address, self._exchange))
        self._requests = Requests(server, self._exchange, server.most)
        self._max_length = server.max_length
        self.folder = server.folder
        self.batch_tokens = settings.batch_tokens or CPU_BATCH_TOKENS

    def __repr__(self) -> str:
        return f"RemoteScorer({self.name!r})"

    def __enter__(self) -> Self:
        """Return the scorer itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the connections."""
        self.close()

    @property
    def max_length(self) -> int:
        """How many tokens of a pair the model reads, special tokens included; 0 if the server does not say."""
        return self._max_length

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._transport.close()

    async def score_async(self, pairs: Iterable[Pair]) -> Scores:
        """Do what `score` does, asynchronously."""
        return await self._score_async(read_pairs(pairs), CallOptions("identity", self.folder.prompt))

    async def predict_async(
        self,
        pairs: Any,  # noqa: ANN401 - as in `predict`
        *,
        activation: str | None = None,
        prompt: str | None = None,
        **others: Unpack[PredictArguments],
    ) -> NDArray[np.float32] | float:
        """Do what `predict` does, asynchronously."""
        given: Any = pairs if is_pair(pairs) else read_pairs(pairs)
        call = _Call(self.folder)
        call.predict(given, activation=activation, prompt=prompt, **others)
        call.scores = await self._score_async(call.pairs, call.options)
        found: NDArray[np.float32] | float = call.predict(given, activation=activation, prompt=prompt, **others)
        return found

    async def rank_async(
        self,
        query: str,
        documents: Iterable[str],
        top_n: int | None = None,
        return_documents: bool = False,
        *,
        activation: str | None = None,
        **others: Unpack[RankArguments],
    ) -> list[dict[str, Any]]:
        """Do what `rank` does, asynchronously."""
        texts = read_documents(documents)
        call = _Call(self.folder)
        call.rank(query, texts, top_n, return_documents, activation=activation, **others)
        call.scores = await self._score_async(call.pairs, call.options)
        return call.rank(query, texts, top_n, return_documents, activation=activation, **others)

    def _score(self, pairs: list[Pair], options: CallOptions) -> Scores:
        plan = _Plan(self._requests, pairs, options)
        with progress_bar(options.progress):
            return plan.scores(self._transport.run_all(plan.jobs, plan.done))

    async def _score_async(self, pairs: list[Pair], options: CallOptions) -> Scores:
        plan = _Plan(self._requests, pairs, options)
        with progress_bar(options.progress):
            return plan.scores(await self._transport.run_all_async(plan.jobs, plan.done))


class _Plan:
    """The requests of one call: `jobs` are their steps, and `done` is called with the index of each that finished."""

    def __init__(self, requests: Requests, pairs: list[Pair], options: CallOptions) -> None:
        asked = [(options.prompt + query, document) for query, document in pairs]
        indices = distinct(asked)
        self._rows = np.array([indices[pair] for pair in asked], dtype=np.int64)  # (n,)
        self._pairs, self._requests, self._scored = list(indices), requests, 0
        self._divided = requests.divide(self._pairs, options.batch_size)
        self.jobs: list[Steps[Part]] = [requests.score([self._pairs[row] for row in part]) for part in self._divided]

    def done(self, index: int) -> None:
        self._scored += len(self._divided[index])
        report(self._scored, len(self._pairs))

    def scores(self, parts: list[Part]) -> Scores:
        """Return the scores of the pairs of the call, in their order, from what the requests returned."""
        if not parts:
            return _unknown(0)
        found = self._requests.assemble(self._pairs, self._divided, parts)
        read = None if found.read_characters is None else found.read_characters[self._rows]
        return Scores(found.logits[self._rows], found.truncated[self._rows], found.query_truncated[self._rows], read)


class _Call(RankingModel):
    """One asynchronous call: run once to check its arguments and find its pairs, and again with their `scores`."""

    def __init__(self, folder: ModelFolder) -> None:
        self.folder = folder
        self.pairs: list[Pair] = []
        self.options = CallOptions("identity", "")
        self.scores: Scores | None = None

    @property
    def max_length(self) -> int:
        return 0

    def _score(self, pairs: list[Pair], options: CallOptions) -> Scores:
        self.pairs, self.options = pairs, options
        return self.scores or _unknown(len(pairs))


def _unknown(count: int) -> Scores:
    none = np.zeros(count, dtype=bool)
    return Scores(np.zeros(count, dtype=np.float32), none, none, np.zeros(count, dtype=np.int64))


def _check(settings: ScorerSettings) -> None:
    """Raise SettingsError for a setting that would change the scores of a model here, and cannot change a server's."""
    refused = {"backend": "auto", "dtype": "auto", "max_length": None, "revision": None}
    for field, harmless in refused.items():
        value = getattr(settings, field)
        if value != harmless:
            message = f"{value} is for a model on this machine; that of a server is decided there, so leave it out"
            raise SettingsError(message, field)

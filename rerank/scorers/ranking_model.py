"""Base class of all models: `predict`, `rank` and `score`, wherever the pairs are scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.activations import ACTIVATIONS
from resift.rerank.scorers.call_options import CallOptions, PredictArguments, RankArguments, choose_top, read_options
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.scorers.pairs import is_pair, read_documents, read_pairs
from resift.retrieval.errors import SettingsError


class RankingModel(ABC):
    """A model that scores pairs of texts; `folder` is what is known of it.

    `batch_tokens`: the maximum tokens of a batch including padding.
    """

    folder: ModelFolder
    batch_tokens: int

    @property
    def name(self) -> str:
        """The model's name as the user gave it."""
        return self.folder.name

    @property
    @abstractmethod
    def max_length(self) -> int:
        """How many tokens of a pair the model reads, special tokens included; 0 if that is not known."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The ISO 639 codes of the languages that the model reads, by its card; empty if the card names none."""
        return self.folder.languages

    @property
    def fusion(self) -> OwnFusion | None:
        """How the model is best fused with a first stage, by its folder; None if that does not say."""
        return self.folder.fusion

    @property
    def activation(self) -> str:
        """The activation that `predict` applies if none is given: "sigmoid", "identity", or one it does not know."""
        return self.folder.activation

    @overload
    def predict(
        self,
        pairs: Iterable[Pair | list[str]] | NDArray[Any],
        *,
        activation: str | None = None,
        prompt: str | None = None,
        **others: Unpack[PredictArguments],
    ) -> NDArray[np.float32]: ...

    @overload
    def predict(
        self,
        pairs: tuple[str, str] | list[str],
        *,
        activation: str | None = None,
        prompt: str | None = None,
        **others: Unpack[PredictArguments],
    ) -> float: ...

    def predict(
        self,
        pairs: Any,
        *,
        activation: str | None = None,
        prompt: str | None = None,
        **others: Unpack[PredictArguments],
    ) -> NDArray[np.float32] | float:
        """Return a score for each (query, document) pair, float32 (n,), in the order of the pairs.

        `pairs` is any iterable of pairs: a list, a generator, zip, or an array of strings with two columns; one pair
        by itself gives a float. `activation` is "sigmoid" (scores from 0 to 1) or "identity" (the raw logits); None
        takes the activation in the model's folder, or sigmoid if it has none, as sentence-transformers does. `prompt`
        is put before every query; None takes the prompt in the model's folder, and "" means no prompt. The other
        arguments are those of sentence-transformers, as in `PredictArguments`. Raises SettingsError if an argument
        cannot be used, and ModelError if the model cannot score the pairs.
        """
        options = read_options(self.folder, {"activation": activation, "prompt": prompt, **others}, PredictArguments)
        single = is_pair(pairs)
        logits = self._score(read_pairs([pairs] if single else pairs), options).logits
        shown = ACTIVATIONS[options.activation](logits)  # (n,)
        return float(shown[0]) if single else shown

    def rank(
        self,
        query: str,
        documents: Iterable[str],
        top_n: int | None = None,
        return_documents: bool = False,
        *,
        activation: str | None = None,
        **others: Unpack[RankArguments],
    ) -> list[dict[str, Any]]:
        """Return one row per document, best first: `corpus_id` (int, its index in `documents`) and `score` (float).

        `documents` is any iterable of strings, and `query` one string. `top_n` is the maximum number of rows;
        `return_documents` adds the key `text`, the document. Documents with equal logits keep their given order.
        `activation` is as in `predict`, and does not change the order. The other arguments are `prompt`, as in
        `predict`, and those of sentence-transformers, as in `RankArguments`. Raises SettingsError if an argument
        cannot be used, and ModelError as `predict` does.
        """
        options = read_options(self.folder, {"activation": activation, **others}, RankArguments)
        top = choose_top(top_n, others.get("top_k"))
        if not isinstance(query, str):
            raise SettingsError(f"expected a string, got {type(query).__name__}", "query")
        texts = read_documents(documents)
        logits = self._score(read_pairs((query, text) for text in texts), options).logits  # (n,)
        shown = ACTIVATIONS[options.activation](logits)  # (n,)
        order = np.argsort(-logits, kind="stable")[:top]
        ranking: list[dict[str, Any]] = [{"corpus_id": int(place), "score": float(shown[place])} for place in order]
        if return_documents:
            for row in ranking:
                row["text"] = texts[row["corpus_id"]]
        return ranking

    def score(self, pairs: Iterable[Pair]) -> Scores:
        """Return one finite logit per pair, and which texts were truncated (see `resift.rerank.scorer.Scores`).

        The prompt in the model's folder is put before every query. Raises SettingsError if `pairs` is not an iterable
        of pairs of strings, and ModelError if the model cannot score the pairs.
        """
        return self._score(read_pairs(pairs), CallOptions("identity", self.folder.prompt))

    @abstractmethod
    def _score(self, pairs: list[Pair], options: CallOptions) -> Scores:
        """Return the scores of `pairs` as `score` does, with `options`."""

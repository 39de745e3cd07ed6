"""Evaluate a model during its training, as an evaluator of sentence-transformers' trainer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.evaluation import BaseEvaluator

from resift.rerank.training.finetuning.dev_sets import MEASURED, EvaluationSet
from resift.retrieval.errors import ModelError
from resift.retrieval.types import Run


class DevEvaluator(BaseEvaluator):
    """Scores the candidates of all dev sets, and measures each set and the mean of those of NanoBEIR.

    Called with a CrossEncoder it returns values by name, such as "NanoNQ_R100_ndcg@10".
    """

    def __init__(
        self,
        sets: Sequence[EvaluationSet],
        batch_size: int,
        shown: Callable[[str, int, int], None] = lambda name, done, total: None,
    ) -> None:
        """Evaluate on `sets` with `batch_size` pairs at once; the primary metric is the first set's ndcg@10.

        There are no sets on processes other than 0, where the evaluator is not called. `shown` is called with what is
        done, how many pairs are, and of how many.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.sets, self._batch_size, self._shown = tuple(sets), batch_size, shown
        self.primary_metric = f"{sets[0].name}_ndcg@10" if sets else None

    def __call__(
        self,
        model: Any,  # noqa: ANN401
        output_path: str | None = None,
        epoch: float = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Return the values of `model` by name. Raises ModelError if it scores NaN."""
        values: dict[str, float] = {}
        of_mean: list[tuple[str, dict[str, float]]] = []
        total = sum(len(query.texts) for one in self.sets for query in one.queries)
        done = 0
        for one in self.sets:
            run: Run = {}
            for scores in self._scored(model, one):
                run |= scores
                done += sum(map(len, scores.values()))
                self._shown(f"evaluating {one.name}", done, total)
            means = one.means(run)
            of_mean += [(one.mean_name, means)] if one.mean_name else []
            values |= {f"{one.name}_{name}": value for name, value in means.items()}
        if len(of_mean) > 1:
            mean = {name: float(np.mean([means[name] for _, means in of_mean])) for name in MEASURED}
            values |= {f"{of_mean[0][0]}_{name}": value for name, value in mean.items()}
        return values

    def _scored(self, model: Any, one: EvaluationSet) -> Iterator[Run]:  # noqa: ANN401
        """Yield the logits of some queries at a time, by query_id and doc_id."""
        for start in range(0, len(one.queries), _TOGETHER):
            queries = one.queries[start : start + _TOGETHER]
            pairs = [(query.query, text) for query in queries for text in query.texts]
            logits = self._logits(model, pairs)
            bounds = np.cumsum([len(query.texts) for query in queries])[:-1]
            yield {
                query.query_id: dict(zip(query.doc_ids, part.tolist(), strict=True))
                for query, part in zip(queries, np.split(logits, bounds), strict=True)
            }

    def _logits(self, model: Any, pairs: list[tuple[str, str]]) -> NDArray[np.float32]:  # noqa: ANN401
        if not pairs:
            return np.zeros(0, np.float32)
        found = model.predict(
            pairs, batch_size=self._batch_size, activation_fn=torch.nn.Identity(), show_progress_bar=False
        )
        logits = np.asarray(found, np.float32).reshape(-1)
        if not np.isfinite(logits).all():
            raise ModelError("the model's scores are not numbers any more; lower the learning rate, or use float32")
        return logits


_TOGETHER = 16  # queries that are scored in one call, sorted by length

"""Labels that keep what the base knows: its own score of each document, raised for the relevant ones.

A reranker that is trained on "relevant" and "not" alone unlearns what it knew: documents that BM25 found and nobody
judged become examples of what is wrong, although many of them are good, and the scores are driven apart without bound.
ListNet (Cao et al. 2007) learns the softmax of the labels, so that labels of this kind ask for the base's own order,
moved by a bounded step towards the judgements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from resift.rerank.scorer import Pair, Scorer
from resift.rerank.training.examples import Example, LabelledList
from resift.rerank.training.finetuning.rows import as_lists

_TOGETHER = 256  # pairs that are scored between two reports


def raised_scores(
    examples: Sequence[Example],
    scorer: Scorer,
    boost: float,
    progress: Callable[[int], None] = lambda done: None,
) -> list[LabelledList]:
    """Return the examples as one list for each query that has a label above 0 and another document.

    A document's label is the raw logit that `scorer` gives it, raised by `boost` for the highest label of all examples,
    and by as much less for a lower one; the judgements of the list are the labels themselves. `progress` is called with
    the number of pairs scored. Raises ModelError if the scorer fails.
    """
    lists = [one for one in as_lists(examples) if len(one.documents) > 1 and max(one.labels) > min(one.labels)]
    highest = max((label for one in lists for label in one.labels), default=1.0)
    pairs = [(one.query, text) for one in lists for text in one.documents]
    logits = _logits(pairs, scorer, progress)
    raised = []
    for one in lists:
        labels = tuple(round(next(logits) + boost * label / highest, 4) for label in one.labels)
        raised.append(LabelledList(one.query, one.documents, labels, one.labels))
    return raised


def _logits(pairs: Sequence[Pair], scorer: Scorer, progress: Callable[[int], None]) -> Iterator[float]:
    for start in range(0, len(pairs), _TOGETHER):
        yield from map(float, scorer.score(pairs[start : start + _TOGETHER]).logits)
        progress(min(start + _TOGETHER, len(pairs)))

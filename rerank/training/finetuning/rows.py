"""Make the rows that a loss takes out of training examples of any form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from resift.rerank.training.examples import Contrast, Example, LabelledList, LabelledPair, Pair
from resift.rerank.training.finetuning.losses import HIGHEST_GRADE, LabelKind, Loss
from resift.retrieval.errors import SettingsError

Row = dict[str, Any]
"""One row of the training data, by column: those of sentence-transformers, in its order."""

_SHOWN = 60  # characters of a query in a message


def make_rows(examples: Sequence[Example], loss: Loss) -> Iterator[Row]:
    """Yield the rows of `examples` for a loss, in the order of the examples, or of the first of each query.

    Raises SettingsError if the labels are not those that the loss reads, or no row can be made.
    """
    found = False
    for row in _MAKERS[loss.rows](examples, loss):
        found = True
        yield row
    if not found:
        raise SettingsError(
            f"no query has both relevant and other documents, which {loss.class_name} compares; mine negatives first",
            "loss",
        )


def as_lists(examples: Iterable[Example]) -> list[LabelledList]:
    """Return one list for each query, in the order in which the queries begin; the order of the documents stays.

    The label of a pair's document, and of a triplet's first one, is 1, that of its negatives 0. Of a document that
    occurs twice for a query, the highest label counts. A list has `relevance` only if all of its parts have.
    """
    lists: dict[str, dict[str, tuple[float, float | None]]] = {}
    for example in examples:
        documents = lists.setdefault(example.query, {})
        for text, label, grade in _parts(example):
            if text not in documents or documents[text][0] < label:
                documents[text] = (label, grade)
    return [_list(query, documents) for query, documents in lists.items()]


def relevant(example: LabelledList) -> list[str]:
    """Return the documents of a list that answer its query.

    By its judgements if it has them, else by its labels: those above 0 if none is negative or above 10; of a teacher's
    scores, the best one.
    """
    grades = example.relevance
    if grades is None and all(0 <= label <= HIGHEST_GRADE for label in example.labels):
        grades = example.labels
    if grades is None:
        best = max(example.labels, default=0.0)
        return [text for text, label in zip(example.documents, example.labels, strict=True) if label == best][:1]
    return [text for text, grade in zip(example.documents, grades, strict=True) if grade > 0]


def positive_share(rows: Iterable[Row]) -> float:
    """Return the number of negative labels for each positive one, at least 1, of rows with labels from 0 to 1."""
    positive = total = 0.0
    for row in rows:
        positive += row["label"]
        total += 1
    return max(1.0, (total - positive) / positive) if positive else 1.0


def _labelled_pairs(examples: Sequence[Example], loss: Loss) -> Iterator[Row]:
    for example in examples:
        if isinstance(example, Pair):
            yield {"query": example.query, "document": example.document, "label": 1.0}
            continue
        [one] = as_lists([example])
        for text, label in zip(one.documents, _labels(one, loss.labels), strict=True):
            yield {"query": example.query, "document": text, "label": label}


def _contrasts(examples: Sequence[Example], loss: Loss) -> Iterator[Row]:
    """Yield (query, positive, negative_1 …); rows with fewer negatives than others repeat theirs.

    Pairs alone have none: the loss then takes the documents of the other queries in the batch.
    """
    if all(isinstance(example, Pair) for example in examples):
        yield from ({"query": example.query, "positive": _first(example)} for example in examples)
        return
    contrasts = [contrast for one in as_lists(examples) for contrast in _of_list(one)]
    width = max((len(contrast.negatives) for contrast in contrasts), default=0)
    for contrast in contrasts:
        repeated = [contrast.negatives[place % len(contrast.negatives)] for place in range(width)]
        negatives = {f"negative_{place}": text for place, text in enumerate(repeated, start=1)}
        yield {"query": contrast.query, "positive": contrast.positive, **negatives}


def _margins(examples: Sequence[Example], loss: Loss) -> Iterator[Row]:
    """Yield (query, best document, another, [their scores]) for each other document of a query."""
    for one in as_lists(examples):
        best = max(range(len(one.labels)), key=one.labels.__getitem__)
        for place, text in enumerate(one.documents):
            if place != best:
                scores = [one.labels[best], one.labels[place]]
                yield {"query": one.query, "positive": one.documents[best], "negative": text, "label": scores}


def _lists(examples: Sequence[Example], loss: Loss) -> Iterator[Row]:
    """Yield (query, documents, labels), best label first: the losses of permutations take the order as the truth."""
    for one in as_lists(examples):
        labels = _labels(one, loss.labels)
        order = sorted(range(len(labels)), key=lambda place: -labels[place])
        if len(labels) > 1 and labels[order[0]] > labels[order[-1]]:
            documents = [one.documents[place] for place in order]
            yield {"query": one.query, "documents": documents, "labels": [labels[place] for place in order]}


_MAKERS = {
    "labelled pairs": _labelled_pairs,
    "contrasts": _contrasts,
    "margins": _margins,
    "labelled lists": _lists,
}


def _labels(example: LabelledList, kind: LabelKind) -> tuple[float, ...]:
    """Return the labels, or the judgements of a list whose labels are a teacher's scores. Raises SettingsError."""
    if kind == "score":
        return example.labels
    for labels in (example.labels, example.relevance):
        if labels is None:
            continue
        if kind == "probability" and labels is example.relevance:
            labels = tuple(float(label > 0) for label in labels)
        if all(0 <= label <= (1 if kind == "probability" else float("inf")) for label in labels):
            return labels
    wrong = next(label for label in example.labels if label < 0 or (kind == "probability" and label > 1))
    wanted = "from 0 to 1" if kind == "probability" else "grades from 0"
    other = "mse, margin-mse or rank-net for the scores of a teacher" + (", lambda for grades" if wrong > 1 else "")
    raise SettingsError(
        f"the label {wrong:g} of the query {example.query[:_SHOWN]!r} is not what it reads ({wanted}); use {other}",
        "loss",
    )


def _of_list(example: LabelledList) -> Iterator[Contrast]:
    positives = relevant(example)
    negatives = tuple(text for text in example.documents if text not in positives)
    if negatives:
        yield from (Contrast(example.query, text, negatives) for text in positives)


def _parts(example: Example) -> Iterator[tuple[str, float, float | None]]:
    """Yield (document, label, judgement) of an example."""
    if isinstance(example, Pair):
        yield example.document, 1.0, None
    elif isinstance(example, LabelledPair):
        yield example.document, example.label, None
    elif isinstance(example, Contrast):
        yield example.positive, 1.0, None
        yield from ((text, 0.0, None) for text in example.negatives)
    else:
        grades: Sequence[float | None] = example.relevance or [None] * len(example.documents)
        yield from zip(example.documents, example.labels, grades, strict=True)


def _list(query: str, documents: dict[str, tuple[float, float | None]]) -> LabelledList:
    labels = tuple(label for label, _ in documents.values())
    grades = [grade for _, grade in documents.values() if grade is not None]
    return LabelledList(query, tuple(documents), labels, tuple(grades) if len(grades) == len(labels) else None)


def _first(example: Example) -> str:
    return example.document if isinstance(example, Pair) else next(text for text, _, _ in _parts(example))

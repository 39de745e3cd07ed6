"""What was mined for one query, and the training examples that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resift.rerank.training.examples import Contrast, Example, LabelledList, LabelledPair
from resift.rerank.training.mining.found import Text
from resift.rerank.training.mining.settings import MineSettings
from resift.retrieval.types import Query

_DIGITS = 4  # decimals of a teacher's score in the output


@dataclass(frozen=True, slots=True)
class Labelled:
    """A document of the output; `logit` is the teacher's raw score, None without a teacher.

    `kind`: positive, known (judged or skipped), mined, or random.
    """

    text: Text
    kind: str
    logit: float | None = None


@dataclass(frozen=True, slots=True)
class Mined:
    """A query with its positives and its negatives, at least one of each."""

    query: Query
    positives: tuple[Labelled, ...]
    negatives: tuple[Labelled, ...]


def to_examples(mined: Mined, settings: MineSettings) -> Iterator[Example]:
    """Yield the examples of a query in the form of `settings`: several pairs or triplets, one list, or n-tuples.

    An n-tuple has as many negatives as the settings want in all; a query that has fewer makes none.
    """
    if settings.form == "labeled-pair":
        for one in (*mined.positives, *mined.negatives):
            yield LabelledPair(mined.query.text, one.text.text, _label(one, settings.labels))
    elif settings.form == "labeled-list":
        yield _list(mined, settings.labels)
    elif settings.form == "triplet":
        for positive in mined.positives:
            for negative in mined.negatives:
                yield Contrast(mined.query.text, positive.text.text, (negative.text.text,))
    else:
        wanted = settings.negatives + settings.random_negatives
        texts = tuple(one.text.text for one in mined.negatives)
        if len(texts) == wanted:
            for positive in mined.positives:
                yield Contrast(mined.query.text, positive.text.text, texts)


def _list(mined: Mined, labels: str) -> LabelledList:
    found = (*mined.positives, *mined.negatives)
    relevance = tuple(_label(one, "grade") for one in found) if labels == "teacher" else None
    texts = tuple(one.text.text for one in found)
    return LabelledList(mined.query.text, texts, tuple(_label(one, labels) for one in found), relevance)


def _label(one: Labelled, labels: str) -> float:
    if labels == "teacher" and one.logit is not None:
        return round(one.logit, _DIGITS)
    if one.kind != "positive":
        return 0.0
    return one.text.grade if labels == "grade" else 1.0

"""The forms of training examples: a pair, a labelled pair, a contrast of documents, and a labelled list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pair:
    """A query with a document that answers it."""

    query: str
    document: str

    def to_json(self) -> dict[str, Any]:
        """Return the example as an object with the columns of sentence-transformers."""
        return {"query": self.query, "document": self.document}


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A query with a document and a number that says how well it answers: 1 or 0, a grade, or a teacher's score."""

    query: str
    document: str
    label: float

    def to_json(self) -> dict[str, Any]:
        """Return the example as an object with the columns of sentence-transformers."""
        return {"query": self.query, "document": self.document, "label": plain_number(self.label)}


@dataclass(frozen=True, slots=True)
class Contrast:
    """A query with a document that answers it and documents that do not, at least one: a triplet or an n-tuple."""

    query: str
    positive: str
    negatives: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the example as an object: `negative` if there is one negative, else "negative_1" and so on."""
        values: dict[str, Any] = {"query": self.query, "positive": self.positive}
        if len(self.negatives) == 1:
            return {**values, "negative": self.negatives[0]}
        return values | {f"negative_{place}": text for place, text in enumerate(self.negatives, start=1)}


@dataclass(frozen=True, slots=True)
class LabelledList:
    """A query with several documents, each with a label: grades, or a teacher's raw logits.

    `relevance` has the judgement of each document where `labels` are a teacher's scores; None if they are not known.
    """

    query: str
    documents: tuple[str, ...]
    labels: tuple[float, ...]
    relevance: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the documents and the numbers are not equally many."""
        for name, numbers in (("labels", self.labels), ("relevance", self.relevance)):
            if numbers is not None and len(numbers) != len(self.documents):
                raise ValueError(f"{len(self.documents)} documents but {len(numbers)} {name}; expected equally many")

    def to_json(self) -> dict[str, Any]:
        """Return the example as an object with the columns of sentence-transformers."""
        values: dict[str, Any] = {"query": self.query, "documents": list(self.documents)}
        values["labels"] = [plain_number(label) for label in self.labels]
        if self.relevance is not None:
            values["relevance"] = [plain_number(grade) for grade in self.relevance]
        return values


Example = Pair | LabelledPair | Contrast | LabelledList
"""One training example."""

FORMS: dict[type[Example], str] = {
    Pair: "pairs",
    LabelledPair: "labelled pairs",
    Contrast: "triplets",
    LabelledList: "labelled lists",
}
"""Form of an example -> its name in messages."""


def graded(example: Example) -> Iterator[tuple[str, float]]:
    """Yield each document of an example with its label, 1 and 0 where there are none.

    Of a list with a teacher's scores and judgements, these are the judgements.
    """
    if isinstance(example, LabelledList):
        labels: Sequence[float] = example.labels if example.relevance is None else example.relevance
        yield from zip(example.documents, labels, strict=True)
    elif isinstance(example, Contrast):
        yield example.positive, 1.0
        yield from ((text, 0.0) for text in example.negatives)
    else:
        yield example.document, example.label if isinstance(example, LabelledPair) else 1.0


def plain_number(number: float) -> float | int:
    """Return a whole number as an int, so that a grade is written as 1 and not as 1.0.

    >>> plain_number(1.0), plain_number(0.25)
    (1, 0.25)
    """
    return int(number) if float(number).is_integer() else float(number)

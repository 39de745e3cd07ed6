"""The table of losses: the rows that each takes, the labels that it reads, and the activation that it needs.

All are sentence-transformers' own (`sentence_transformers.cross_encoder.losses`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from resift.rerank.training.examples import Contrast, Example, LabelledList, LabelledPair, Pair, form_name
from resift.rerank.training.finetuning.settings import (
    BATCH_LISTS,
    BATCH_ROWS,
    RATE_OF_LABELS,
    RATE_OF_SCORES,
    TrainSettings,
)
from resift.retrieval.errors import SettingsError

RowForm = Literal["labelled pairs", "contrasts", "margins", "labelled lists"]
"""What one row of the training data is: (query, document, label); (query, positive, negatives …); (query, document,
document, [score, score]); or (query, documents, labels)."""

LabelKind = Literal["probability", "score", "grade"]
"""What the labels are: from 0 to 1; any numbers, such as a teacher's logits; or grades from 0."""

_EVERY = (Pair, LabelledPair, Contrast, LabelledList)
_SCORED = (LabelledPair, LabelledList)

HIGHEST_GRADE = 10
"""Labels from 0 to this are taken for grades; others are a teacher's scores."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss: the name of its class, its rows, its labels, and the forms of examples from which rows can be made.

    `activation` and `display`: the names of the functions of torch.nn that are applied to the logits in the loss, and
    by the finished model for display: Identity where the class has its own, Sigmoid for probabilities. `options` maps
    settings to the arguments of the class.
    """

    class_name: str
    rows: RowForm
    labels: LabelKind
    forms: tuple[type[Example], ...]
    activation: str = "Identity"
    display: str = "Identity"
    options: tuple[str, ...] = ()

    @property
    def batch_size(self) -> int:
        """How many rows a step reads if the settings do not say it: a list has several documents."""
        return BATCH_LISTS if self.rows == "labelled lists" else BATCH_ROWS

    @property
    def learning_rate(self) -> float:
        """The learning rate if the settings do not say it."""
        return RATE_OF_SCORES if self.labels == "score" else RATE_OF_LABELS

    @property
    def dropout(self) -> float | None:
        """The dropout if the settings do not say it, None for the base's: scores are learned as they are."""
        return 0.0 if self.labels == "score" else None

    @property
    def needs_negatives(self) -> bool:
        """Whether pairs alone teach nothing: all of their labels are 1, or there is nothing to compare."""
        return self.rows in ("labelled pairs", "labelled lists")

    def parameters(self, settings: TrainSettings, pos_weight: float | None = None) -> dict[str, Any]:
        """Return the arguments of the class besides the model, as plain values."""
        values: dict[str, Any] = {"activation_fn": self.activation}
        if "pos_weight" in self.options and pos_weight is not None:
            values["pos_weight"] = pos_weight
        if "mini_batch_size" in self.options:
            values["mini_batch_size"] = settings.mini_batch
        if "num_negatives" in self.options:
            values["num_negatives"] = settings.pair_negatives or None
        return values

    def make(self, parameters: dict[str, Any]) -> Callable[[Any], Any]:
        """Return a function that makes the loss for a model, with `parameters`."""
        import torch
        from sentence_transformers.cross_encoder import losses

        values = dict(parameters)
        values["activation_fn"] = getattr(torch.nn, values["activation_fn"])()
        if "pos_weight" in values:
            values["pos_weight"] = torch.tensor(float(values["pos_weight"]))
        kind = getattr(losses, self.class_name)
        return lambda model: kind(model, **values)


def _listwise(class_name: str, labels: LabelKind) -> Loss:
    return Loss(class_name, "labelled lists", labels, _EVERY, options=("mini_batch_size",))


TABLE: dict[str, Loss] = {
    "binary-cross-entropy": Loss(
        "BinaryCrossEntropyLoss", "labelled pairs", "probability", _EVERY, display="Sigmoid", options=("pos_weight",)
    ),
    "multiple-negatives": Loss(
        "MultipleNegativesRankingLoss",
        *("contrasts", "grade", _EVERY, "Sigmoid", "Sigmoid"),
        options=("num_negatives",),
    ),
    "cached-multiple-negatives": Loss(
        "CachedMultipleNegativesRankingLoss",
        *("contrasts", "grade", _EVERY, "Sigmoid", "Sigmoid"),
        options=("num_negatives", "mini_batch_size"),
    ),
    "mse": Loss("MSELoss", "labelled pairs", "score", _SCORED),
    "margin-mse": Loss("MarginMSELoss", "margins", "score", _SCORED),
    "lambda": _listwise("LambdaLoss", "grade"),
    "list-net": _listwise("ListNetLoss", "score"),
    "list-mle": _listwise("ListMLELoss", "score"),
    "plist-mle": _listwise("PListMLELoss", "score"),
    "rank-net": _listwise("RankNetLoss", "score"),
    "adr-mse": _listwise("ADRMSELoss", "score"),
}
"""Name of a loss -> what it is; the settings list the same names."""


def choose_loss(name: str, examples: Sequence[Example]) -> str:
    """Return the name of the loss: `name`, or for "auto" the one that fits the form and the labels of the examples.

    Labels from 0 to 1 are learned by binary-cross-entropy, whole grades by lambda, and the scores of a teacher by mse
    for pairs and list-net for lists. Raises SettingsError if no row for the loss can be made of examples of this form.
    """
    first = examples[0]
    if name == "auto":
        labels = [label for example in examples for label in _labels(example)]
        if all(0 <= label <= 1 for label in labels):
            name = "binary-cross-entropy"
        elif all(0 <= label <= HIGHEST_GRADE and label == int(label) for label in labels):
            name = "lambda"
        else:
            name = "list-net" if isinstance(first, LabelledList) else "mse"
    check_form(name, first)
    return name


def check_form(name: str, first: Example) -> None:
    """Raise SettingsError if no row for the loss `name` can be made of examples of the form of `first`."""
    if name == "auto" or isinstance(first, TABLE[name].forms):
        return
    wanted = "a label for each document, such as a teacher's score" if TABLE[name].labels == "score" else "negatives"
    fitting = ", ".join(other for other, row in TABLE.items() if isinstance(first, row.forms))
    raise SettingsError(
        f"{name} needs {wanted}, and the data are {form_name(first)}; expected one of {fitting}, or other data", "loss"
    )


def _labels(example: Example) -> tuple[float, ...]:
    if isinstance(example, LabelledList):
        return example.labels
    return (example.label,) if isinstance(example, LabelledPair) else ()

"""The settings of a distillation, in a file that is cheap to import for the command line."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

SCORED = ("all", "held-out")


@dataclass(frozen=True, slots=True)
class DistillSettings:
    """How queries and candidates are chosen, how the teacher scores them, and how the students are trained.

    Raises SettingsError on a value out of range.
    """

    made_share: float = setting(
        0.3,
        "The share of the queries that is made from titles and sentences of the documents; without given queries all.",
    )
    max_queries: int = setting(10_000, "The most queries of which candidates are scored.")
    held_out_share: float = setting(0.05, "The share of the queries that is never trained on, and measures students.")
    head_depth: int = setting(10, "How many hits of the first stage are its head; the middle follows, up to --depth.")
    head_documents: int = setting(4, "How many documents of the head are scored per query.")
    middle_documents: int = setting(4, "How many documents of the middle are scored per query.")
    random_documents: int = setting(2, "How many random documents are scored per query.")
    positive_documents: int = setting(2, "How many relevant documents are scored per query, if it is judged.")
    teacher_weights: str | None = setting(
        None, "The weights of several teachers, separated by commas, in their order; equal ones if not given."
    )
    scored: str = setting(
        "all",
        "all: the teacher scores every candidate once, into a file; held-out: only those that measure the students, "
        "and the others during the training, which a single BERT as the teacher allows.",
        choices=SCORED,
    )
    refit: bool = setting(True, "Fit the layers of a reduced student to the teacher's states before the training.")
    refit_pairs: int = setting(600, "How many pairs the layers of a reduced student are fitted on.")
    epochs: float = setting(3.0, "How often each query is trained on, each time with other candidates of its list.")
    group_size: int = setting(6, "How many documents of a query are trained on together.")
    step_groups: int = setting(4, "How many queries are trained on in one step.")
    mini_batch: int = setting(12, "How many pairs run through a model at once; it changes speed and memory only.")
    pair_tokens: int = setting(256, "The most tokens of a pair, for the teacher and the students.")
    lengths: str | None = setting(
        None,
        "Train on shorter pairs too: tokens and share, such as 72:0.6,128:0.3,256:0.1; the teacher reads them alike.",
    )
    logit_weight: float = setting(0.05, "The weight of the squared error of the logits.")
    margin_weight: float = setting(0.05, "The weight of the squared error of the differences within a query.")
    states_weight: float = setting(
        1.0, "The weight of the squared error of the states of the layers, for students as wide as a BERT teacher."
    )
    label_weight: float = setting(0.0, "The weight of the cross-entropy of the judged relevant documents.")
    learning_rate: float = setting(5e-5, "The learning rate after the warm-up and before the cool-down.")
    fresh_rate: float = setting(5e-4, "The same for a student of a fresh shape, which has more to learn.")
    warmup: float = setting(0.03, "The share of the training in which the learning rate rises.")
    cool_down: float = setting(0.25, "The share of the training, at its end, in which the learning rate falls.")
    weight_decay: float = setting(0.01, "The weight decay of AdamW, for matrices.")
    max_grad_norm: float = setting(1.0, "The largest norm of a gradient.")
    frozen_words: bool = setting(True, "Leave the word table as it is, so that rare words keep their vectors.")
    seed: int = setting(12, "The seed of every random choice.")
    export: bool = setting(True, "Write the student as ONNX and int8 as well, which run without torch.")
    dev_report: bool = setting(
        True,
        "Fit the student's fusion on the dev sets, and ask the gate; without, their queries are only not trained on.",
    )
    checkpoint_seconds: float = setting(120.0, "How many seconds of training a kill can lose.")

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("made_share", "held_out_share", "warmup", "cool_down"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"{getattr(self, name)} is not a share; expected a number from 0 to 1", name)
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise SettingsError(f"{getattr(self, name)} is too small; expected {least} or more", name)
        if self.scored not in SCORED:
            raise SettingsError(f"{self.scored!r} is not known; expected {' or '.join(SCORED)}", "scored")
        for name in ("epochs", "learning_rate", "fresh_rate"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{getattr(self, name)} is not above 0; expected a positive number", name)
        self.length_shares()

    def length_shares(self) -> tuple[tuple[int, float], ...]:
        """Return the lengths of pairs in tokens, each with its share of the steps; the shares add up to 1.

        Raises SettingsError if `lengths` cannot be read.

        >>> DistillSettings(lengths="64:3,128:1").length_shares()
        ((64, 0.75), (128, 0.25))
        """
        if self.lengths is None:
            return ((self.pair_tokens, 1.0),)
        try:
            parts = [part.split(":") for part in self.lengths.split(",")]
            found = [(int(tokens), float(share)) for tokens, share in parts]
        except ValueError:
            found = []
        total = sum(share for _, share in found)
        if not total > 0 or any(tokens < 8 or tokens > self.pair_tokens or not share >= 0 for tokens, share in found):
            raise SettingsError(
                f"{self.lengths!r} cannot be used; expected lengths from 8 to {self.pair_tokens} tokens with shares, "
                "such as 72:0.6,128:0.3,256:0.1",
                "lengths",
            )
        return tuple((tokens, share / total) for tokens, share in found)


_LEAST: dict[str, float] = {
    "max_queries": 1,
    "head_depth": 1,
    "head_documents": 0,
    "middle_documents": 0,
    "random_documents": 0,
    "positive_documents": 0,
    "refit_pairs": 1,
    "group_size": 2,
    "step_groups": 1,
    "mini_batch": 1,
    "pair_tokens": 8,
    "logit_weight": 0,
    "margin_weight": 0,
    "states_weight": 0,
    "label_weight": 0,
    "weight_decay": 0,
    "max_grad_norm": 0,
    "seed": 0,
    "checkpoint_seconds": 0,
}
"""Setting -> its smallest value."""

"""The settings of a training, in a file that is cheap to import for the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion
from resift.retrieval.settings import setting

LOSSES = (
    *("binary-cross-entropy", "multiple-negatives", "cached-multiple-negatives", "mse", "margin-mse"),
    *("lambda", "list-net", "list-mle", "plist-mle", "rank-net", "adr-mse"),
)
"""The names of the losses; those of sentence-transformers' classes, such as BinaryCrossEntropyLoss, are known too."""

BATCH_ROWS, BATCH_LISTS = 32, 8
"""What a step of the optimizer reads if nothing is said: rows with one or a few documents each, or lists."""

RATE_OF_LABELS, RATE_OF_SCORES = 2e-5, 5e-5
"""The learning rate if nothing is said; scores to learn are bounded, which allows a higher one."""

SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup")
PRECISIONS = ("auto", "float32", "float16", "bfloat16")
_LONG_NAMES = {
    "multiplenegativesranking": "multiple-negatives",
    "cachedmultiplenegativesranking": "cached-multiple-negatives",
    "bce": "binary-cross-entropy",
    "mnr": "multiple-negatives",
    "mnrl": "multiple-negatives",
    "meansquarederror": "mse",
    "lambdarank": "lambda",
}


_LARGEST = 1e6  # of any setting that is a number: more is a mistake


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How a model is trained, and how it is evaluated meanwhile.

    Raises SettingsError on a value that cannot be used.
    """

    loss: str = setting(
        "auto",
        f"The loss: {', '.join(LOSSES)}; auto chooses it by the form of the data.",
    )
    pos_weight: float | None = setting(
        None,
        "The weight of relevant documents in binary-cross-entropy; their part of the labels decides if not given.",
    )
    pair_negatives: int = setting(
        4, "For pairs without negatives: how many of the documents that BM25 finds in the data are negatives of each."
    )
    epochs: float = setting(1.0, "How often the model reads the data.")
    label_boost: float = setting(
        3.0,
        "Without a named loss, and with a reranker as the base: judged documents are trained on the base's own scores, "
        "which are raised by this much for the relevant ones; 0 trains on the labels alone.",
    )
    batch_size: int | None = setting(
        None,
        f"How many examples one step of the optimizer reads, over all processes; {BATCH_ROWS} rows, or {BATCH_LISTS} "
        "lists, if not given.",
    )
    accumulation: int = setting(1, "In how many parts a step is computed, to need less memory.")
    learning_rate: float | None = setting(
        None,
        f"The highest learning rate; if not given, {RATE_OF_LABELS:g} for losses that learn labels, and "
        f"{RATE_OF_SCORES:g} for those that learn scores.",
    )
    warmup: float = setting(0.1, "The share of the steps in which the learning rate rises to its highest value.")
    scheduler: str = setting("linear", "How the learning rate falls afterwards.", choices=SCHEDULERS)
    weight_decay: float = setting(0.0, "The weight decay of AdamW.")
    max_grad_norm: float = setting(1.0, "The length to which longer gradients are cut; 0: they are not.")
    dropout: float | None = setting(
        None,
        "The share of values that the training leaves out at random; if not given, none for losses that learn scores, "
        "and that of the base for others.",
    )
    precision: str = setting(
        "auto",
        "The precision of the computation; auto is bfloat16 where the device has it, else float16 on a GPU, else "
        "float32. The weights are float32.",
        choices=PRECISIONS,
    )
    seed: int = setting(12, "The seed of every random choice.")
    train_length: int | None = setting(
        None,
        "The maximum tokens of a query with its document, in the training and of the trained model; the base's own "
        "limit if not given.",
    )
    mini_batch: int = setting(
        32, "How many pairs listwise and cached losses read at once; it changes speed and memory only."
    )
    eval_steps: int | None = setting(
        None, "Evaluate, log and save after so many steps; a fifth of the training if not given."
    )
    metric: str | None = setting(
        None, "The value that chooses the best checkpoint, such as NanoNQ_R100_ndcg@10; the first set's ndcg@10."
    )
    stop_after: int | None = setting(
        None, "Stop after so many evaluations without a better value; the whole training runs if not given."
    )
    interpolate: bool = setting(
        True,
        "At the end, try weights between those of the base and the trained ones, and keep the best on the dev set.",
    )
    save_limit: int = setting(2, "How many checkpoints are kept during the training: the last ones and the best one.")
    held_out: float | None = setting(
        None,
        "The part of the queries that is not trained on and evaluates: a share below 1, or a number of queries (at "
        "most half of them). If not given: none with dev sets, else 0.1, or 50 queries if that is more, but not more "
        "than a quarter.",
    )
    held_out_candidates: int = setting(
        30, "How many documents that BM25 finds in the data are reranked for each of these queries."
    )

    def __post_init__(self) -> None:
        """Check the values."""
        if self.loss != "auto":
            object.__setattr__(self, "loss", loss_name(self.loss))
        self._check_ranges()
        if not 0 <= self.warmup <= 1:
            raise SettingsError(f"{self.warmup} is not a share; expected a number from 0 to 1", "warmup")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise SettingsError(f"{self.dropout} is out of range; expected 0 or more, and below 1", "dropout")
        if self.save_limit < 2:
            raise SettingsError(f"{self.save_limit} is below 2; the last and the best are needed", "save_limit")
        if self.held_out is not None and self.held_out >= 1 and self.held_out != int(self.held_out):
            raise SettingsError(
                f"{self.held_out} is out of range; expected a share below 1, or a whole number", "held_out"
            )
        for name, known in (("scheduler", SCHEDULERS), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise SettingsError(f"{getattr(self, name)!r} is not known; expected one of {', '.join(known)}", name)

    def _check_ranges(self) -> None:
        for name in (
            "batch_size",
            "accumulation",
            "mini_batch",
            "eval_steps",
            "stop_after",
            "train_length",
            "held_out_candidates",
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{value} is below 1; expected 1 or more", name)
        for name in ("weight_decay", "max_grad_norm", "held_out", "pair_negatives", "label_boost"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= _LARGEST:
                raise SettingsError(f"{value} is out of range; expected 0 to {_LARGEST:,.0f}", name)
        if not 0 <= self.seed < 2**32:
            raise SettingsError(f"{self.seed} is out of range; expected 0 to {2**32 - 1}", "seed")
        for name in ("epochs", "learning_rate", "pos_weight"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= _LARGEST:
                raise SettingsError(f"{value} is out of range; expected a number above 0, up to {_LARGEST:,.0f}", name)


def loss_name(given: str) -> str:
    """Return the name of a loss as `LOSSES` has it. Raises SettingsError if it is not known.

    >>> loss_name("BinaryCrossEntropyLoss"), loss_name("lambda_loss")
    ('binary-cross-entropy', 'lambda')
    """
    plain = re.sub(r"[^a-z]", "", given.lower()).removesuffix("loss")
    found = next((name for name in LOSSES if name.replace("-", "") == plain), _LONG_NAMES.get(plain))
    if found is None:
        near = suggestion(given, LOSSES) or f"; expected auto or one of {', '.join(LOSSES)}"
        raise SettingsError(f"{given!r} is not a loss{near}", "loss")
    return found

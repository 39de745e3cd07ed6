"""What the ladder is trained on, what each model begins from, and on which sets it is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who made a source of the training data, and under which licence it is."""

    what: str
    makers: str
    licence: str


PAIRS = {
    "squad-train-part": Attribution("44 training articles of SQuAD v1.1", "Rajpurkar et al. 2016", "CC BY-SA 4.0"),
    "squadshifts-wiki": Attribution("SQuADShifts, Wikipedia", "Miller et al. 2020", "CC BY 4.0"),
    "squadshifts-reddit": Attribution("SQuADShifts, Reddit", "Miller et al. 2020", "CC BY 4.0"),
    "squadshifts-amazon": Attribution("SQuADShifts, Amazon reviews", "Miller et al. 2020", "CC BY 4.0"),
    "nq-gold": Attribution("Natural Questions with gold passages", "Kwiatkowski et al. 2019", "CC BY-SA 3.0"),
    "medquad": Attribution("questions and answers of the NIH", "Ben Abacha and Demner-Fushman 2019", "CC BY 4.0"),
    "pubmedqa": Attribution("research questions with abstracts", "Jin et al. 2019", "MIT"),
    "stackexchange": Attribution("question titles with the best answer", "Stack Exchange contributors", "CC BY-SA"),
}
"""Files of question-answer pairs, in "training" of the shared data."""

COLLECTIONS = {
    "nfcorpus": Attribution("the train split", "Boteva et al. 2016", "academic use; NanoNFCorpus is CC BY 4.0"),
    "scifact": Attribution("the train split", "Wadden et al. 2020", "claims CC BY 4.0, abstracts ODC-By 1.0"),
}
"""Collections whose train split is used."""

UNTITLED = frozenset({"squadshifts-reddit", "squadshifts-amazon"})
"""Files whose titles, such as "Amazon Reviews 2030", say nothing about the passage."""

DEV = ("nfcorpus", "med", "time", "squad-dev")
"""Collections on whose dev splits the fusion is fitted and the gate decides."""

QUESTIONS = "nq-gold"
"""The file of pairs of which some queries are one more dev set, over the whole training corpus: what people ask a
search engine. Without it, no dev set would be like a web search."""

WEB = "questions"
"""The name of that set."""

DEV_QUERIES = 60
"""How many queries of each dev set are taken, always the same ones."""


DELIVERED = "delivered"
"""The folder of the finished models, in the work folder."""


TEACHERS = ("ms-marco-minilm-l12", "bge-small-en-v1.5")
"""The published models that are fetched: a cross-encoder, and a bi-encoder that judges other texts better."""


@dataclass(frozen=True, slots=True)
class Run:
    """One call of `resift distill`.

    `teachers`: their folders in the work folder. `students`: name of each model -> what it begins from, as the option
    for a student takes it. `options`: what else is given.
    """

    teachers: tuple[str, ...]
    students: Mapping[str, str]
    options: tuple[str, ...]


RUNS = {
    "larger": Run(
        teachers=("models/ms-marco-minilm-l12/float32",),
        students={"resift-base": "teacher:6", "resift-small": "teacher:4"},
        options=(
            *("--scored", "held-out", "--lengths", "72:.65,112:.2,176:.1,256:.05", "--max-queries", "6800"),
            *("--made-share", "0", "--held-out-share", "0.015", "--epochs", "0.78", "--learning-rate", "7e-5"),
        ),
    ),
    "longer": Run(
        teachers=("models/ms-marco-minilm-l12/float32",),
        students={"resift-small": f"{DELIVERED}/resift-small"},
        options=(
            *("--scored", "held-out", "--lengths", "72:.65,112:.2,176:.1,256:.05", "--max-queries", "13000"),
            *("--made-share", "0.1", "--held-out-share", "0.007", "--epochs", "0.65", "--learning-rate", "7e-5"),
            *("--cool-down", "0.4", "--seed", "13"),
        ),
    ),
    "both": Run(
        teachers=("models/ms-marco-minilm-l12/int8", "models/bge-small-en-v1.5/float32"),
        students={"resift-base": f"{DELIVERED}/resift-base", "resift-small": f"{DELIVERED}/resift-small"},
        options=(
            *("--states-weight", "0", "--no-refit", "--max-queries", "4800", "--made-share", "0.2", "--epochs", "1.4"),
            *("--held-out-share", "0.015", "--pair-tokens", "160", "--learning-rate", "7e-5", "--cool-down", "0.9"),
            *("--seed", "14"),
        ),
    ),
    "tiny": Run(
        teachers=(f"{DELIVERED}/resift-small",),
        students={"resift-tiny": "2x128x2"},
        options=(
            *("--max-queries", "30000", "--made-share", "0.15", "--held-out-share", "0.01", "--pair-tokens", "192"),
            *("--head-documents", "3", "--middle-documents", "2", "--random-documents", "1"),
            *("--positive-documents", "1", "--epochs", "2", "--step-groups", "16", "--mini-batch", "48"),
            *("--fresh-rate", "1e-3", "--no-frozen-words"),
        ),
    ),
}
"""Name of a step -> the training that it is, in their order: a student that begins from its own delivered model goes
on from an earlier step. The smallest model learns from one that is delivered, which is faster."""

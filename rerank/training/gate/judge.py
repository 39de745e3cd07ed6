"""Judge a trained model on dev sets against its base and the first stage, and store the verdict with the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from resift.rerank.evaluation.evaluator import ShowProgress
from resift.rerank.stages import SearchStages
from resift.rerank.training.gate.report import GateReport
from resift.rerank.training.gate.settings import GateSettings


@dataclass(frozen=True, slots=True)
class DevSet:
    """A dev set as the user names it.

    `target`: a BEIR folder, an index (with the files `queries` and `qrels`), sets of NanoBEIR ("nanobeir:NFCorpus"), or
    a file of training examples that were held out: labelled lists, labelled pairs, triplets or pairs.
    `split`: the judgements of a folder; dev if not given. `name`: a name for the report, else that of the target.
    `root`: a local copy of NanoBEIR.
    """

    target: str
    queries: str | None = None
    qrels: str | None = None
    split: str | None = None
    name: str = ""
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What is judged: `model` on `sets` against `base` (None: against the first stage alone).

    `trained_on`: files of training examples, for a model whose folder does not say what it was trained on.
    """

    model: str
    base: str | None
    sets: Sequence[DevSet]
    trained_on: Sequence[str] = field(default=())


def judge(
    trial: Trial,
    settings: GateSettings | None = None,
    stages: SearchStages | None = None,
    progress: ShowProgress | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> GateReport:
    """Return the verdict on `trial`.

    `stages` has the settings of both stages (the defaults if not given); its model is not used. Scores are kept in the
    cache folder of `settings` as they are computed, so that a judgement that was stopped continues where it was.
    Raises ResiftError.
    """
    raise NotImplementedError


def store(folder: Path, report: GateReport) -> list[Path]:
    """Write `report` into a model's folder: resift.json ("gate", "dev"), gate.md and the card, if it has a record.

    Return the files written. Raises OSError and ModelError.
    """
    raise NotImplementedError

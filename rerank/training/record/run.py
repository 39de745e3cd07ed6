"""The record of one training: plain values that fit into JSON, from which the model's card is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One column of training data.

    `kind` is "text", "number", "texts" (a list of texts for each row) or "numbers". `lowest`, `mean`, `highest` are
    those of the values of a number, and of the lengths in `unit` ("tokens", "characters", "texts" or "numbers")
    otherwise. `shares` has the share of each value if the numbers have few different ones, such as labels 0 and 1.
    """

    name: str
    kind: str
    unit: str
    lowest: float
    mean: float
    highest: float
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """One source of training or evaluation data, described by its rows.

    `samples` are its first rows. `measured` is the number of rows of which the statistics are. `hub` is the id of a
    data set on the hub ("org/name"), `revision` its commit, `location` the file or folder as it was given, which the
    card does not show. `licence`, `attribution` and `url` are what the user, or the data set's card, says of it.
    `sha256` is that of the file.
    """

    name: str
    rows: int
    columns: tuple[Column, ...] = ()
    samples: tuple[Mapping[str, Any], ...] = ()
    measured: int = 0
    form: str = ""
    hub: str = ""
    revision: str = ""
    location: str = ""
    sha256: str = ""
    licence: str = ""
    attribution: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """A model that a training began from, or learned from: `name` as the user gave it.

    `hub` is True if the name is one of the Hugging Face Hub; `revision` is its commit, `licence` that of its card.
    """

    name: str
    hub: bool = False
    revision: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the trained model is: sizes, languages and licence.

    `max_length` in tokens; `parameters` is their number, 0 if unknown; `architecture` is the text of the modules, as
    sentence-transformers prints it; `shape` is one line such as "2 layers, 128 wide, 2 heads"; `activation` is applied
    to the logit for display; `languages` are ISO 639 codes; `licence` is a name that the hub knows, such as apache-2.0.
    """

    name: str
    max_length: int
    labels: int = 1
    parameters: int = 0
    shape: str = ""
    architecture: str = ""
    activation: str = ""
    languages: tuple[str, ...] = ()
    licence: str = ""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the log: `loss` is the training loss since the row before, `values` are dev values by name.

    A value's name is that of the evaluator, such as "gooaq-dev_ndcg@10". A loss on evaluation data is a value too,
    "Validation Loss".
    """

    epoch: float
    step: int
    loss: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluator measured of the finished model.

    `values` and `first_stage` have the same names, such as "ndcg@10"; `first_stage` is BM25 on the same candidates,
    empty if there is none. `evaluator` is the full name of its class, `parameters` what it was made with.
    """

    name: str
    evaluator: str
    values: Mapping[str, float]
    first_stage: Mapping[str, float] = field(default_factory=dict)
    description: str = "Cross Encoder Reranking"
    primary: str = "ndcg@10"
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Energy:
    """What a training consumed, as codecarbon measured or estimated it.

    `kwh` kilowatt hours, `kg_co2` kilograms of CO2 equivalents, `seconds` of wall clock. `measured` is True if the
    power of the processor was read from its counters; else it is codecarbon's estimate. `country` is the ISO 3166 code
    (3 letters) whose electricity was assumed. `scope` is what was measured, "" for the training of the model alone.
    """

    kwh: float
    kg_co2: float
    seconds: float
    tool: str = "codecarbon"
    country: str = ""
    cpu: str = ""
    gpu: str = ""
    ram_gb: float = 0.0
    on_cloud: bool = False
    measured: bool = False
    scope: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What one training recorded; every figure of the card comes from here, or from the gate.

    `command` is the command that trained, such as "resift train"; `recipe` its name, "" if none.
    `base`: what the model began from, whole; `begun`: the same in words, if it was only a part of a model.
    `teachers`: the models that it learned from, which may be several.
    `training`, `evaluation`: the data. `loss`: the name of its class; `loss_parameters`: what it was made with.
    `settings`: every hyper-parameter; `changed`: those that differ from their defaults. `log`: rows in the order of
    their steps; `best_step`: the step whose checkpoint was kept, and `trained_share` how far from the base to it the
    weights of the model are, 1 for all of the way. `evaluations`: values of the finished model.
    `seconds`: wall clock by phase ("training", "evaluation", "scoring", …). `versions`: library -> version.
    `limits`: sentences about what the model cannot do. `citations`: name -> BibTeX.
    `started`: ISO 8601, with the time zone. `pictures`: file names in the folder that the card shows, with captions.
    """

    command: str
    model: ModelFacts
    base: Origin | None = None
    begun: str = ""
    teachers: tuple[Origin, ...] = ()
    recipe: str = ""
    training: tuple[Source, ...] = ()
    evaluation: tuple[Source, ...] = ()
    loss: str = ""
    loss_parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[LogRow, ...] = ()
    best_step: int | None = None
    trained_share: float = 1.0
    evaluations: tuple[Evaluation, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    energy: Energy | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    citations: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    seed: int | None = None

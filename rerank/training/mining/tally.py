"""What a mine has counted: queries, documents, and why queries and candidates were left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from resift.rerank.training.mining.mined import Mined
from resift.retrieval.wording import counted, noun_for

NO_POSITIVE = "none of its positives is in the index"
NO_NEGATIVE = "no negative was left"
TOO_FEW = "fewer negatives than an n-tuple has"


@dataclass(slots=True)
class Tally:
    """Counts of a mine, also across a restart.

    `anchors`: queries with a positive that were read. `queries`: those that made examples. `examples`: lines written.
    `negatives`: by kind. `short`: queries with fewer negatives than wanted. `missing`: known documents that the index
    does not have. `unlocated`: positives given as texts of which the index has no copy. `left_out`: candidates by
    reason. `dropped`: queries by reason. `pairs`: scored by the teacher. `read`: candidates that were read, and
    `lacking`: those without a field that the template names, by field. `positive_logits`, `negative_logits`: number
    and sum of the teacher's scores.
    """

    anchors: int = 0
    queries: int = 0
    examples: int = 0
    positives: int = 0
    short: int = 0
    missing: int = 0
    unlocated: int = 0
    pairs: int = 0
    read: int = 0
    negatives: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)
    positive_logits: list[float] = field(default_factory=lambda: [0, 0.0])
    negative_logits: list[float] = field(default_factory=lambda: [0, 0.0])

    def add(self, mined: Mined, wanted: int) -> None:
        """Count a query that made examples; `wanted` is the number of negatives that it should have."""
        self.queries += 1
        self.positives += len(mined.positives)
        self.short += len(mined.negatives) < wanted
        self.negatives.update(one.kind for one in mined.negatives)
        for total, found in ((self.positive_logits, mined.positives), (self.negative_logits, mined.negatives)):
            logits = [one.logit for one in found if one.logit is not None]
            total[0] += len(logits)
            total[1] += sum(logits)

    def notes(self) -> list[str]:
        """Return what the user should know about the texts, one line each."""
        notes = []
        if absent := ", ".join(f"{{{name}}}" for name, count in self.lacking.items() if count == self.read):
            notes.append(f"none of the {self.read} documents has the template's {absent}; left empty (`template`)")
        if self.unlocated:
            given, verb = counted(self.unlocated, "document"), noun_for(self.unlocated, "is", "are")
            notes.append(
                f"{given} of the pairs {verb} not in the index; written as given, so a title that the others have may "
                "give them away"
            )
        return notes

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a JSON object."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in found.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Tally:
        """Return the counts that `to_json` returned. Raises TypeError on other names."""
        counters = ("negatives", "left_out", "dropped", "lacking")
        made: dict[str, Any] = {name: Counter(value) if name in counters else value for name, value in values.items()}
        return cls(**made)

    @property
    def mean_logits(self) -> tuple[float | None, float | None]:
        """The mean score of the positives and of the negatives; None where none was scored."""
        means = [total / count if count else None for count, total in (self.positive_logits, self.negative_logits)]
        return means[0], means[1]

"""The settings of mining: which candidates become negatives, and how the examples are written."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

FORMS = ("labeled-pair", "labeled-list", "triplet", "n-tuple")
"""The forms of the output, by the names that sentence-transformers has for them."""
LABELS = ("binary", "grade", "teacher")
NO_TEACHER = "none"
_RANKS = re.compile(r"\s*(\d+)\s*-\s*(\d+)\s*")


@dataclass(frozen=True, slots=True)
class MineSettings:
    """Which candidates of the first stage become negatives, and in which form they are written."""

    ranks: str = setting("1-100", "The ranks of the first stage from which negatives are taken, such as 10-50.")
    negatives: int = setting(5, "How many hard negatives a query gets.")
    sampling: str = setting(
        "top", "Which of the candidates that are left: those ranked first, or random ones.", choices=("top", "random")
    )
    random_negatives: int = setting(0, "How many documents of the whole index a query gets as well, drawn at random.")
    teacher: str = setting(
        "default",
        "The model that recognizes negatives that are relevant after all: named as for --model, or none.",
    )
    absolute_margin: float | None = setting(
        0.0, "How far a negative's logit must be below the positive's, at least; needs a teacher."
    )
    relative_margin: float | None = setting(
        None,
        "The same as a share of the positive's score: 0.05 keeps negatives that are at least 5 % below it.",
    )
    max_score: float | None = setting(None, "The highest score that a negative may have.")
    min_score: float | None = setting(None, "The lowest score that a negative may have; lower ones are too easy.")
    score_scale: str = setting(
        "logit",
        "The scale of the relative margin and of the highest and lowest score: the teacher's raw logit, or its sigmoid "
        "from 0 to 1.",
        choices=("logit", "probability"),
    )
    margin_from: str = setting(
        "lowest",
        "Which positive's score the margins are measured from, if a query has several.",
        choices=("lowest", "median", "highest"),
    )
    known_negatives: bool = setting(
        True, "Use documents that were judged as not relevant, or skipped by users, ahead of the mined ones."
    )
    most_positives: int = setting(10, "How many positives of a query are used, the highest grades first; 0: all.")
    min_grade: int = setting(
        1,
        "The lowest grade of a positive; documents with a lower one above 0 are neither positive nor negative.",
    )
    copies: float = setting(
        0.9,
        "The share of three-word sequences in common with a positive from which a document counts as its copy; above "
        "1, only the same words do.",
    )
    form: str = setting("labeled-pair", "The form of the examples, as sentence-transformers names it.", choices=FORMS)
    labels: str = setting(
        "binary",
        "What the labels are: 1 and 0, the grades, or the teacher's raw logits, for distillation.",
        choices=LABELS,
    )
    seed: int = setting(0, "The seed of what is drawn at random.")
    batch_queries: int = setting(16, "How many queries the first stage gets at once; the result does not depend on it.")

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used, or contradicts another one."""
        self._check_counts()
        for name in ("absolute_margin", "relative_margin", "max_score", "min_score"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise SettingsError(f"{value} is not finite; expected a number", name)
        if self.relative_margin is not None and not 0 <= self.relative_margin <= 1:
            raise SettingsError(
                f"{self.relative_margin} is out of range; expected a number from 0 to 1", "relative_margin"
            )
        if self.copies <= 0:
            raise SettingsError(f"{self.copies} is not above 0; expected a share such as 0.9", "copies")
        choices = {"sampling": ("top", "random"), "score_scale": ("logit", "probability"), "form": FORMS}
        choices |= {"labels": LABELS, "margin_from": ("lowest", "median", "highest")}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise SettingsError(f"{getattr(self, name)!r} is not known; expected {', '.join(known)}", name)
        if self.labels != "binary" and self.form in ("triplet", "n-tuple"):
            raise SettingsError(f"the form {self.form} has no labels; choose labeled-pair or labeled-list", "labels")
        self._check_teacher()

    def _check_counts(self) -> None:
        first, last = self.range
        least = {"negatives": 0, "random_negatives": 0, "most_positives": 0, "batch_queries": 1, "min_grade": 1}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise SettingsError(f"{getattr(self, name)} is below {lowest}; expected {lowest} or more", name)
        if self.negatives + self.random_negatives < 1:
            raise SettingsError("both numbers of negatives are 0; expected at least one negative", "negatives")
        if self.negatives > last - first + 1:
            raise SettingsError(
                f"{self.negatives} negatives cannot be taken from {last - first + 1} ranks; give more `ranks`",
                "negatives",
            )

    def _check_teacher(self) -> None:
        if self.has_teacher:
            return
        for name in ("relative_margin", "max_score", "min_score"):
            if getattr(self, name) is not None:
                raise SettingsError("needs the scores of a teacher; name one with `teacher`", name)
        if self.labels == "teacher":
            raise SettingsError("the labels are to be a teacher's scores; name one with `teacher`", "labels")

    @property
    def range(self) -> tuple[int, int]:
        """The first and the last rank from which negatives are taken, from 1. Raises SettingsError."""
        found = _RANKS.fullmatch(self.ranks)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise SettingsError(f"{self.ranks!r} is not a range; expected the first and last rank, as 10-50", "ranks")
        return int(found[1]), int(found[2])

    @property
    def has_teacher(self) -> bool:
        """Whether a model scores the candidates."""
        return self.teacher != NO_TEACHER

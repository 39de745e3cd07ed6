"""What one check of the doctor found: an outcome, what was observed, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass

WORKS, WARNING, BROKEN, NOT_CHECKED = "works", "warning", "broken", "not checked"
OUTCOMES = (WORKS, WARNING, BROKEN, NOT_CHECKED)
"""The outcomes of a check. `NOT_CHECKED` has the reason as what was seen."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check, one of `OUTCOMES`; what was `seen`, and the `remedy`, "" if none is needed."""

    outcome: str
    seen: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A finding with the name of its check, its group, and what the check does."""

    group: str
    name: str
    what: str
    finding: Finding

    def as_json(self) -> dict[str, str]:
        """Return the row as a JSON object."""
        found = self.finding
        return {
            "group": self.group,
            "check": self.name,
            "what": self.what,
            "outcome": found.outcome,
            "seen": found.seen,
            "remedy": found.remedy,
        }


def works(seen: str) -> Finding:
    """Return that a check passed."""
    return Finding(WORKS, seen)


def warning(seen: str, remedy: str) -> Finding:
    """Return that something works now, and can fail or mislead."""
    return Finding(WARNING, seen, remedy)


def broken(seen: str, remedy: str) -> Finding:
    """Return that something does not work."""
    return Finding(BROKEN, seen, remedy)


def not_checked(why: str, remedy: str = "") -> Finding:
    """Return that a check was not made, and why."""
    return Finding(NOT_CHECKED, why, remedy)


def count(rows: list[Row], outcome: str) -> int:
    """Return how many rows have an outcome."""
    return sum(row.finding.outcome == outcome for row in rows)

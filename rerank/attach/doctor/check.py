"""A check of the doctor, and how checks are run one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from resift.rerank.attach.doctor.finding import Finding, Row, broken, not_checked
from resift.retrieval.errors import EngineError, StatusError
from resift.retrieval.text import error_line

C = TypeVar("C", contravariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Check(Generic[C]):
    """A check: its `group` and `name`, `what` it does in a few words, and the function that looks at a case."""

    group: str
    name: str
    what: str
    look: Callable[[C], Finding]


class CheckRun:
    """Runs checks one after the other; `rows` are what they found so far."""

    def __init__(self, done: Callable[[str], None] = lambda name: None) -> None:
        """Call `done` with the name of each check before it runs."""
        self.rows: list[Row] = []
        self._done = done
        self._lost = False

    def run(self, checks: Iterable[Check[T]], case: T) -> None:
        """Run checks on a case, in their order.

        A check that the engine refuses is reported as not checked, with the reason. Once the engine does not answer at
        all, that is reported as broken, and the remaining checks as not checked.
        """
        for check in checks:
            self._done(check.name)
            self.rows.append(Row(check.group, check.name, check.what, self._look(check, case)))

    def _look(self, check: Check[T], case: T) -> Finding:
        if self._lost:
            return not_checked("the engine does not answer any more")
        try:
            return check.look(case)
        except StatusError as error:
            self._lost = error.status == 0
            return _refused(error)
        except EngineError as error:
            return not_checked(error_line(error))


def _refused(error: StatusError) -> Finding:
    if error.status == 0:
        return broken(
            f"the engine did not answer: {error_line(error)}", "check that the engine runs, and look in its log"
        )
    remedy = "use a user with the rights that docs/doctor.md lists" if error.status in (401, 403) else ""
    return not_checked(error_line(error), remedy)

"""Show what reranking changed on the demo's judged queries: the shares, examples with their grades, and one to try."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resift.retrieval.trec import read_qrels, read_run
from resift.retrieval.types import Qrels, Run, from_run

MEASURE = "ndcg@10"
SHOWN = 4  # hits of each order in an example
WIDTH = 40  # characters of a column, with its mark
_STAGES = ("first_stage", "reranked")
MARKS = {3: "***", 2: "**", 1: "*"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One query: its text, both orders as doc_ids, the grades of its judged documents, and nDCG@10 of both orders."""

    query_id: str
    text: str
    orders: tuple[Sequence[str], Sequence[str]]
    grades: Mapping[str, int]
    values: tuple[float, float]

    @property
    def gain(self) -> float:
        """The difference of nDCG@10, rounded so that the rounding error of equal orders is 0."""
        return round(self.values[1] - self.values[0], 9)

    @property
    def first_grades(self) -> tuple[int, int]:
        """The grades of the first hit of both orders; 0 if it is not judged, or there are no hits."""
        before, after = (self.grades.get(order[0], 0) if order else 0 for order in self.orders)
        return before, after


def examples(outcomes: Sequence[Outcome]) -> list[tuple[str, Outcome]]:
    """Return (why it is shown, outcome): the two most helped whose first hit has a better grade, the median, the worst.

    No outcome is shown twice.
    """
    ordered = sorted(outcomes, key=lambda one: (-one.gain, one.query_id))
    better = [one for one in ordered if one.gain > 0 and one.first_grades[1] > one.first_grades[0]]
    chosen = [("the first hit is better now", one) for one in better[:1]]
    chosen += [("another better first hit", one) for one in better[1:2]]
    chosen += [("the median query", ordered[len(ordered) // 2]), ("hurt most", ordered[-1])]
    first_reason = {one.query_id: why for why, one in reversed(chosen)}
    return [(why, one) for why, one in chosen if first_reason[one.query_id] == why]


def to_try(outcomes: Sequence[Outcome], shown: Sequence[Outcome]) -> Outcome | None:
    """Return the first query by id, not among `shown`, whose best answer reranking moved to the first place."""
    known = {one.query_id for one in shown}
    best = [one for one in outcomes if one.first_grades[1] == max(one.grades.values(), default=0) > one.first_grades[0]]
    return min((one for one in best if one.query_id not in known), key=lambda one: one.query_id, default=None)


def shares(outcomes: Sequence[Outcome]) -> str:
    """Return how many queries reranking helped, left equal and hurt, and how often the first hit became better."""
    count = len(outcomes)
    parts = {
        "helped": sum(one.gain > 0 for one in outcomes),
        "equal": sum(one.gain == 0 for one in outcomes),
        "hurt": sum(one.gain < 0 for one in outcomes),
    }
    told = ", ".join(f"{name} {number} ({number / count:.0%})" for name, number in parts.items())
    better = sum(one.first_grades[1] > one.first_grades[0] for one in outcomes)
    worse = sum(one.first_grades[1] < one.first_grades[0] for one in outcomes)
    return (
        f"nDCG@10 of {count} judged queries: {told}.\n"
        f"The first hit has a better grade for {better} of them, a worse one for {worse}."
    )


def side_by_side(outcome: Outcome) -> str:
    """Return the first hits of both orders in two columns; stars are the grade of a judged document."""
    rows = [f"     {'BM25':<{WIDTH}} {'reranked'}"]
    for place in range(SHOWN):
        cells = [_cell(order, place, outcome.grades) for order in outcome.orders]
        rows.append(f"{place + 1:>3}  {cells[0]:<{WIDTH}} {cells[1]}".rstrip())
    return "\n".join(rows)


def _cell(order: Sequence[str], place: int, grades: Mapping[str, int]) -> str:
    if place >= len(order):
        return ""
    name = order[place] if len(order[place]) <= WIDTH - 5 else f"{order[place][: WIDTH - 6]}…"
    return f"{MARKS.get(grades.get(order[place], 0), ''):<3} {name}"


def outcomes_of(results: Path, collection: Path) -> list[Outcome]:
    """Read the outcomes from the folder that `resift evaluate --output` wrote, and the judged `collection`.

    Raises OSError and resift's CorpusError if a file cannot be read.
    """
    [values] = json.loads((results / "per_query.json").read_text(encoding="utf-8"))["sets"].values()
    lines = (collection / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {query["_id"]: query["text"] for query in map(json.loads, lines)}
    qrels: Qrels = read_qrels(collection / "qrels" / "test.tsv")
    before, after = (_orders(read_run(next((results / "runs").glob(f"*.{stage}.trec")))) for stage in _STAGES)
    return [
        Outcome(
            query_id,
            texts[query_id],
            (before.get(query_id, ()), after.get(query_id, ())),
            qrels[query_id],
            (row[_STAGES[0]][MEASURE], row[_STAGES[1]][MEASURE]),
        )
        for query_id, row in values.items()
    ]


def _orders(run: Run) -> dict[str, list[str]]:
    return {one.query.query_id: [hit.document.doc_id for hit in one.hits] for one in from_run(run)}


def main(results: str, collection: str, command: str) -> None:
    """Print the shares, the examples, and a query to try with `command`."""
    outcomes = outcomes_of(Path(results), Path(collection))
    chosen = examples(outcomes)
    print(f"{shares(outcomes)}\n*** the answer, ** a good alternative, * related, as judged in demo/qrels")
    for why, one in chosen:
        print(f'\n--- {why}: "{one.text}", nDCG@10 {one.values[0]:.2f} -> {one.values[1]:.2f}')
        print(side_by_side(one))
    tried = to_try(outcomes, [one for _, one in chosen])
    if tried is not None:
        print(f'\nTry it with this question, or with your own:\n  {command} "{tried.text}"')


if __name__ == "__main__":
    main(*sys.argv[1:])

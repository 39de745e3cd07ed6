"""The report of an experiment as a page, for Markdown and HTML: tables, helped and hurt queries, and the settings."""

from __future__ import annotations

from collections.abc import Iterator

from resift.rerank.evaluation.experiment import ExperimentResult, SetResult
from resift.rerank.evaluation.judged_ranks import HEADLINE, JudgedQuery, helped, hurt, moves
from resift.rerank.evaluation.measures import MEASURES
from resift.rerank.evaluation.page import Block, Cell, Heading, Page, Paragraph, Table, Tone
from resift.rerank.evaluation.report_rows import READING_AID, MeasuredRow, change, describe, interval, measured_rows
from resift.retrieval.text import shorten
from resift.retrieval.wording import counted, noun_for

WORST = 10
"""How many hurt and how many helped queries of each set a page lists unless another number is asked for."""
_MOST_DOCUMENTS = 10  # judged documents of a query that are listed


def report_page(result: ExperimentResult, worst: int = WORST) -> Page:
    """Return the report of `result` with at most `worst` hurt and `worst` helped queries of each set."""
    blocks: list[Block] = [Paragraph(line) for line in describe(result).splitlines()]
    blocks += [_measures(result), Paragraph(READING_AID + "; p: two-sided, paired randomization test")]
    for one in result.sets:
        blocks += _queries(one, worst)
    blocks += [Heading("Settings"), _settings(result)]
    return Page(f"Reranking of {', '.join(one.name for one in result.sets)}", tuple(blocks))


def _measures(result: ExperimentResult) -> Table:
    columns = (
        "set",
        "measure",
        "first stage",
        "reranked",
        "difference",
        "95 % interval",
        "p",
        "wins",
        "ties",
        "losses",
    )
    rows = measured_rows(result)
    shown = rows if len(result.counted) > 1 else rows[:-1]
    cells = tuple(_measure(row, name) for row in shown for name in MEASURES)
    return Table(columns, cells, numbers=frozenset(range(2, len(columns))))


def _measure(row: MeasuredRow, name: str) -> tuple[Cell | str, ...]:
    found = row.comparisons[name]
    first = name == next(iter(MEASURES))
    counts = (str(count) for count in (found.wins, found.ties, found.losses))
    return (
        Cell(row.name, (row.remark,)) if first else "",
        name,
        f"{row.first_stage[name]:.4f}",
        f"{row.reranked[name]:.4f}",
        Cell(change(row, name), tone=_tone(found.difference) if found.certain else ""),
        interval(found),
        f"{found.p_value:.4f}",
        *counts,
    )


def _tone(difference: float) -> Tone:
    return "good" if difference > 0 else "bad"


def _queries(one: SetResult, count: int) -> Iterator[Block]:
    """Yield the tables of the most hurt and helped queries of a set, and what the model could not read of it."""
    for word, queries in (("hurt", hurt(one, count)), ("helped", helped(one, count))):
        if not queries:
            yield Paragraph(f"{one.name}: no query was {word}.")
            continue
        yield Heading(f"{one.name}: {word} most")
        columns = ("query", f"{HEADLINE} before", "after", "ranks of the judged documents, first stage -> reranked")
        yield Table(columns, tuple(map(_query, queries)), numbers=frozenset((1, 2)))
    if one.unanswered:
        verb = noun_for(one.unanswered, "has", "have")
        yield Paragraph(
            f"{one.name}: {counted(one.unanswered, 'judged query', 'judged queries')} {verb} no hit and counts 0."
        )
    for note in one.counts.notes():
        yield Paragraph(f"{one.name}: {note.removeprefix('note: ')}.")


def _query(query: JudgedQuery) -> tuple[Cell | str, ...]:
    tone = _tone(query.after - query.before)
    return (
        Cell(shorten(query.text or query.query_id), (query.query_id,) if query.text else ()),
        f"{query.before:.4f}",
        Cell(f"{query.after:.4f}", tone=tone),
        Cell("", tuple(moves(query, _MOST_DOCUMENTS))),
    )


def _settings(result: ExperimentResult) -> Table:
    """Return every condition of the experiment; one that was not used is left out."""
    facts = {"mode": result.mode, "model": result.model, "depth": result.depth, **result.conditions}
    rows = tuple((name, str(value)) for name, value in facts.items() if value is not None)
    return Table(("setting", "value"), rows)

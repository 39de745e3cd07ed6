"""The queries whose orders differ most, as a page: both orders side by side, with snippets and moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from resift.rerank.evaluation.changes import PERSISTENCE, ChangedQuery, Changes
from resift.rerank.evaluation.page import Block, Cell, Heading, Page, Paragraph, Table
from resift.rerank.explanation import ComparedRank, compare_ranks, move
from resift.retrieval.markup import plain_text
from resift.retrieval.text import shorten
from resift.retrieval.types import Hit
from resift.retrieval.wording import counted, noun_for

_LONGEST_TITLE = 200  # characters


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared: the names of the two orders, and the settings behind them, by name.

    `html`: whether tags are removed from titles, as in `resift.retrieval.markup`. `snippet`: maps a hit and the
    query's text to the part of the hit's text to show.
    """

    names: tuple[str, str]
    settings: Mapping[str, object]
    snippet: Callable[[Hit, str], str]
    html: str = "auto"


def changes_page(changes: Changes, compared: Compared) -> Page:
    """Return the page of `changes`."""
    before, after = compared.names
    blocks: list[Block] = [Paragraph(line) for line in summary(changes, compared.names)]
    for place, query in enumerate(changes.most, start=1):
        blocks += _query(place, query, changes.top, compared)
    settings = tuple((name, str(value)) for name, value in compared.settings.items() if value is not None)
    blocks += [Heading("Settings"), Table(("setting", "value"), settings)]
    return Page(f"{before} and {after}: the queries that changed most", tuple(blocks))


def changes_to_json(changes: Changes, compared: Compared) -> dict[str, object]:
    """Return `changes` as a JSON object: the settings, the counts, and the most changed queries with both orders."""
    answered = max(1, changes.queries - changes.empty)
    return {
        **compared.settings,
        "top": changes.top,
        "names": list(compared.names),
        "count": changes.queries,
        "empty": changes.empty,
        "first_changed": changes.first_changed,
        "same": changes.same - changes.empty,
        "mean_new": changes.new / answered,
        "mean_overlap": (changes.overlap - changes.empty) / answered if changes.queries > changes.empty else None,
        "most_changed": [
            {
                "query_id": one.before.query.query_id,
                "query": one.before.query.text,
                "overlap": one.overlap,
                "new": one.new,
                "before": [hit.document.doc_id for hit in one.before.top(changes.top).hits],
                "after": [hit.document.doc_id for hit in one.after.top(changes.top).hits],
            }
            for one in changes.most
        ],
    }


def summary(changes: Changes, names: tuple[str, str]) -> Iterator[str]:
    """Yield in a few sentences how many queries changed, and how the list is ordered."""
    asked, answered = counted(changes.queries, "query", "queries"), changes.queries - changes.empty
    yield f"{asked}, from {names[0]} to {names[1]}."
    if changes.empty:
        yield f"{counted(changes.empty, 'query', 'queries')} matched nothing."
    if answered:
        yield (
            f"The first hit changed in {_share(changes.first_changed, answered)}; the first {changes.top} are the same "
            f"in {_share(changes.same - changes.empty, answered)}; {changes.new / answered:.1f} of them are new on "
            f"average."
        )
    if changes.most:
        mean = (changes.overlap - changes.empty) / answered
        yield (
            f"The most changed queries come first: those with the least rank-biased overlap of both (persistence "
            f"{PERSISTENCE}; 1 is the same order; the mean is {mean:.2f})."
        )
    else:
        yield "No query has another order."


def describe(query: ChangedQuery, top: int) -> str:
    """Return in a few words how much a query changed."""
    return f"overlap {query.overlap:.2f}, {query.new} of the first {min(top, len(query.after.hits))} new"


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} {noun_for(total, 'query', 'queries')} ({100 * count / total:.0f} %)"


def _query(place: int, query: ChangedQuery, top: int, compared: Compared) -> Iterator[Block]:
    """Yield the heading, the change and both orders of one query."""
    words = query.before.query
    yield Heading(f"{place}. {shorten(words.text)}")
    yield Paragraph(f"{words.query_id}: {describe(query, top)}")
    rows = [_row(one, words.text, compared) for one in compare_ranks(query.before, query.after, top)]
    before, after = compared.names
    columns = ("#", before, "goes to", after, "from", "moved")
    yield Table(columns, tuple(rows), numbers=frozenset((0, 2, 4, 5)))


def _row(one: ComparedRank, query: str, compared: Compared) -> tuple[Cell | str, ...]:
    old, new = _hit(one.old, query, compared), _hit(one.new, query, compared)
    return str(one.rank), old, str(one.goes_to), new, str(one.came_from), _moved(one.came_from, one.rank)


def _hit(hit: Hit, query: str, compared: Compared) -> Cell:
    title = shorten(plain_text(hit.document.title, compared.html), _LONGEST_TITLE)
    details = (hit.document.doc_id if title else "", compared.snippet(hit, query))
    return Cell(title or hit.document.doc_id, tuple(line for line in details if line))


def _moved(before: int, after: int) -> Cell:
    return Cell(move(before, after), tone="" if before == after else "good" if before > after else "bad")

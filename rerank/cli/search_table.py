"""The hits of a search for people: the ranking with snippets, or both orders side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from resift.rerank.cli.field_values import as_text
from resift.rerank.cli.text import plain
from resift.rerank.explanation import ExplainedHit, compare_ranks, explain, move
from resift.rerank.reranker import Reranking
from resift.rerank.snippets import Snippet, best_snippet, snippet_of
from resift.retrieval.markup import plain_text
from resift.retrieval.types import Hit, Ranking

Analyze = Callable[[str], Sequence[str]]
_LONGEST = 200  # characters of a title, a query or the value of a field
_WIDE = 80  # columns from which a comparison also shows where each hit of the first order goes to


@dataclass(frozen=True, slots=True)
class View:
    """How hits are shown: the first `top`, with the query's words marked where `analyze` gives the same terms.

    `html`: whether tags are removed from titles and texts, as in `resift.retrieval.markup`. `fields`: the names of
    further fields to show. `filtered`: whether only documents that match a filter were searched.
    """

    top: int
    analyze: Analyze
    html: str = "auto"
    fields: tuple[str, ...] = ()
    filtered: bool = False

    def snippet(self, hit: Hit, query: str, result: Reranking | None = None) -> Snippet:
        """Return the part of a hit's text that answers `query` best; of what the model read, if `result` scored it."""
        if result is not None and hit.document.doc_id in result.logits:
            return snippet_of(result, hit.document, self.analyze)
        return best_snippet(plain_text(hit.document.text, self.html), query, self.analyze)

    def title(self, hit: Hit) -> str:
        """Return the title of a hit on one line, "" if it has none."""
        return plain(plain_text(hit.document.title, self.html))[:_LONGEST]


def nothing_found(query: str, filtered: bool = False) -> str:
    """Return the sentence for a query without hits; `filtered`: only documents that match a filter were searched."""
    where = "among the documents that match the filter" if filtered else "in the index"
    return f"Nothing {where} matches {plain(query)[:_LONGEST]!r}."


def hits_table(result: Reranking, view: View) -> RenderableType:
    """Return one query's hits: rank, move, score, title and the best snippet.

    The score is the model's probability; where the fused score of both stages decides, it is shown beside it.
    """
    query = result.ranking.query.text
    if not result.ranking.hits:
        return Text(nothing_found(query))
    rows = explain(result, view.top)
    fused = len(result.logits) > 1 and any(row.fused is not None for row in rows)
    table = Table(box=None, padding=(0, 1), expand=False)
    for name in ("#", "move", "score", *(["fused"] if fused else [])):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("document", overflow="fold")
    for row, hit in zip(rows, result.ranking.hits, strict=False):
        numbers = (_number(row.shown), *([_number(row.fused)] if fused else []))
        table.add_row(
            str(row.rank), _moved(row.first_stage_rank, row.rank), *numbers, _document(row, hit, result, view)
        )
    return table


def comparison_table(before: Ranking, after: Ranking, top: int, names: tuple[str, str]) -> RenderableType:
    """Return two orders of the same hits side by side, with how far each hit of the second moved; `names` head them."""
    if not before.hits:
        return Text(nothing_found(before.query.text))
    return _Comparison(before, after, top, names)


def _moved(before: int, after: int) -> Text:
    style = "dim" if before == after else "green" if before > after else "red"
    return Text(move(before, after), style=style)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two orders side by side, as wide as the console allows."""

    before: Ranking
    after: Ranking
    top: int
    names: tuple[str, str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        wide = options.max_width >= _WIDE
        fixed = 3 + 8 + (7 if wide else 0)  # the columns of numbers
        gaps = 2 * (5 if wide else 4)
        room = max(8, (options.max_width - fixed - gaps) // 2)
        table = Table(box=None, padding=(0, 1))
        widths = [("#", 3), (self.names[0], room), ("goes to", 7), (self.names[1], room), ("moved", 8)]
        for name, width in (one for one in widths if wide or one[0] != "goes to"):
            table.add_column(Text(name), width=width, no_wrap=True, overflow="ellipsis")
        names = _names([*self.before.hits[: self.top], *self.after.hits[: self.top]])
        for one in compare_ranks(self.before, self.after, self.top):
            old, new = (Text(names[hit.document.doc_id]) for hit in (one.old, one.new))
            row = [Text(str(one.rank)), old, Text(f"→ {one.goes_to}", style="dim"), new]
            moved = _moved(one.came_from, one.rank) + Text(f" ({one.came_from})", style="dim")
            table.add_row(*(row if wide else [row[0], row[1], row[3]]), moved)
        yield Group(Text(plain(self.before.query.text)[:_LONGEST], style="bold"), table)


def _names(hits: Sequence[Hit]) -> dict[str, str]:
    """Return by doc_id what each hit is called in one line: its title, else the beginning of its text, else its id.

    Documents that would have the same name have their id before it.
    """
    names: dict[str, str] = {}
    for document in (hit.document for hit in hits):
        text = plain_text(document.title, "auto") or plain_text(document.text[:_LONGEST], "auto").strip()
        names[document.doc_id] = plain(text or document.doc_id)[:_LONGEST]
    counts = Counter(names.values())
    return {doc_id: f"{plain(doc_id)}  {name}" if counts[name] > 1 else name for doc_id, name in names.items()}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _document(row: ExplainedHit, hit: Hit, result: Reranking, view: View) -> Text:
    title = view.title(hit)
    text = Text(title or plain(hit.document.doc_id)[:_LONGEST], style="bold")
    if title:
        text.append(f"  {plain(hit.document.doc_id)[:80]}", style="dim not bold")
    if row.unscored in ("promoted", "no text"):
        text.append(f"  ({row.unscored}, not scored)", style="dim not bold")
    snippet = view.snippet(hit, result.ranking.query.text, result)
    if snippet.text:
        text.append("\n")
        text.append_text(_marked(snippet))
        text.append("" if snippet.read else " (not read by the model)", style="dim not bold")
    for name in view.fields:
        text.append(f"\n{plain(name)}: {plain(as_text(hit.document, name))[:_LONGEST]}", style="not bold")
    return text


def _marked(snippet: Snippet) -> Text:
    """Return a snippet with the query's words marked: in bold on a terminal that can show it, else by stars."""
    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        text = Text(snippet.text, style="not bold")
        for start, end in snippet.marks:
            text.stylize("bold yellow", start, end)
        return text
    marked, last = "", 0
    for start, end in snippet.marks:
        marked += f"{snippet.text[last:start]}*{snippet.text[start:end]}*"
        last = end
    return Text(marked + snippet.text[last:], style="not bold")

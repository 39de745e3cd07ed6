"""The report of the gate as a page, for the terminal, Markdown and HTML: the verdict, the sets, the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from resift.rerank.evaluation.page import Block, Cell, Heading, Page, Paragraph, Table, Tone
from resift.rerank.evaluation.report_rows import interval, signed
from resift.rerank.training.gate.report import BASE, FIRST_STAGE, MODEL, GateReport, SetVerdict
from resift.rerank.training.gate.verdict import Versus
from resift.retrieval.wording import counted

READING_AID = (
    "difference: model - rival, the mean over the queries, with its 95 % interval (paired bootstrap). worse: wholly "
    "below 0; better: wholly above 0 (both with p below 0.05 by the paired randomization test); not worse: it excludes "
    "a loss of the margin; undecided: anything else"
)
_POWER_AID = (
    "order matters: queries with candidates of different grades. can be seen: the smallest true difference that as "
    "many queries show with a probability of 80 %. needed: how many queries would show a loss of the margin with it"
)

_RIVALS = {BASE: "base", FIRST_STAGE: "first stage"}
_TONES: Mapping[str, Tone] = {"better": "good", "worse": "bad"}


def headline(report: GateReport) -> str:
    """Return the verdict in one line.

    >>> headline(GateReport("m", None, "ndcg@10", (), {}, True, passed=True))
    'm passed the gate'
    """
    if report.passed:
        return f"{report.model} passed the gate"
    forced = "; it is promoted all the same, because that was forced" if report.forced else ""
    return f"{report.model} did NOT pass the gate{forced}"


def gate_page(report: GateReport) -> Page:
    """Return the report as a page."""
    blocks: list[Block] = [Paragraph(f"Reason: {reason}.") for reason in report.reasons]
    blocks += [Paragraph(f"Note: {note}.") for note in report.notes]
    rival = f"its base {report.base} and the first stage" if report.base else "the first stage"
    blocks.append(Paragraph(f"Compared with {rival} by {report.measure}."))
    blocks += [_verdicts(report), Paragraph(f"{READING_AID}. {_POWER_AID}."), Heading("Means"), _means(report)]
    blocks += [Heading("Overlap with the training"), *_overlap(report), Heading("Settings"), _settings(report)]
    return Page(headline(report), tuple(blocks))


def rows(report: GateReport) -> Iterator[tuple[str, str, Versus]]:
    """Yield the name of a set, "base" or "first stage", and the comparison, for each; the mean last if it differs."""
    for one in report.sets:
        for rival, found in one.versus.items():
            yield one.name, _RIVALS[rival], found
    if len(report.sets) > 1:
        for rival, found in report.mean.items():
            yield "mean", _RIVALS[rival], found


def _verdicts(report: GateReport) -> Table:
    names = ("set", "compared with", "verdict", "difference", "95 % interval", "p", "wins", "ties", "losses")
    columns = (*names, "queries", "order matters", "can be seen", "needed")
    cells = tuple(_row(name, rival, found) for name, rival, found in rows(report))
    return Table(columns, cells, numbers=frozenset(range(3, len(columns))))


def _row(name: str, rival: str, found: Versus) -> tuple[Cell | str, ...]:
    one = found.comparison
    return (
        name,
        rival,
        Cell(found.verdict, tone=_TONES.get(found.verdict, "")),
        signed(one.difference),
        interval(one),
        f"{one.p_value:.4f}",
        *(str(count) for count in (one.wins, one.ties, one.losses)),
        str(found.queries),
        str(found.resolvable),
        f"{found.detectable:.4f}",
        str(found.needed),
    )


def _means(report: GateReport) -> Table:
    """Return the mean of each measure of each ranking, a row for each set and ranking."""
    measures = next((list(values) for one in report.sets for values in one.means.values()), [])
    cells = tuple(
        (one.name, ranking.replace("_", " "), *(f"{values[name]:.4f}" for name in measures))
        for one in report.sets
        for ranking, values in one.means.items()
    )
    columns = ("set", "order", *measures)
    return Table(columns, cells, numbers=frozenset(range(2, len(columns))))


def _overlap(report: GateReport) -> Iterator[Block]:
    if not report.verified:
        yield Paragraph("Not known: the model's folder does not say what it was trained on.")
        return
    for one in report.sets:
        yield Paragraph(f"{one.name}: {describe_overlap(one)}.")


def describe_overlap(one: SetVerdict) -> str:
    """Return in a few words how much of a set was trained on.

    >>> from resift.rerank.training.gate.report import Overlap
    >>> describe_overlap(SetVerdict("s", 9, 9, Overlap(True, 1, 0, 1), {}, {}))
    '1 query was trained on; 1 left out, 9 judged'
    """
    found = one.overlap
    if not found.known:
        return "not known"
    verb = "was" if found.queries == 1 else "were"
    parts = [f"{counted(found.queries, 'query', 'queries')} {verb} trained on"]
    if found.documents:
        parts.append(f"{found.documents} with a relevant document that was relevant in the training")
    return f"{', '.join(parts)}; {found.excluded} left out, {one.queries} judged"


def _settings(report: GateReport) -> Table:
    facts = tuple((name, str(value)) for name, value in report.settings.items() if value is not None)
    return Table(("setting", "value"), facts)


def dev_figures(report: GateReport) -> dict[str, dict[str, float]]:
    """Return what resift.json has as "dev": set -> queries, and ndcg@10 of BM25, of the model alone, and as served."""
    return {
        one.name: {
            "queries": one.queries,
            "bm25": one.means[FIRST_STAGE]["ndcg@10"],
            "alone": one.means[f"{MODEL}_alone"]["ndcg@10"],
            "fused": one.means[MODEL]["ndcg@10"],
        }
        for one in report.sets
        if one.queries
    }

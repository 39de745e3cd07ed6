"""Show what a change of an index did, and merge an embedded one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from resift.rerank.cli.messages import say, say_error
from resift.retrieval.wording import counted

if TYPE_CHECKING:
    from resift.indexer.update_report import UpdateReport


def optimize(target: str) -> UpdateReport:
    """Merge the segments of an embedded index."""
    from resift.indexer.bm25.update import optimize_index
    from resift.retrieval.registry import embedded_path

    return optimize_index(embedded_path(target))


def show_update(
    report: UpdateReport,
    target: str,
    as_json: bool,
    skipped: Mapping[str, int] | None = None,
    nothing: str = "nothing changed",
) -> int:
    """Show the report of a change, `nothing` if it has no counts; return 1 if an engine refused documents."""
    from resift.rerank.cli.output import echo, to_json

    if as_json:
        echo(to_json({**dataclasses.asdict(report), **(skipped or {}), "index": target}))
    else:
        counts = {"added": report.created, "replaced": report.updated, "deleted": report.deleted}
        done = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or nothing
        echo(f"{target}: {done}; {counted(report.documents, 'document')}, {report.seconds:.1f} s")
    if report.existing:
        say(f"note: {counted(report.existing, 'document')} that the index has already, left as they are")
    if report.missing:
        say(f"note: {counted(report.missing, 'id')} to delete that the index does not have")
    if report.refused:
        say_error(
            f"the engine refused {counted(report.refused, 'document')}; {report.refusals} lists each with its reason"
        )
    return 1 if report.refused else 0

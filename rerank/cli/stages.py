"""From settings to the two stages: what several commands build alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rerank.cli.text import plain

if TYPE_CHECKING:
    from rerank.cuts import Cuts
    from rerank.registry import ScorerSettings
    from rerank.reranker import Reranker, RerankSettings

NO_MODEL = "none"


def build_reranker(scorer_settings: ScorerSettings, rerank_settings: RerankSettings) -> Reranker | None:
    """Load the model in force; None where it is `none`."""
    if scorer_settings.model == NO_MODEL:
        return None
    from rerank.registry import load_scorer
    from rerank.reranker import Reranker

    return Reranker(load_scorer(scorer_settings.model, scorer_settings), rerank_settings)


def describe(scorer_settings: ScorerSettings, rerank_settings: RerankSettings) -> str:
    """Return in a few words what decides the order."""
    if scorer_settings.model == NO_MODEL:
        return "first stage alone"
    if rerank_settings.fusion == "none":
        return scorer_settings.model
    share = rerank_settings.fusion_weight
    return f"{share:g} {scorer_settings.model} + {1 - share:g} first stage (z-scores)"


def warn_of(cuts: Cuts) -> None:
    """Tell on standard error how many documents and queries the model did not read to their end."""
    if cuts.queries_cut:
        say(f"note: {cuts.queries_cut} of {cuts.queries} queries were longer than the model reads and were cut")
    if cuts.truncated:
        say(f"note: the end of {cuts.truncated} of {cuts.scored} scored documents was not read (--max-length)")


def check_outputs(outputs: Sequence[str | None], queries: str, index: str, tag: str) -> None:
    """Refuse before any work what would fail or overwrite an input after it. Raises click.UsageError."""
    files = [Path(output).resolve() for output in outputs if output not in (None, "-")]
    inside = Path(index.partition(":")[2] or index).resolve()
    for file in files:
        if not file.parent.is_dir():
            raise click.UsageError(f"{file} cannot be written: there is no folder {file.parent}")
        if file == Path(queries).resolve() or file.is_relative_to(inside):
            raise click.UsageError(f"{file} is an input of this run; name another file to write")
    if len(set(files)) < len(files):
        raise click.UsageError("both runs would be written to one file; name two")
    if not tag or any(character.isspace() for character in tag):
        raise click.UsageError(f"the tag {tag!r} is empty or has white space, which a TREC file cannot hold")


def say(message: str) -> None:
    """Write one line to standard error."""
    click.echo(plain(message), err=True)


def read_text_argument(text: str, what: str) -> str:
    """Return a text given on the command line, clean of bytes that are no text; refuse an empty one."""
    clean = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if not clean.strip():
        raise click.UsageError(f"the {what} is empty; expected some words")
    return clean

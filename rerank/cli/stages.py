"""From settings to the two stages: what several commands build alike."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.options import flags_given
from resift.rerank.cli.text import plain

if TYPE_CHECKING:
    from resift.rerank.counts import Counts
    from resift.rerank.reranker import Reranker, RerankSettings
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings, OpenOptions
    from resift.retrieval.retriever import Retriever

NO_MODEL = "none"


def build_reranker(scorer_settings: ScorerSettings, rerank_settings: RerankSettings) -> Reranker | None:
    """Load the model in force; None where it is `none`."""
    if scorer_settings.model == NO_MODEL:
        return None
    from resift.rerank.reranker import Reranker
    from resift.rerank.scorers.load import load_scorer

    return Reranker(load_scorer(scorer_settings.model, scorer_settings), rerank_settings)


def describe(scorer_settings: ScorerSettings, rerank_settings: RerankSettings) -> str:
    """Return in a few words what decides the order."""
    if scorer_settings.model == NO_MODEL:
        return "first stage alone"
    if rerank_settings.fusion == "none":
        return scorer_settings.model
    share = rerank_settings.fusion_weight
    return f"{share:g} {scorer_settings.model} + {1 - share:g} first stage (z-scores)"


def warn_of(counts: Counts) -> None:
    """Tell on standard error what the model did not read: fields that no document has, and ends that were cut."""
    if counts.absent:
        names = ", ".join(f"{{{name}}}" for name in counts.absent)
        say(f"note: none of the {counts.scored} scored documents has the template's {names}; left empty (--template)")
    if counts.queries_cut:
        say(f"note: {counts.queries_cut} of {counts.queries} queries were longer than the model reads and were cut")
    if counts.truncated:
        say(f"note: the end of {counts.truncated} of {counts.scored} scored documents was not read (--max-length)")


def open_index(ctx: click.Context, index: str, options: OpenOptions) -> Retriever:
    """Open the index that a command line names. Raises EngineError, SettingsError and click.UsageError."""
    from resift.retrieval.registry import open_retriever

    refuse_engine_flags(ctx, index, "connection", "engine")
    return open_retriever(index, options)


def open_options(connection: ConnectionSettings, engine: EngineSettings, rerank: RerankSettings) -> OpenOptions:
    """Return with what an index is opened: the template says which fields are wanted."""
    from resift.rerank.template import Template
    from resift.retrieval.engine.settings import OpenOptions

    return OpenOptions(connection, engine, ask_hidden, Template(rerank.template).fields())


def refuse_engine_flags(ctx: click.Context, index: str, *stages: str) -> None:
    """Refuse options of `stages` where `index` is embedded. Raises click.UsageError."""
    from resift.retrieval.registry import is_engine

    flags = [] if is_engine(index) else [flag for stage in stages for flag in flags_given(ctx, stage)]
    if flags:
        raise click.UsageError(
            f"{', '.join(flags)} is for an index of Elasticsearch or OpenSearch, and {index} is none"
        )


def ask_hidden(question: str) -> str:
    """Ask at the terminal for what must not be seen."""
    answer: str = click.prompt(question, hide_input=True, err=True)
    return answer


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
    from resift.retrieval.text import clean

    words = clean(os.fsencode(text).decode("utf-8", "replace") if _is_argument(text) else text)
    if not words.strip():
        raise click.UsageError(f"the {what} is empty; expected some words")
    return words


def _is_argument(text: str) -> bool:
    """Tell whether `text` is what Python makes of a command line's bytes."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True

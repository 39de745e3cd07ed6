"""Checks and steps that the searching commands share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.messages import ask_hidden, say
from resift.rerank.cli.options import flags_given
from resift.rerank.scorers.settings import ScorerSettings

if TYPE_CHECKING:
    from resift.rerank.counts import Counts
    from resift.rerank.stages import SearchStages
    from resift.retrieval.engine.address import Address
    from resift.retrieval.engine.client import Engine
    from resift.retrieval.engine.settings import ConnectionSettings
    from resift.retrieval.retriever import Retriever

SEARCH_STAGES = "resift.rerank.stages:SearchStages"
"""The class in which the searching commands get the settings of both stages."""

MODEL_SETTINGS = tuple(field.name for field in dataclasses.fields(ScorerSettings) if field.name != "model")
"""The settings of a model besides its name, for commands that take the name as an argument."""


def open_index(ctx: click.Context, index: str, stages: SearchStages, others: tuple[str, ...] = ()) -> Retriever:
    """Open the index that a command line names; `others` are fields to fetch besides those that are read.

    Raises EngineError, SettingsError and click.UsageError.
    """
    refuse_engine_flags(ctx, index, "connection", "engine")
    return stages.open(index, ask_hidden, others)


def connect_engine(address: Address, connection: ConnectionSettings) -> Engine:
    """Connect to the engine at `address`, and write its notes to standard error.

    Raises EngineError and SettingsError.
    """
    from resift.retrieval.engine.client import connect

    engine = connect(address, connection, ask_hidden)
    for note in engine.notes:
        say(note)
    return engine


def refuse_engine_flags(ctx: click.Context, index: str, *stages: str, allowed: Sequence[str] = ()) -> None:
    """Raise click.UsageError if options of `stages` other than the `allowed` were given and `index` is embedded."""
    from resift.retrieval.registry import is_engine

    given = [] if is_engine(index) else [flag for stage in stages for flag in flags_given(ctx, stage)]
    flags = [flag for flag in given if flag not in allowed]
    if flags:
        raise click.UsageError(
            f"{', '.join(flags)} is for an index of Elasticsearch or OpenSearch, and {index} is not one; leave it out"
        )


def say_notes(stages: SearchStages, counts: Counts, retriever: Retriever) -> None:
    """Write notes to standard error: whether the model is used, what it did not read, what is wrong in the index."""
    for note in [*stages.notes(), *counts.notes(), *retriever.notes()]:
        say(note)


def check_outputs(outputs: Sequence[str | None], queries: str, index: str) -> None:
    """Raise click.UsageError, before any work, for an output that cannot be written or would overwrite an input.

    Raises SettingsError if `index` is not the name of an index.
    """
    from resift.retrieval.registry import embedded_path, is_engine

    files = [Path(output).resolve() for output in outputs if output not in (None, "-")]
    folder = None if is_engine(index) else embedded_path(index).resolve()
    for file in files:
        if not file.parent.is_dir():
            raise click.UsageError(
                f"{file} cannot be written: the folder {file.parent} does not exist; create it first"
            )
        if file == Path(queries).resolve() or (folder is not None and file.is_relative_to(folder)):
            raise click.UsageError(f"{file} is an input of this run; name another file to write")
    if len(set(files)) < len(files):
        raise click.UsageError("both runs would be written to the same file; name two files")


def check_tag(tag: str) -> None:
    """Raise click.UsageError if a TREC file does not allow `tag`."""
    from resift.retrieval.trec import column_problem

    if problem := column_problem(tag):
        raise click.UsageError(f"the tag {tag!r} {problem}; expected one word")

"""The options by which commands take dev sets, and the sets that they name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from resift.rerank.training.gate.dev_sets import DevSet

Command = Callable[..., Any]


def dev_options(command: Command) -> Command:
    """Decorate a command: give it --dev, which can be repeated, --queries, --qrels, --split and --root."""
    options = (
        click.option(
            "--dev",
            metavar="SET",
            multiple=True,
            required=True,
            help="A dev set: a BEIR folder, a file of held-out examples, nanobeir:NAME, or an index with --queries and "
            "--qrels. Can be repeated.",
        ),
        click.option("--queries", metavar="FILE", help="The queries of an index: forms as in `resift run`."),
        click.option("--qrels", metavar="FILE", help="The judgements of an index: TREC, BEIR, CSV or JSON."),
        click.option("--split", metavar="NAME", help="Which qrels of the folders. [default: dev]"),
        click.option(
            "--root",
            metavar="FOLDER",
            help="A local copy of NanoBEIR, in the hub's layout.",
            callback=lambda ctx, option, given: (
                None if ctx.get_parameter_source(option.name) is ParameterSource.DEFAULT_MAP else given
            ),  # the root of a TOML file is the setting of `index` and `add`
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def dev_sets(
    targets: Sequence[str], queries: str | None, qrels: str | None, split: str | None, root: str | None
) -> list[DevSet]:
    """Return the dev sets that the options of `dev_options` name; `queries` and `qrels` are those of the one index.

    Raises click.UsageError if they cannot be assigned.
    """
    from resift.rerank.evaluation.evaluator import names_index
    from resift.rerank.training.gate.dev_sets import DevSet

    indices = [target for target in targets if names_index(target)]
    if len(indices) > 1:
        raise click.UsageError(f"{indices[0]} and {indices[1]} are two indices; judge by one at a time")
    if (queries or qrels) and not indices:
        raise click.UsageError("--queries and --qrels are for an index; name it with --dev")
    found = []
    for target in targets:
        if target in indices:
            found.append(DevSet(target, queries, qrels))
        else:
            folder = Path(target).is_dir()
            found.append(DevSet(target, split=split if folder else None, root=None if folder else root))
    return found

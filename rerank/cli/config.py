"""`resift config`: the effective settings, and the source of each."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from resift.rerank.cli.facts import columns
from resift.rerank.cli.options import config_option, stage_options, take_settings
from resift.rerank.cli.settings_table import ENVIRONMENT_PREFIX, SETTINGS, parameter_name, settings_class
from resift.retrieval.text import one_line

if TYPE_CHECKING:
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.rerank.settings import RerankSettings

SOURCES = {
    ParameterSource.COMMANDLINE: "flag",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "file",
    ParameterSource.DEFAULT: "default",
}

_VALUE = 28  # characters of the column of values


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object: setting -> value and source.")
@click.pass_context
def config(ctx: click.Context, /, as_json: bool, **values: Any) -> None:  # noqa: ANN401 - one parameter a setting
    """Show the effective settings, and whether each comes from a flag, the environment, the file or its default.

    Of the fusion, what applies to the model is shown too, if the model is on this machine.

    \b
    RESIFT_DEPTH=200 resift config --model none
    """
    rows: list[tuple[str, str, Any, str]] = []
    made = {}
    for stage in SETTINGS:
        made[stage] = take_settings(stage, dict(values))  # raises SettingsError, as the stage itself would
        for name in map(parameter_name, dataclasses.fields(settings_class(stage))):
            source = SOURCES.get(ctx.get_parameter_source(name) or ParameterSource.DEFAULT, "default")
            rows.append((stage, name, values[name], source))
    _show(rows, _applied(made["rerank"], made["scorer"]), as_json)


def _applied(rerank: RerankSettings, scorer: ScorerSettings) -> dict[str, object]:
    """Return the fusion that applies, by the name of the setting that leaves it to the model."""
    from resift.rerank.stages import SearchStages

    fusion = SearchStages(rerank=rerank, scorer=scorer).fusion()
    if fusion is None or fusion.source == "settings" and rerank.fusion == "none":
        return {}
    found = {"fusion": fusion.kind, "fusion_weight": fusion.weight}
    return {name: value for name, value in found.items() if getattr(rerank, name) != value}


def _show(rows: list[tuple[str, str, Any, str]], applied: Mapping[str, object], as_json: bool) -> None:
    from resift.rerank.cli.output import echo, to_json

    if as_json:
        facts = {name: {"value": value, "source": source, "stage": stage} for stage, name, value, source in rows}
        echo(to_json(facts | {name: facts[name] | {"applied": value} for name, value in applied.items()}))
        return
    shown = [(stage, name, _with(value, applied.get(name)), source) for stage, name, value, source in rows]
    for line in _lines(shown, columns()):
        echo(line)


def _with(value: object, applied: object) -> object:
    """Return a value with what applies in its place in brackets."""
    return value if applied is None else f"{'' if value is None else value} ({applied})".strip()


def _lines(rows: list[tuple[str, str, Any, str]], most: int) -> Iterator[str]:
    """Yield a line of at most `most` characters for each setting, with a long value on lines of its own below it."""
    width = max(len(name) for _, name, _, _ in rows)
    for _, name, value, source in rows:
        shown = one_line("" if value is None else str(value))
        where = f"{ENVIRONMENT_PREFIX}{name.upper()}" if source == "environment" else source
        line = f"{name:<{width}}  {shown:<{_VALUE}}  {where}"
        if len(line) <= most:
            yield line
        else:
            yield f"{name:<{width}}  {where}"
            yield from textwrap.wrap(
                shown, most, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
            )


config_option(config)
for _stage in SETTINGS:
    for _option in stage_options(_stage):
        _option(config)  # adds to the command in place

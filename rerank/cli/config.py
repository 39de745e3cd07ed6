"""`resift config`: the effective settings, and the source of each."""

from __future__ import annotations

import dataclasses
import functools
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from resift.rerank.cli.facts import columns
from resift.rerank.cli.options import config_option, stage_options, take_settings
from resift.rerank.cli.settings_table import ENVIRONMENT_PREFIX, SETTINGS, parameter_name, settings_class
from resift.rerank.cli.toml_file import DEFINITIONS, index_definitions
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


def _fields(stage: str) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(settings_class(stage))


@functools.cache
def _owners(name: str) -> tuple[str, ...]:
    """Return the stages that have a setting of this name, which one option, variable or line of a file sets."""
    return tuple(stage for stage in SETTINGS if name in map(parameter_name, _fields(stage)))


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One setting of a stage: its value, and where that comes from."""

    stage: str
    name: str
    value: Any
    source: str

    @property
    def key(self) -> str:
        """The name, with that of the stage before it if several stages have such a setting, with their own defaults."""
        return self.name if len(_owners(self.name)) == 1 else f"{self.stage}.{self.name}"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object: setting -> value and source.")
@click.pass_context
def config(ctx: click.Context, /, as_json: bool, **values: Any) -> None:  # noqa: ANN401 - one parameter a setting
    """Show the effective settings, and whether each comes from a flag, the environment, the file or its default.

    The definitions of indices in the file follow, which replace the file's settings for these indices. Of the fusion,
    what applies to the model is shown too, if the model is on this machine.

    \b
    RESIFT_DEPTH=200 resift config --model none
    """
    rows: list[Row] = []
    made = {}
    for stage in SETTINGS:
        fields = {parameter_name(field): field for field in _fields(stage)}
        sources = {name: SOURCES.get(ctx.get_parameter_source(name) or ParameterSource.DEFAULT) for name in fields}
        own = {name: values[name] if sources[name] != "default" else field.default for name, field in fields.items()}
        made[stage] = take_settings(stage, dict(own))  # raises SettingsError, as the stage itself would
        rows += [Row(stage, name, own[name], sources[name] or "default") for name in fields]
    rows += [
        Row(DEFINITIONS, f"{one.pattern}.{name}", value, "file")
        for one in index_definitions(ctx)
        for name, value in one.members().items()
    ]
    _show(rows, _applied(made["rerank"], made["scorer"]), as_json)


def _applied(rerank: RerankSettings, scorer: ScorerSettings) -> dict[str, object]:
    """Return the fusion that applies, by the name of the setting that leaves it to the model."""
    from resift.rerank.stages import SearchStages

    fusion = SearchStages(rerank=rerank, scorer=scorer).fusion()
    if fusion is None or fusion.source == "settings" and rerank.fusion == "none":
        return {}
    found = {"fusion": fusion.kind, "fusion_weight": fusion.weight}
    return {name: value for name, value in found.items() if getattr(rerank, name) != value}


def _show(rows: list[Row], applied: Mapping[str, object], as_json: bool) -> None:
    from resift.rerank.cli.output import echo, to_json

    if as_json:
        facts = {row.key: {"value": row.value, "source": row.source, "stage": row.stage} for row in rows}
        echo(to_json(facts | {name: facts[name] | {"applied": value} for name, value in applied.items()}))
        return
    shown = [dataclasses.replace(row, value=_with(row.value, applied.get(row.name))) for row in rows]
    for line in _lines(shown, columns()):
        echo(line)


def _with(value: object, applied: object) -> object:
    """Return a value with what applies in its place in brackets."""
    return value if applied is None else f"{'' if value is None else value} ({applied})".strip()


def _text(value: object) -> str:
    """Return a value on the screen: nothing for None, the members of a list with commas."""
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _lines(rows: list[Row], most: int) -> Iterator[str]:
    """Yield a line of at most `most` characters for each setting, with a long value on lines of its own below it."""
    width = max(len(row.key) for row in rows)
    for row in rows:
        shown = one_line(_text(row.value))
        where = f"{ENVIRONMENT_PREFIX}{row.name.upper()}" if row.source == "environment" else row.source
        line = f"{row.key:<{width}}  {shown:<{_VALUE}}  {where}"
        if len(line) <= most:
            yield line
        else:
            yield f"{row.key:<{width}}  {where}"
            yield from textwrap.wrap(
                shown, most, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
            )


config_option(config)
for _stage in SETTINGS:
    new = [one.name for one in _fields(_stage) if _owners(parameter_name(one))[0] == _stage]
    for _option in stage_options(_stage, new):
        _option(config)  # adds to the command in place

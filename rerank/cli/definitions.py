"""Use the definition of an index that the settings file has: its settings apply where no flag or variable gives one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from resift.rerank.cli.messages import say
from resift.rerank.cli.settings_table import parameter_name, settings_class
from resift.rerank.cli.toml_file import index_definitions, read_definitions_again

if TYPE_CHECKING:
    from resift.rerank.index_definitions import IndexDefinition, IndexDefinitions
    from resift.retrieval.engine.settings import EngineSettings

StagesT = TypeVar("StagesT")
"""A frozen dataclass of settings with the fields `rerank` and `engine`, such as `SearchStages`."""

_GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def with_definition(ctx: click.Context, index: str, stages: StagesT) -> StagesT:
    """Return `stages` with what the definition of `index` sets; `stages` itself if it has none, or is not an index.

    Raises SettingsError if the settings do not fit together.
    """
    return with_definition_of(ctx, [index], stages)


def with_definition_of(ctx: click.Context, indices: Sequence[str], stages: StagesT) -> StagesT:
    """Return `stages` with what the definition sets that all `indices` have; with a note if they have different ones.

    Raises SettingsError if the settings do not fit together.
    """
    definitions = index_definitions(ctx)
    if not definitions:
        return stages
    found = [_found(definitions, index) for index in indices]
    first = found[0] if found else None
    if any(one != first for one in found):
        say(f"note: {', '.join(indices)} do not have the same definition in the settings file; none is used")
        return stages
    for index in indices if first is None else []:
        if patterns := _differ(definitions, index):
            say(f"note: not all indices in {index} have the definition {' or '.join(patterns)}; none is used")
    return stages if first is None else _applied(ctx, first, stages)


def definition_of(ctx: click.Context, index: str) -> IndexDefinition | None:
    """Return the definition of `index` in the settings file, None if it has none."""
    definitions = index_definitions(ctx)
    return _found(definitions, index) if definitions else None


def definitions_of(ctx: click.Context) -> IndexDefinitions:
    """Return the definitions of the settings file, without the settings that a flag or a variable gives."""
    return index_definitions(ctx).without(_given(ctx, "rerank"))


def definitions_again(ctx: click.Context) -> IndexDefinitions:
    """Return what `definitions_of` does, after reading the settings file again. Raises SettingsError."""
    read_definitions_again(ctx)
    return definitions_of(ctx)


def _found(definitions: IndexDefinitions, index: str) -> IndexDefinition | None:
    """Return the definition of `index`; None if it has none, or is not an index but a collection."""
    from resift.rerank.index_definitions import index_name
    from resift.retrieval.bm25.store import is_index
    from resift.retrieval.registry import has_scheme

    if not (has_scheme(index) or is_index(Path(index))):
        return None
    return definitions.of(index_name(index))


def _differ(definitions: IndexDefinitions, index: str) -> list[str]:
    """Return the patterns of the definitions that an address of several indices has, if they are not all the same."""
    from resift.rerank.index_definitions import index_name
    from resift.retrieval.registry import is_engine

    return definitions.differ(index_name(index)) if is_engine(index) else []


def _applied(ctx: click.Context, definition: IndexDefinition, stages: Any) -> Any:  # noqa: ANN401 - any such class
    options = {parameter.name for parameter in ctx.command.params}
    fields = dataclasses.fields(settings_class("rerank"))
    without_option = [field.name for field in fields if parameter_name(field) not in options]
    left = definition.without([*_given(ctx, "rerank"), *without_option])
    engine = _with_fields(stages.engine, definition, _given(ctx, "engine"))
    return dataclasses.replace(stages, rerank=left.applied_to(stages.rerank), engine=engine)


def _with_fields(engine: EngineSettings, definition: IndexDefinition, given: Sequence[str]) -> EngineSettings:
    """Return `engine` with the fields of the definition, read as a wrapped client reads them; `given` ones stay."""
    from resift.rerank.plugin.response import fields_to_read

    if not definition.fields or engine.query_file or "search_fields" in given:
        return engine
    read = fields_to_read(definition.names)
    changes: dict[str, Any] = {
        "search_fields": ",".join(definition.fields),
        "source_title": read.title,
        "source_text": ",".join(read.text),
    }
    return dataclasses.replace(engine, **{name: value for name, value in changes.items() if name not in given})


def _given(ctx: click.Context, stage: str) -> list[str]:
    """Return the names of the settings of a stage that a flag or a variable gives."""
    fields = dataclasses.fields(settings_class(stage))
    return [field.name for field in fields if ctx.get_parameter_source(parameter_name(field)) in _GIVEN]

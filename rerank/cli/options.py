"""Create Click options from the stages' settings classes, so that a default is written once."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from resift.rerank.cli.messages import QUIET
from resift.rerank.cli.settings_table import (
    ENVIRONMENT_PREFIX,
    load_class,
    parameter_name,
    plain_type,
    settings_class,
)
from resift.rerank.cli.toml_file import use_settings_file

Command = Callable[..., Any]


def settings_options(
    *stages: str, into: str = "", name: str = "stages", kept: Mapping[str, Sequence[str]] | None = None
) -> Callable[[Command], Command]:
    """Decorate a command: give it the options of `stages`, and pass the settings objects that they make.

    Each stage's settings come as the argument STAGE_settings. `into` names a class ("module:Class") that takes those
    of the stages that are its fields; it comes as the argument `name`. Of a stage in `kept`, only the settings that
    are named there have an option; the others have their defaults.
    """
    kept = kept or {}

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def command(*context: Any, **values: Any) -> Any:  # noqa: ANN401 - click passes parameters by keyword
            made = {stage: take_settings(stage, values, kept.get(stage)) for stage in stages}
            if into:
                owner = load_class(into)
                bundled = {field.name for field in dataclasses.fields(owner)} & made.keys()
                values[name] = owner(**{stage: made.pop(stage) for stage in bundled})
            return function(*context, **values, **{f"{stage}_settings": settings for stage, settings in made.items()})

        decorated: Command = quiet_option(config_option(command))
        for stage in reversed(stages):
            for option in reversed(stage_options(stage, kept.get(stage))):
                decorated = option(decorated)
        return decorated

    return decorate


def take_settings(stage: str, values: dict[str, Any], kept: Sequence[str] | None = None) -> Any:  # noqa: ANN401 - the stage's own class
    """Return the settings object of a stage, made of its options, which are removed from `values`.

    Those that are not in `kept` have no option, if it is given.
    """
    owner = settings_class(stage)
    wanted = [field for field in dataclasses.fields(owner) if kept is None or field.name in kept]
    fields = {field.name: parameter_name(field) for field in wanted}
    return owner(**{field: values.pop(name) for field, name in fields.items()})


def grouped(name: str, target: str) -> Callable[[Command], Command]:
    """Decorate a command: pass those parameters that are fields of the dataclass `target` as one object, `name`.

    `target` is "module:Class"; it is imported when the command runs. Put it directly above the function.
    """

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def command(*context: Any, **values: Any) -> Any:  # noqa: ANN401 - click passes parameters by keyword
            owner = load_class(target)
            fields = [field.name for field in dataclasses.fields(owner) if field.name in values]
            made = owner(**{field: values.pop(field) for field in fields})
            return function(*context, **values, **{name: made})

        return command

    return decorate


def flags_given(context: click.Context, stage: str) -> list[str]:
    """Return the options of `stage` that were given on the command line itself."""
    names = [parameter_name(field) for field in dataclasses.fields(settings_class(stage))]
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    return ["--" + name.replace("_", "-") for name in given]


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command: let it take --config too, for users who write it after the command's name."""

    def load(context: click.Context, _: click.Parameter, given: str | None) -> None:
        if given is not None:
            use_settings_file(context, given)

    decorate = click.option(
        "--config",
        type=click.Path(dir_okay=False),
        is_eager=True,
        expose_value=False,
        callback=load,
        help="TOML file of settings.",
    )
    return decorate(function)


def quiet_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command: let it take --quiet, which suppresses notes and progress but not errors."""

    def remember(context: click.Context, _: click.Parameter, given: bool) -> None:
        if given:
            context.meta[QUIET] = True

    decorate = click.option(
        "--quiet",
        "-q",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=remember,
        envvar=f"{ENVIRONMENT_PREFIX}QUIET",
        help="Print results and errors only: no notes, no progress.",
    )
    return decorate(function)


def stage_options(
    stage: str, kept: Sequence[str] | None = None
) -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    """Return the Click options of one stage, one per field, or of the fields in `kept` alone."""
    owner = settings_class(stage)
    types = typing.get_type_hints(owner)
    fields = [field for field in dataclasses.fields(owner) if kept is None or field.name in kept]
    return [_option(field, types[field.name]) for field in fields]


class _Repeatable(click.Option):
    """An option that can be repeated; its value is one text with `separator`, whatever source it comes from."""

    separator = ","

    def type_cast_value(self, ctx: click.Context, value: Any) -> str | None:  # noqa: ANN401 - Click's own signature
        """Join the given values with the separator."""
        given = [value] if isinstance(value, str) else value or ()
        parts = [part for text in given for part in text.split(self.separator) if part.strip()]
        return self.separator.join(parts) or None


class _RepeatableLine(_Repeatable):
    """An option that can be repeated, and whose values may have commas."""

    separator = "\n"


def _option(field: dataclasses.Field[Any], kind: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: ANN401
    name = parameter_name(field)
    flag = "--" + name.replace("_", "-")
    extra: dict[str, Any] = {}
    if kind is bool:
        flag += "/--no-" + name.replace("_", "-")
    elif field.metadata.get("choices"):
        extra["type"] = click.Choice(list(field.metadata["choices"]))
    else:
        extra["type"] = plain_type(kind)
        extra["metavar"] = _METAVARS.get(extra["type"], "TEXT")
    if field.metadata.get("repeatable"):
        extra |= {"cls": _Repeatable if field.metadata["separator"] == "," else _RepeatableLine, "multiple": True}
    return click.option(
        flag,
        name,
        default=field.default,
        envvar=ENVIRONMENT_PREFIX + name.upper(),
        show_default=True,
        help=field.metadata.get("help", ""),
        **extra,
    )


_METAVARS: dict[Any, str] = {int: "N", float: "X"}

"""Refuse options that contradict each other: one of them would be ignored without a word."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from resift.rerank.cli.settings_table import parameter_name, settings_class


def refuse_together(ctx: click.Context, options: Mapping[str, str]) -> None:
    """Raise click.UsageError if more than one of `options` was given: name of the parameter -> how it is written."""
    given = [written for name, written in options.items() if ctx.params.get(name)]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other; give one of them")


def refuse_ignored(ctx: click.Context) -> None:
    """Raise click.UsageError if an option of the command line has no effect because of another option or setting.

    Only options that were given are refused, not values from the environment or the TOML file, which are for many
    commands, and not a value that agrees with the other one.
    """
    values = ctx.params
    if values.get("model") == "none":
        agreeing = {"fusion": "none", "window": 0}
        ignored = [name for name in _stage("rerank") if name != "html"]  # tags are not shown either
        _refuse(ctx, ignored, "--model none reranks nothing", agreeing)
    elif values.get("mode") == "comparable":
        _refuse(ctx, _stage("rerank"), "--mode comparable ranks by the model alone, with its own texts")
    elif values.get("fusion") == "none":
        _refuse(ctx, ["fusion_weight"], "--fusion none ranks by the model alone")
    for name, result in (("window", "rescored"), ("top", "shown")):
        wanted, depth = values.get(name), values.get("depth")
        if _given(ctx, name) and depth is not None and isinstance(wanted, int) and wanted > depth:
            raise click.UsageError(
                f"--{name} {wanted} exceeds --depth {depth}: no more than {depth} would be {result}; "
                f"give --depth {wanted} as well"
            )


def _refuse(ctx: click.Context, names: Sequence[str], reason: str, agreeing: Mapping[str, Any] | None = None) -> None:
    """Raise click.UsageError if one of the options `names` was given, unless its value is its `agreeing` one."""
    ignored = [
        f"--{name.replace('_', '-')}"
        for name in names
        if _given(ctx, name) and (name not in (agreeing or {}) or ctx.params[name] != (agreeing or {})[name])
    ]
    if ignored:
        raise click.UsageError(f"{', '.join(ignored)} would have no effect: {reason}; leave out one of the two")


def _given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _stage(stage: str) -> list[str]:
    return [parameter_name(field) for field in dataclasses.fields(settings_class(stage))]

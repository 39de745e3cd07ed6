"""The help of commands with many options: the common ones by `--help`, all of them in groups by `--help-all`."""

from __future__ import annotations

import dataclasses

import click

from resift.rerank.cli.settings_table import SETTINGS, parameter_name, settings_class

COMMON = frozenset(
    [
        "top",
        "show",
        "passages",
        "encoding",
        "columns",
        "depth",
        "window",
        "fusion",
        "model",
        "field",
        "filter",
        "language",
        "id_field",
        "text_field",
        "title_field",
        "delimiter",
        "skip_bad",
        "query_field",
        "loss",
        "epochs",
        "batch_size",
        "learning_rate",
        "held_out",
        "ranks",
        "negatives",
        "teacher",
        "form",
        "labels",
        "host",
        "port",
        "keys_file",
        "tls_cert",
        "tls_key",
        "serve_model",
        "ladder",
        "listen",
        "admin",
        "shadow",
        "interleave",
        "log",
        "search_deadline_ms",
        "name",
        "service_key_file",
        "deadline_ms",
        "source_text",
    ]
)
"""The settings that `--help` shows; a command's own options, which are not settings, are always shown."""

TITLES = {
    "corpus": "Reading documents",
    "queries": "Reading queries",
    "bm25": "Embedded index",
    "load": "Loading into an engine",
    "connection": "Connecting to an engine",
    "engine": "Searching an engine",
    "serve": "Serving",
    "proxy": "Proxy",
    "attach": "Attaching",
    "search": "First stage",
    "rerank": "Reranking",
    "scorer": "Model",
    "distill": "Distilling",
    "display": "Display",
    "train": "Training",
    "mine": "Choosing negatives",
    "clicks": "Judging by clicks",
    "tune": "Fitting the fusion",
    "gate": "Judging the model",
}
"""Stage of the settings -> title of its group in `--help-all`."""


class SettingsCommand(click.Command):
    """A command whose `--help` leaves out the settings that few people change; `--help-all` shows them in groups."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters, with `--help-all` before `--help` at the end."""
        params = super().get_params(ctx)
        return [*params[:-1], self._help_all(), *params[-1:]]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the common options, and how many others there are."""
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        settings = _stages()
        shown = [option for option in options if option.name not in settings or option.name in COMMON]
        _section(formatter, "Options", ctx, shown)
        if len(shown) < len(options):
            formatter.write_paragraph()
            formatter.write_text(f"{len(options) - len(shown)} more options: {ctx.command_path} --help-all")

    def all_options(self, ctx: click.Context) -> str:
        """Return the whole help: usage, description and all options, in one group for each stage."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        settings = _stages()
        groups: dict[str, list[click.Option]] = {}
        for option in self.get_params(ctx):
            if isinstance(option, click.Option):
                groups.setdefault(TITLES.get(settings.get(option.name or "", ""), "Options"), []).append(option)
        for title, options in groups.items():
            _section(formatter, title, ctx, options)
        return formatter.getvalue().rstrip("\n")

    def _help_all(self) -> click.Option:
        def show(ctx: click.Context, _: click.Parameter, given: bool) -> None:
            if given and not ctx.resilient_parsing:
                click.echo(self.all_options(ctx), color=ctx.color)
                ctx.exit()

        return click.Option(
            ["--help-all"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=show,
            help="Show all options and exit.",
        )


def _stages() -> dict[str, str]:
    """Return the stage of each setting, by the name of its parameter."""
    return {parameter_name(field): stage for stage in SETTINGS for field in dataclasses.fields(settings_class(stage))}


def _section(formatter: click.HelpFormatter, title: str, ctx: click.Context, options: list[click.Option]) -> None:
    rows = [record for option in options if (record := option.get_help_record(ctx)) is not None]
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)

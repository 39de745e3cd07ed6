"""The `resift` command: the table of its commands, its configuration file, and its exit codes."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
import traceback
from typing import Any

import click
from click.core import ParameterSource

from resift.rerank.cli.environment import unknown_variables
from resift.rerank.cli.messages import say, with_flags
from resift.rerank.cli.options import quiet_option
from resift.rerank.cli.text import plain
from resift.rerank.cli.toml_file import use_settings_file
from resift.retrieval.errors import ResiftError, SettingsError
from resift.retrieval.near_names import suggestion

COMMANDS = {
    "index": ("resift.rerank.cli.index", "Load a document collection into an index."),
    "add": ("resift.rerank.cli.add", "Add documents to an index, or replace those with the same ids."),
    "delete": ("resift.rerank.cli.delete", "Delete documents of an index by their ids."),
    "info": ("resift.rerank.cli.info", "Show what is known about an index: documents, fields, language, size."),
    "search": ("resift.rerank.cli.search", "Find and rerank the documents of one query."),
    "rerank": ("resift.rerank.cli.rerank", "Rerank candidates you already have: JSON lines in, JSON lines out."),
    "plan": ("resift.rerank.cli.plan", "Show the cheapest way to rerank the searches of an engine that runs."),
    "attach": ("resift.rerank.cli.attach", "Let an engine that runs call a rerank service itself."),
    "detach": ("resift.rerank.cli.detach", "Remove from an engine what `resift attach` made."),
    "doctor": ("resift.rerank.cli.doctor", "Check that an engine's searches are really reranked, and what to change."),
    "serve": ("resift.rerank.cli.serve", "Serve a reranker by HTTP, as Cohere, Jina, TEI and vLLM do."),
    "proxy": ("resift.rerank.cli.proxy", "Stand before an engine, and rerank the searches of some of its indices."),
    "run": ("resift.rerank.cli.run", "Search many queries and write a TREC run file."),
    "evaluate": ("resift.rerank.cli.evaluate", "Measure first stage and reranked ranking on judged queries."),
    "compare": ("resift.rerank.cli.compare", "Show the queries that a model changes most, without judgements."),
    "report": ("resift.rerank.cli.report", "Show how two orders differ in live searches, and which one clicks prefer."),
    "mine": ("resift.rerank.cli.mine", "Find hard negatives for training, by judgements, pairs or clicks."),
    "distill": ("resift.rerank.cli.distill", "Teach small rerankers what a large one knows, on your own texts."),
    "train": ("resift.rerank.cli.train", "Train a model on your own examples."),
    "gate": ("resift.rerank.cli.gate", "Judge whether a trained model is worse than its base or the first stage."),
    "tune": ("resift.rerank.cli.tune", "Fit on judged queries how a model is fused with the first stage."),
    "push": ("resift.rerank.cli.push", "Upload a model that passed its gate to the Hugging Face Hub."),
    "export": ("resift.rerank.cli.export", "Write a model as safetensors, ONNX and int8 in one folder."),
    "models": ("resift.rerank.cli.models", "Show the models that can be named, and where to get them."),
    "config": ("resift.rerank.cli.config", "Show the effective settings, and where each comes from."),
    "completion": ("resift.rerank.cli.completion", "Print the shell completion script for bash, zsh or fish."),
}
"""Command name -> (module that holds it under the same name, its one-line help)."""

COMPLETION_VARIABLE = "_RESIFT_COMPLETE"
"""Set by the shell's completion script, which runs `resift` to list the possible next words."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command runs: `--help` loads nothing heavy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a new user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with. Raises click.UsageError, with near names, if there is none."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = suggestion(name, COMMANDS) or f"; expected one of {', '.join(COMMANDS)}"
            raise click.UsageError(f"{name!r} is not a command{near}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    "config_file",
    envvar="RESIFT_CONFIG",
    type=click.Path(dir_okay=False),
    help="TOML file of settings. [default: ./resift.toml, else ~/.config/resift/config.toml]",
)
@quiet_option
@click.version_option(package_name="resift", prog_name="resift")
@click.pass_context
def cli(ctx: click.Context, config_file: str | None) -> None:
    """Put the answer first: rerank the top of your keyword search with a cross-encoder.

    \b
    A first try, with nothing to download:
      resift index my-documents.jsonl --to bm25:my-index
      resift search bm25:my-index "how do I reset my password"

    A setting comes from its flag, else its RESIFT_* variable, else the TOML file, else its default;
    `resift config` shows them all. Exit codes: 0 done, 1 failed, 2 wrong usage.
    RESIFT_DEBUG=1 prints the traceback of an error.
    """
    for note in unknown_variables():
        say(note)
    try:
        use_settings_file(ctx, config_file, COMMANDS)
    except SettingsError as error:
        if ctx.invoked_subcommand != "proxy" or not {"--off", "--on", "--status"} & {*ctx.args}:
            raise
        say(f"note: the settings file is not used: {error}")  # a switch in an emergency must not depend on it


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exit, so that unfinished files are removed
    _ready_streams()
    sys.exit(run(sys.argv[1:]))


def _ready_streams() -> None:
    """Let the standard streams accept any text, and replace those that are closed."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open as long as the process
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            # programs get UTF-8 in any locale; a terminal gets its own encoding
            stream.reconfigure(encoding=stream.encoding if stream.isatty() else "utf-8", errors="replace")


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors go to standard error, one line each.

    A bare `resift` prints the help on standard output and is wrong usage, as with other Click programs.
    """
    try:
        if COMPLETION_VARIABLE in os.environ:
            cli.main(arguments, prog_name="resift")
        given = arguments[:] or ["--help"]  # a copy: Click empties the list
        with cli.make_context("resift", given) as context:  # not cli.main, which reports a closed pipe as a failure
            result: Any = cli.invoke(context)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        # the reader (`| head`) has closed the pipe: not an error, and nothing more can be written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except click.exceptions.Exit as stop:
        return stop.exit_code if arguments else 2
    except (Exception, KeyboardInterrupt) as error:
        return _fail(error)


def _fail(error: BaseException) -> int:
    """Print the error in one line on standard error, and return the exit code."""
    message, code = explain(error)
    click.echo(f"resift: error: {plain(message)}", err=True)
    return code


def explain(error: BaseException) -> tuple[str, int]:
    """Return the message and the exit code of an error."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, click.UsageError):
        return _usage(error), 2
    if os.environ.get("RESIFT_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        return error.format_message(), 1
    if isinstance(error, ResiftError):
        return with_flags(str(error)), 2 if isinstance(error, SettingsError) else 1
    if isinstance(error, OSError):
        return f"{error.filename or 'standard output'}: {error.strerror or error}", 1
    if _disk_is_full(error):
        return "the disk is full; free some space and give the command again", 1
    if isinstance(error, MemoryError):
        return "not enough memory; add memory, or lower --depth or --batch-tokens", 1
    return f"a defect in resift: {type(error).__name__}: {error} (RESIFT_DEBUG=1 shows where)", 1


def _disk_is_full(error: BaseException) -> bool:
    """Return whether a library failed to write for lack of space: safetensors and torch raise no OSError then."""
    found: BaseException | None = error
    while found is not None:
        if "No space left on device" in str(found) or "inline_container.cc" in str(found):
            return True
        found = found.__cause__ or found.__context__
    return False


def _usage(error: click.UsageError) -> str:
    """Return a usage error in one line: what is wrong, where the value came from, and which help to read."""
    origin = ""
    if isinstance(error, click.BadParameter) and error.ctx and error.param and error.param.name:
        source = error.ctx.get_parameter_source(error.param.name)
        if source is ParameterSource.ENVIRONMENT:
            origin = f" It came from the variable {error.param.envvar}."
        elif source is ParameterSource.DEFAULT_MAP:
            origin = " It came from the TOML file."
    command = error.ctx.command_path if error.ctx else "resift"
    message = error.format_message().rstrip(".")
    end = "" if message.endswith("?") else "."
    return f"{message}{end}{origin} See: {command} --help"

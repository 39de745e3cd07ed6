"""`resift completion`: print the shell completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    resift completion bash >> ~/.bashrc
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"{shell} is not known; expected bash, zsh or fish")
    from resift.rerank.cli.main import COMPLETION_VARIABLE

    click.echo(found(ctx.find_root().command, {}, "resift", COMPLETION_VARIABLE).source())

"""`resift push`: upload a model's folder to the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path

import click

from resift.rerank.cli.options import quiet_option


@click.command()
@click.argument("folder", metavar="FOLDER")
@click.argument("repository", metavar="ORG/NAME")
@click.option("--public", is_flag=True, help="Make a new repository public; it is private otherwise.")
@click.option("--force", is_flag=True, help="Upload a model that did not pass its gate; its card says so.")
@click.option("--dry-run", is_flag=True, help="Send nothing; list what would be uploaded.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@quiet_option
def push(folder: str, repository: str, public: bool, force: bool, dry_run: bool, as_json: bool) -> None:
    """Upload the model in FOLDER to ORG/NAME on the Hugging Face Hub, if it passed its gate.

    Only the files of the model are sent: its weights, tokenizer, configuration and card, not its training data nor
    checkpoints. The token comes from HF_TOKEN, or from `hf auth login`.

    \b
    resift push my-model/ my-organization/my-model --dry-run
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.training.push import push as upload

    done = upload(Path(folder), repository, not public, force, dry_run)
    if as_json:
        echo(to_json({"repository": done.repository, "files": dict(done.files), "address": done.address}))
        return
    for name, size in done.files.items():
        echo(f"{size / 1e6:10,.2f} MB  {name}")
    total = f"{len(done.files)} files, {done.size / 1e6:,.1f} MB"
    echo(f"{total}, would be uploaded to {repository}" if dry_run else f"{total}, uploaded: {done.address}")

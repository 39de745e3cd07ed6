"""`resift export`: a trained model as one folder with safetensors, float32 ONNX and int8 ONNX."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.facts import facts_table
from resift.rerank.cli.options import settings_options

if TYPE_CHECKING:
    from resift.rerank.training.export.folder import Exported
    from resift.rerank.training.export.parity import Parity
    from resift.rerank.training.export.settings import ExportSettings


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--pairs",
    required=True,
    metavar="FILE",
    help="Queries with documents like those that the model will score, as `resift train` takes them.",
)
@click.option("--overwrite", is_flag=True, help="Replace a model that is in FOLDER.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as a JSON object.")
@settings_options("export")
def export(
    model: Path, folder: Path, pairs: str, overwrite: bool, as_json: bool, export_settings: ExportSettings
) -> None:
    """Write MODEL, a folder with safetensors, to FOLDER, which transformers, sentence-transformers and resift load.

    The new folder has the weights as safetensors, as float32 ONNX and as int8 ONNX, each compared with torch on some of
    the pairs. Short pieces of 32 pairs are written into it: by their scores, a machine that loads the int8 model finds
    that it computes them wrongly.

    \b
    resift export my-model/ my-model-onnx/ --pairs pairs.jsonl
    resift export my-model/ my-small-model/ --pairs pairs.jsonl --int8-only
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.training.export.folder import export_folder
    from resift.rerank.training.export.pairs import read_pairs

    made = export_folder(model, folder, read_pairs(pairs), export_settings, overwrite)
    if as_json:
        echo(to_json(asdict(made) | {"folder": str(made.folder)}))
        return
    for line in facts_table(_facts(made)):
        echo(line)


def _facts(made: Exported) -> dict[str, str]:
    slow = "" if made.precision == "int8" else "; this machine computes int8 wrongly, and runs it in float32"
    return {
        "folder": str(made.folder),
        "int8 graph": f"{made.int8_bytes / 1e6:.1f} MB{slow}",
        "float32 and torch": _parity(made.float32),
        "int8 and torch": _parity(made.int8),
    }


def _parity(found: Parity) -> str:
    return (
        f"logits differ by {found.mean:.2g} on average and {found.largest:.2g} at most, where their standard deviation "
        f"is {found.spread:.2g}; {found.order:.1%} of the pairs of documents in the same order ({found.pairs} pairs)"
    )

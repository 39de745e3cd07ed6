"""`resift models`: the models that can be named, those of the package and recommended ones of the Hugging Face Hub."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.facts import columns

if TYPE_CHECKING:
    from resift.rerank.scorers.catalogue import EmbeddedModel
    from resift.rerank.scorers.recommended import RecommendedModel

DOWNLOAD = "hf download {} --local-dir FOLDER"
"""The command that downloads a model to a folder; `hf` comes with huggingface_hub."""


@click.command()
@click.option("--language", metavar="CODE", help="Only the models that read this language: en, de, zh, …")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object: the models of the package and of the hub.")
def models(language: str | None, as_json: bool) -> None:
    """Show the models that can be named: those in the package, and recommended ones of the Hugging Face Hub.

    Any other cross-encoder with one score is named in the same way, by its name on the hub or by its folder.

    \b
    resift models --language de
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.scorers.catalogue import embedded_models, recommended_models
    from resift.retrieval.extras import install_line

    code = language.lower() if language else None
    inside = [model for model in embedded_models() if code is None or code in model.languages]
    outside = recommended_models(code)
    if as_json:
        rows = [
            dataclasses.asdict(model) | {"install": install_line(model.extra), "download": DOWNLOAD.format(model.name)}
            for model in outside
        ]
        echo(to_json({"package": [dataclasses.asdict(model) for model in inside], "hub": rows}))
        return
    for line in [*_package(inside), "", *_hub(outside, install_line("gpu"))]:
        echo(line)


def _package(found: list[EmbeddedModel]) -> list[str]:
    lines = ["In the package, without a download:"]
    for model in found:
        size = [f"{model.layers} layers x {model.width}"] if model.layers and model.width else []
        facts = [megabytes(model.megabytes), *size, f"{model.max_tokens} tokens", *_common(model)]
        lines += [f"  {model.name}{' (the default)' if model.default else ''}", *_facts(facts)]
    return lines if found else ["In the package: none for this language."]


def _hub(found: list[RecommendedModel], install: str) -> list[str]:
    if not found:
        return ["On the Hugging Face Hub: none is recommended for this language."]
    lines = ["On the Hugging Face Hub, downloaded when first used:"]
    for model in found:
        facts = [f"{megabytes(model.megabytes)} to download", f"{megabytes(model.memory)} of memory"]
        facts += [f"{model.max_tokens} tokens", *_common(model), model.remark]
        lines += [f"  {model.name}", *_facts(facts)]
    example = found[0].name
    return [
        *lines,
        "",
        f"They need torch:  {install}",
        f"To use one:       --model {example}",
        f"Without network:  {DOWNLOAD.format(example)}",
        "                  where there is one, then --model FOLDER",
    ]


def _common(model: EmbeddedModel | RecommendedModel) -> list[str]:
    return [" ".join(model.languages) or "language not known", model.licence or "licence not known"]


def _facts(facts: list[str]) -> list[str]:
    return textwrap.wrap(", ".join(facts), columns(), initial_indent="    ", subsequent_indent="    ")


def megabytes(count: float) -> str:
    """Return a number of megabytes in a unit that suits it.

    >>> megabytes(19.4), megabytes(2270)
    ('19 MB', '2.3 GB')
    """
    return f"{count / 1000:.1f} GB" if count >= 1000 else f"{count:.0f} MB"

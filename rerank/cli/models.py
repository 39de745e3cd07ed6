"""`resift models`: the models that can be named, those of the package and recommended ones of the Hugging Face Hub."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TYPE_CHECKING, Any

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
@click.option("--speed/--no-speed", default=True, show_default=True, help="Measure the models of the package here.")
def models(language: str | None, as_json: bool, speed: bool) -> None:
    """Show the models that can be named: those in the package, and recommended ones of the Hugging Face Hub.

    Of those in the package it shows the seconds for 100 candidates of 100 words, measured now for a moment each, and
    the quality that was measured on development sets.
    Any other cross-encoder with one score is named in the same way, by its name on the hub or by its folder,
    and a model on a server by its address, such as http://localhost:8080.

    \b
    resift models --language de
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.scorers.catalogue import embedded_models, recommended_models
    from resift.retrieval.extras import install_line

    code = language.lower() if language else None
    inside = [model for model in embedded_models() if code is None or code in model.languages]
    outside = recommended_models(code)
    speeds = {model.name: measure(model.name) if speed else {} for model in inside}
    if as_json:
        rows = [
            dataclasses.asdict(model) | {"install": install_line(model.extra), "download": DOWNLOAD.format(model.name)}
            for model in outside
        ]
        echo(to_json({"package": [dataclasses.asdict(model) | speeds[model.name] for model in inside], "hub": rows}))
        return
    for line in [*_package(inside, speeds), "", *_hub(outside, install_line("gpu"))]:
        echo(line)


def measure(name: str) -> dict[str, Any]:
    """Return `seconds` for 100 candidates and the `precision` that the model runs in, or the `problem` it has."""
    from resift.rerank.scorers.load import load_scorer
    from resift.rerank.scorers.speed import seconds_per_query
    from resift.retrieval.errors import ResiftError

    try:
        scorer = load_scorer(name)
        return {"seconds": round(seconds_per_query(scorer), 3), "precision": getattr(scorer, "precision", "")}
    except ResiftError as error:
        return {"problem": str(error)}


def _package(found: list[EmbeddedModel], speeds: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["In the package, without a download:"]
    for model in found:
        size = [f"{model.layers} layers x {model.width}"] if model.layers and model.width else []
        facts = [megabytes(model.megabytes), *size, f"{model.max_tokens} tokens", *_common(model)]
        lines += [f"  {model.name}{' (the default)' if model.default else ''}", *_facts(facts)]
        lines += [line for measured in (_speed(speeds[model.name]), _quality(model)) for line in _facts(measured)]
    return lines if found else ["In the package: none for this language."]


def _speed(measured: dict[str, Any]) -> list[str]:
    if "problem" in measured:
        return [f"cannot be used here: {measured['problem']}"]
    if "seconds" not in measured:
        return []
    precision = f" in {measured['precision']}" if measured["precision"] else ""
    seconds = measured["seconds"]
    shown = f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"
    return [f"{shown} s for 100 candidates of 100 words on this machine{precision}"]


def _quality(model: EmbeddedModel) -> list[str]:
    names = {"bm25": "BM25", "alone": "the model alone", "fused": "both"}
    means = {shown: model.dev_mean(what) for what, shown in names.items()}
    known = [f"{shown} {mean:.3f}" for shown, mean in means.items() if mean is not None]
    sets = f"{len(model.dev)} development set{'' if len(model.dev) == 1 else 's'}"
    return [f"ndcg@10 on {sets}: {known[0]}", *known[1:]] if known else []


def _hub(found: list[RecommendedModel], install: str) -> list[str]:
    if not found:
        return ["On the Hugging Face Hub: none is recommended for this language."]
    lines = ["On the Hugging Face Hub, downloaded when first used:"]
    for model in found:
        facts = [f"{megabytes(model.megabytes)} to download", f"{megabytes(model.memory)} of memory"]
        facts += [f"{model.max_tokens} tokens", *_common(model), _GPU[model.gpu], model.remark]
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


_GPU = {"not needed": "a CPU is enough", "better": "better on a GPU", "needed": "needs a GPU"}


def _common(model: EmbeddedModel | RecommendedModel) -> list[str]:
    return [" ".join(model.languages) or "language not known", model.licence or "licence not known"]


def _facts(facts: list[str]) -> list[str]:
    """Return `facts` as indented lines; none if there are none."""
    return textwrap.wrap(", ".join(facts), columns(), initial_indent="    ", subsequent_indent="    ")


def megabytes(count: float) -> str:
    """Return a number of megabytes in a unit that suits it.

    >>> megabytes(19.4), megabytes(2270)
    ('19 MB', '2.3 GB')
    """
    return f"{count / 1000:.1f} GB" if count >= 1000 else f"{count:.0f} MB"

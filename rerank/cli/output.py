"""Write results to standard output: JSON for programs, tables for people."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, RenderableType

from resift.rerank.cli.facts import columns
from resift.rerank.cli.field_values import fields_of
from resift.rerank.explanation import Explanation, explain
from resift.rerank.reranker import Reranking

if TYPE_CHECKING:
    from resift.rerank.cli.search_table import View

_HEIGHT = 25  # lines; nothing that is printed depends on it


def search_json(result: Reranking, view: View, facts: dict[str, Any], explanation: Explanation | None = None) -> str:
    """Return one query's result as a JSON object: `query`, the `facts` about the search, and `hits`.

    It contains all that `resift rerank` needs to rerank the hits once more, and what is in the `explanation`.
    """
    hits = []
    rows = explain(result, view.top) if explanation is None else explanation.hits
    for row, hit in zip(rows, result.ranking.hits, strict=False):
        document = hit.document
        snippet = view.snippet(hit, result.ranking.query.text, result)
        index = {"index": document.fields["_index"]} if document.fields.get("_index") else {}
        hits.append(
            {
                **(row.as_json() if explanation is None else row.explained_json()),
                **index,
                "title": document.title,
                "text": document.text,
                "snippet": snippet.text,
                "snippet_read": snippet.read,
                "fields": fields_of(document),
            }
        )
    body = {
        "query": result.ranking.query.text,
        **facts,
        **({} if explanation is None else {"fusion": explanation.fusion_json()}),
        "found": len(result.ranking.hits),
        "truncated": result.truncated,
        "query_truncated": result.query_truncated,
        "scale": None if result.scale is None else dataclasses.asdict(result.scale),
        "hits": hits,
    }
    return to_json(body)


def to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return `value` as one line of JSON that is always valid UTF-8; NaN and infinity, which JSON lacks, are null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=_plain)
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value
    """Return what JSON can hold in place of a value of another type: a number of NumPy's as a number, else a text."""
    return _finite(value.item()) if getattr(value, "ndim", None) == 0 else str(value)


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return `value` with None in place of each float that is not a number or not finite."""
    if isinstance(value, dict):
        return {name: _finite(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(content: RenderableType) -> None:
    """Print what rich can render; 120 columns wide if standard output is not a terminal."""
    _console().print(content)


def _console() -> Console:
    # with a width alone, rich takes 80 columns on a terminal that it knows nothing of
    return Console(width=columns(piped=120), height=_HEIGHT)


def echo(text: str) -> None:
    """Write one line to standard output; lone surrogates are replaced."""
    click.echo(text.encode("utf-8", "replace").decode("utf-8"))

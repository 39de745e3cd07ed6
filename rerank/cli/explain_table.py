"""The explained hits of a search for people: what moved each of them, and what the model read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from resift.rerank.cli.search_table import View
from resift.rerank.cli.text import plain
from resift.rerank.explanation import ExplainedHit, Explanation, explain, move, no_words
from resift.rerank.occlusion import WordEffect, WordEffects, explain_words
from resift.rerank.reranker import Reranker, Reranking
from resift.retrieval.text import shorten
from resift.retrieval.types import Hit

_LONGEST_PASSAGE = 600  # characters that are shown of a passage; the JSON form has all
_SHOWN_WORDS = 10
_LONGEST_WORDS = 60  # characters of words that were left out together


def explain_search(result: Reranking, reranker: Reranker | None, top: int, words: str | None) -> Explanation:
    """Return the explanation of the first `top` hits; `words`: the rank or the id of the one whose words are explained.

    Raises click.UsageError if no such hit is shown, and ModelError if the model cannot score its variants.
    """
    hits = explain(result, top, details=True)
    if words is not None and hits:
        place = _place(hits, words)
        hits[place] = replace(hits[place], words=_words(hits[place], result.ranking.query.text, reranker))
    return Explanation(result.ranking.query.text, result.fusion, result.scale, tuple(hits))


def _place(hits: Sequence[ExplainedHit], wanted: str) -> int:
    """Return the place, from 0, of the hit with the rank or the id `wanted`."""
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= len(hits):
        return int(wanted) - 1
    for place, hit in enumerate(hits):
        if hit.doc_id == wanted:
            return place
    raise click.UsageError(
        f"--explain-words {wanted!r} is not among the {len(hits)} hits that are shown; give the rank or the id of one"
    )


def _words(hit: ExplainedHit, query: str, reranker: Reranker | None) -> WordEffects:
    if hit.passage is None or reranker is None:
        return no_words(hit)
    return explain_words(reranker.scorer, query, hit.passage)


def explained_hits(explanation: Explanation, hits: Sequence[Hit], view: View) -> RenderableType:
    """Return the hits of an explanation with the ranks, the scores and the passage of each; `hits` are the same."""
    blocks = [_block(one, hit, view) for one, hit in zip(explanation.hits, hits, strict=False)]
    scale = explanation.scale
    if scale is not None:
        stages = (("first stage", scale.first_stage), ("logit", scale.logits))
        parts = [f"{name} mean {mean:.3f}, deviation {by:.3f}" for name, (mean, by) in stages]
        blocks.append(Text(f"z-scores: {'; '.join(parts)}", style="dim"))
    return Group(*blocks)


def _block(one: ExplainedHit, hit: Hit, view: View) -> RenderableType:
    title = view.title(hit)
    name = Text(f"{one.rank:>2}  ")
    name.append(title or plain(one.doc_id), style="bold")
    name.append(f"  {plain(one.doc_id)[:80]}" if title else "", style="dim")
    lines = [Padding(Text(line), (0, 0, 0, 4)) for line in _lines(one)]
    return Group(name, *lines, Text())


def _lines(one: ExplainedHit) -> Iterator[str]:
    moved = move(one.first_stage_rank, one.rank)
    scores = [("first stage", one.first_stage_score), ("logit", one.logit), ("probability", one.probability)]
    known = [f"{name} {value:.3f}" for name, value in scores if value is not None]
    yield f"rank {one.first_stage_rank} → {one.rank} ({moved}), {', '.join(known)}"
    if one.unscored is not None:
        yield f"not scored: {one.unscored}"
    parts = one.fused_from
    if parts is not None and one.fused is not None:
        first = f"{1 - parts.weight:.3f} × {parts.first_stage_z:.3f} (z-score, first stage)"
        yield f"fused {one.fused:.3f} = {parts.weight:.3f} × {parts.logit_z:.3f} (z-score, logit) + {first}"
    passage = one.passage
    if passage is not None:
        place = f"characters {passage.start:,} to {passage.end:,} of {passage.length:,}"
        yield f"read, {place}: {shorten(passage.read, _LONGEST_PASSAGE)}"
    if one.words is not None:
        yield from _word_lines(one.words)


def _word_lines(words: WordEffects) -> Iterator[str]:
    if words.missing is not None:
        yield f"words: none, {words.missing}"
        return
    yield f"words: {_effects(words.passage)}"
    yield f"words of the query: {_effects(words.query)}"


def _effects(effects: Sequence[WordEffect]) -> str:
    """Return the largest effects, each with its word."""
    shown = [f"{shorten(one.word, _LONGEST_WORDS)} {one.effect:+.2f}" for one in effects[:_SHOWN_WORDS]]
    more = f" … ({len(effects)} in all)" if len(effects) > _SHOWN_WORDS else ""
    return ", ".join(shown) + more if shown else "none that could be left out"

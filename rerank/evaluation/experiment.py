"""Compare first stage and reranked ranking, query by query and set by set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from resift.rerank.counts import Counts
from resift.rerank.evaluation.measures import MEASURES, Values, ceiling, mean, per_query
from resift.rerank.evaluation.self_exclusion import SelfExcludingFirstStage
from resift.rerank.evaluation.significance import Comparison, Paired, compare, compare_sets
from resift.rerank.pipeline import in_batches
from resift.rerank.reranker import Reranking
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.text import shorten
from resift.retrieval.types import Qrels, Query, Ranking, Run, to_run

Mode = Literal["end-to-end", "comparable"]
END_TO_END: Mode = "end-to-end"
"""Our own first stage over the whole corpus; nothing is added to its candidates."""
COMPARABLE: Mode = "comparable"
"""The protocol of sentence-transformers' CrossEncoderNanoBEIREvaluator; see `resift.rerank.evaluation.comparable`."""

_NAME = 100  # characters of a title or a text that name a document

Rerank = Callable[[Sequence[Ranking]], Sequence[Reranking]]
"""The second stage: one result per ranking, in the same order."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds that each stage took over all queries of a set; None if not measured."""

    first_stage: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """What names the queries and documents of a set in a report.

    `qrels`: the judgements. `queries`: query_id -> text. `documents`: doc_id -> title, or the beginning of the text,
    of the judged documents that were found. All may be incomplete.
    """

    qrels: Qrels = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetResult:
    """Both stages on one set.

    `first_stage`, `reranked`: every measure of every judged query. `runs`: the runs of the two stages.
    `ceiling`: each measure's mean with the same candidates in the best possible order. `in_mean`: whether the
    experiment's mean includes this set. `counts`: how many documents and queries the model did not read to the end.
    `labels`: what a report names queries and documents by. `comparisons`: the paired test of each measure.
    """

    name: str
    first_stage: Values
    reranked: Values
    runs: tuple[Run, Run]
    ceiling: Mapping[str, float]
    mode: Mode = END_TO_END
    seconds: Seconds = Seconds()
    in_mean: bool = True
    counts: Counts = field(default_factory=Counts)
    labels: Labels = Labels()
    comparisons: Mapping[str, Comparison] = field(init=False)

    def __post_init__(self) -> None:
        """Compare the stages once. Raises CorpusError without judged queries, ValueError if the queries differ."""
        if not self.first_stage:
            raise CorpusError(f"{self.name}: no query is judged; expected judgements for at least one query")
        if self.first_stage.keys() != self.reranked.keys():
            raise ValueError(f"{self.name}: the two stages were measured on different queries")
        object.__setattr__(self, "comparisons", {name: compare(*self.paired(name)) for name in MEASURES})

    def paired(self, measure: str) -> Paired:
        """Return the values of `measure` before and after reranking, of the judged queries in the same order."""
        after = [self.reranked[query_id][measure] for query_id in self.first_stage]
        return [row[measure] for row in self.first_stage.values()], after

    @property
    def queries(self) -> int:
        """The number of judged queries, over which the means are taken."""
        return len(self.first_stage)

    @property
    def unanswered(self) -> int:
        """The number of judged queries that are missing from the first stage's run, or have no document in it."""
        return sum(not self.runs[0].get(query_id) for query_id in self.first_stage)

    @property
    def means(self) -> tuple[dict[str, float], dict[str, float]]:
        """Each measure's mean over the judged queries: first stage, reranked."""
        return mean(self.first_stage), mean(self.reranked)


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """The results of several sets in one mode.

    `model`, `depth` and `conditions` describe the experiment in the report: `conditions` has all other settings that
    determine the figures, by name, such as the file of a given "run", the "split" and the "rank_window_size"; None for
    those not used. `comparisons`: the paired test of each measure's macro mean.
    """

    sets: tuple[SetResult, ...]
    model: str = ""
    depth: int = 100
    conditions: Mapping[str, object] = field(default_factory=dict)
    comparisons: Mapping[str, Comparison] = field(init=False)

    def __post_init__(self) -> None:
        """Raise SettingsError if the mean would be wrong: without sets, with a name twice, or with two modes."""
        names = [result.name for result in self.sets]
        if not names:
            raise SettingsError("no set was evaluated; expected at least one", "sets")
        if len(set(names)) < len(names):
            raise SettingsError(f"a set is named twice in {', '.join(names)}; give each set once", "sets")
        if len({result.mode for result in self.sets}) > 1:
            raise SettingsError("sets of both modes have no common mean; evaluate them separately", "mode")
        one, *more = self.counted
        compared = {name: compare_sets([each.paired(name) for each in self.counted]) for name in MEASURES if more}
        object.__setattr__(self, "comparisons", compared or one.comparisons)

    @property
    def mode(self) -> Mode:
        """The mode of all sets."""
        return self.sets[0].mode

    @property
    def counted(self) -> tuple[SetResult, ...]:
        """The sets that the mean includes: those with `in_mean`, or all if none has it."""
        return tuple(result for result in self.sets if result.in_mean) or self.sets

    @property
    def means(self) -> tuple[dict[str, float], dict[str, float]]:
        """Each measure's macro mean: every set has the same weight, whatever its number of queries."""
        first_stage, reranked = zip(*(result.means for result in self.counted), strict=True)
        return _macro(first_stage), _macro(reranked)


def evaluate_set(
    name: str,
    qrels: Qrels,
    first_stage: Run | Sequence[Ranking],
    reranked: Run | Sequence[Ranking],
    seconds: Seconds | None = None,
    counts: Counts | None = None,
) -> SetResult:
    """Return both stages' measures on the judged queries of one set, in end-to-end mode.

    Each stage is given as a run or as rankings. A judged query that is missing from a run counts 0. Raises CorpusError
    if there are no judgements, or if no query of the first stage is judged, because the ids then probably
    come from different collections.
    """
    runs = _as_run(first_stage), _as_run(reranked)
    return _evaluated(name, Labels(qrels), runs, seconds or Seconds(), counts or Counts())


def _evaluated(name: str, labels: Labels, runs: tuple[Run, Run], seconds: Seconds, counts: Counts) -> SetResult:
    """Return what `evaluate_set` returns. Raises CorpusError."""
    qrels = labels.qrels
    if runs[0] and not runs[0].keys() & qrels.keys():
        example, judged = next(iter(runs[0])), next(iter(qrels), "none")
        raise CorpusError(
            f"{name}: no query of the run is judged; the ids of run ({example!r}) and judgements ({judged!r}) "
            f"must match"
        )
    return SetResult(
        name=name,
        first_stage=per_query(qrels, runs[0]),
        reranked=per_query(qrels, runs[1]),
        runs=runs,
        ceiling=ceiling(qrels, runs[0]),
        seconds=seconds,
        counts=counts,
        labels=labels,
    )


def run_set(
    name: str,
    qrels: Qrels,
    queries: Iterable[Query],
    retriever: SelfExcludingFirstStage,
    rerank: Rerank,
    progress: Callable[[int], None] = lambda done: None,
) -> SetResult:
    """Run both stages over the judged queries of one set, time them, and evaluate.

    Only judged queries are run, and one batch of them is in memory at a time. `progress` is called with the number of
    finished queries. Raises CorpusError if no query is judged, and any error of the stages.
    """
    queries = list(queries)
    judged = [query for query in queries if query.query_id in qrels]
    if not judged:
        example = queries[0].query_id if queries else "none"
        raise CorpusError(
            f"{name}: none of the queries is judged; the ids of queries ({example!r}) and judgements "
            f"({next(iter(qrels), 'none')!r}) must match"
        )
    first_stage, reranked = Run(), Run()
    names: dict[str, str] = {}
    counts = Counts()
    seconds = [0.0, 0.0]
    for batch in in_batches(judged):
        started = time.perf_counter()
        rankings = retriever.retrieve(batch)
        between = time.perf_counter()
        results = rerank(rankings)
        seconds = [seconds[0] + between - started, seconds[1] + time.perf_counter() - between]
        counts.add(results)
        first_stage |= to_run(rankings)
        reranked |= to_run([result.ranking for result in results])
        names |= {key: name for ranking in rankings for key, name in _judged_names(ranking, qrels)}
        progress(counts.queries)
    timed = Seconds(seconds[0] if retriever.timed else None, seconds[1])
    labels = Labels(qrels, {query.query_id: query.text for query in judged}, names)
    return _evaluated(name, labels, (first_stage, reranked), timed, counts)


def _judged_names(ranking: Ranking, qrels: Qrels) -> Iterator[tuple[str, str]]:
    """Yield the id and the name of each judged document of `ranking`."""
    judged = qrels[ranking.query.query_id]
    for document in (hit.document for hit in ranking.hits if hit.document.doc_id in judged):
        yield document.doc_id, shorten(document.title or document.text, _NAME)


def _as_run(stage: Run | Sequence[Ranking]) -> Run:
    return stage if isinstance(stage, dict) else to_run(stage)


def _macro(means: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in means) / len(means) for name in MEASURES}

"""Score the judged queries of dev sets once: a file keeps the scores, so that fitting again needs no model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b

from resift.rerank.pipeline import QUERIES_PER_BATCH
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.lookup import open_folder
from resift.rerank.show_progress import ShowProgress, silent
from resift.rerank.stages import SearchStages
from resift.rerank.template_budget import cut_by_model
from resift.rerank.training.fusion.settings import TuneSettings
from resift.rerank.training.fusion.stage_scores import QueryScores, SetScores, query_scores
from resift.rerank.training.gate.cache_folder import open_cache
from resift.rerank.training.gate.dev_sets import Candidates, DevSet, DevSets
from resift.rerank.training.gate.fingerprint import model_key
from resift.rerank.training.gate.kept_runs import KeptRuns
from resift.rerank.training.gate.overlap import check_overlap, known_texts
from resift.rerank.training.gate.score_cache import CachedScorer
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.types import Ranking
from resift.retrieval.wording import counted


class SetScoring:
    """Scores dev sets with one model; what was scored before is read from the cache folder."""

    def __init__(
        self,
        model: str,
        settings: TuneSettings,
        stages: SearchStages,
        progress: ShowProgress = silent,
        note: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Find the model of this name; `stages` has all other settings.

        `note` is called with what the user has to know. Raises ModelError if the model is not found or cannot be used,
        and SettingsError if the window is 0.
        """
        if stages.rerank.rank_window_size < 1:
            raise SettingsError("0 hits are rescored, so that there is nothing to fit; expected 1 or more", "window")
        scorer_settings = dataclasses.replace(stages.scorer, model=model)
        self.folder = open_folder(model, scorer_settings)
        self.folder.check()
        self._trained_on = known_texts(self.folder.path, None, ())
        self._settings, self._stages, self._progress, self._note = settings, stages, progress, note
        self._kept = open_cache(settings.tune_cache, note)
        try:
            path = self._kept and self._kept / f"scores-{model_key(self.folder, scorer_settings)}.bin"
            cut = cut_by_model(model, scorer_settings)
            scorer = CachedScorer(partial(load_scorer, settings=scorer_settings), path, beginning=cut)
        except OSError as error:
            raise ModelError(f"{error.filename} cannot be read: {error.strerror}", model) from error
        self._reranker = Reranker(scorer, dataclasses.replace(stages.rerank, fusion="none"))

    @property
    def conditions(self) -> dict[str, object]:
        """The settings that decide the scores, besides model and sets, by name."""
        rerank = self._stages.rerank
        return {
            "depth": self._stages.search.depth,
            "rank_window_size": rerank.rank_window_size,
            "passages": rerank.passages,
            "max_length": self.folder.window(self._stages.scorer.max_length),
        }

    def score(self, sets: Sequence[DevSet]) -> list[SetScores]:
        """Return both stages' scores of the judged queries of `sets`, in the given order.

        Queries that the model was trained on, by its folder, are left out. Raises ResiftError.
        """
        cut = self._reranker.template.cut
        opened = DevSets(self._stages, KeptRuns(self._kept), self._progress, self._note, cut).open(sets)
        return [SetScores(found.name, tuple(self._of_set(found))) for found in opened]

    def _of_set(self, found: Candidates) -> Iterator[QueryScores]:
        rankings, reranker = self._sample(self._unseen(found)), found.read_by(self._reranker)
        with self._progress(f"scoring {found.name}", len(rankings)) as done:
            for start in range(0, len(rankings), QUERIES_PER_BATCH):
                batch = rankings[start : start + QUERIES_PER_BATCH]
                for result in reranker.rerank(batch):
                    scores = query_scores(result, found.qrels[result.ranking.query.query_id])
                    if scores is not None:
                        yield scores
                done(start + len(batch))

    def _unseen(self, found: Candidates) -> list[Ranking]:
        """Return the rankings of the queries that the model was not trained on, as far as its folder says."""
        overlap, left = check_overlap(found, self._trained_on, "queries")
        if overlap.excluded:
            count = counted(overlap.excluded, "query", "queries")
            self._note(f"note: {found.name}: {count} left out, because the model was trained on them")
        return left

    def _sample(self, rankings: Sequence[Ranking]) -> list[Ranking]:
        """Return the rankings of the sample: those with the smallest hashes, so that a larger sample only adds some."""
        most = self._settings.tune_sample
        if most is None or most >= len(rankings):
            return list(rankings)
        return sorted(rankings, key=lambda one: blake2b(one.query.query_id.encode(), digest_size=8).digest())[:most]

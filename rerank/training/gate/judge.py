"""Judge a trained model on dev sets against its base and the first stage, and store the verdict with the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from resift.rerank.evaluation.measures import Values, mean, per_query
from resift.rerank.pipeline import QUERIES_PER_BATCH
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.registry import NO_MODEL
from resift.rerank.show_progress import ShowProgress, silent
from resift.rerank.stages import SearchStages
from resift.rerank.template_budget import cut_by_model
from resift.rerank.training.gate.cache_folder import open_cache
from resift.rerank.training.gate.dev_sets import Candidates, DevSet, DevSets
from resift.rerank.training.gate.fingerprint import model_key, weights_key
from resift.rerank.training.gate.kept_runs import KeptRuns
from resift.rerank.training.gate.overlap import check_overlap, known_texts
from resift.rerank.training.gate.report import BASE, FIRST_STAGE, MODEL, GateReport, SetVerdict
from resift.rerank.training.gate.rule import conclude
from resift.rerank.training.gate.score_cache import CachedScorer
from resift.rerank.training.gate.settings import GateSettings
from resift.rerank.training.gate.verdict import Versus, weigh
from resift.rerank.training.record import TrainingTexts
from resift.retrieval.errors import ModelError
from resift.retrieval.types import Ranking, to_run


@dataclass(frozen=True, slots=True)
class Trial:
    """What is judged: `model` on `sets` against `base` (None: against the first stage alone).

    `trained_on`: files of training examples, for a model whose folder does not say what it was trained on. `base_name`:
    what the report calls the base; if it is not given, `base`, of a folder its last part.
    """

    model: str
    base: str | None
    sets: Sequence[DevSet]
    trained_on: Sequence[str] = ()
    base_name: str = ""


def judge(
    trial: Trial,
    settings: GateSettings | None = None,
    stages: SearchStages | None = None,
    progress: ShowProgress = silent,
    note: Callable[[str], None] = lambda line: None,
) -> GateReport:
    """Return the verdict on `trial`; see `resift.rerank.training.gate.rule` for the rule.

    `stages` has the settings of both stages (the defaults if not given); the model that it names is not used. Each
    model orders the candidates as a search would, fused as its own folder says. Scores are kept in the cache folder of
    `settings` as they are computed, so that a judgement that was stopped continues where it was. `note` is called with
    what the user has to know. Raises ResiftError.
    """
    return Gate(settings or GateSettings(), stages or SearchStages(), progress, note).judge(trial)


@dataclass(frozen=True, slots=True)
class _Contestant:
    """A model by its name in the report, and its two orders of candidates: as a search serves it, and by its scores."""

    name: str
    folder: ModelFolder
    served: Reranker
    alone: Reranker


class Gate:
    """Judges trained models with one set of settings."""

    def __init__(
        self, settings: GateSettings, stages: SearchStages, progress: ShowProgress, note: Callable[[str], None]
    ) -> None:
        """Keep scores in the cache folder of `settings` if it can be written."""
        self.settings, self.stages = settings, stages
        self._progress, self._notes = progress, list[str]()
        self._show_note = note
        self._kept = open_cache(settings.gate_cache, note)

    def judge(self, trial: Trial) -> GateReport:
        """Return the verdict on `trial`. Raises ResiftError."""
        model = self._contestant(trial.model, shown_name(trial.model))
        base = self._base(trial)
        texts = known_texts(model.folder.path, base.folder.path if base else None, trial.trained_on)
        sets = DevSets(
            self.stages, KeptRuns(self._kept), self._progress, self._show_note, model.served.template.cut
        ).open(trial.sets)
        judged = [self._judged(found, model, base, texts) for found in sets]
        return conclude(
            GateReport(
                model=model.name,
                base=base.name if base else None,
                measure=self.settings.gate_measure,
                sets=tuple(verdict for verdict, _ in judged),
                mean=self._mean([(verdict, values) for verdict, values in judged if verdict.queries]),
                verified=texts is not None,
                notes=tuple(self._notes),
                weights=weights_key(model.folder.path),
                unused=model.served.fusion.weight == 0.0,
                settings={**dataclasses.asdict(self.settings), "gate_cache": None},
            ),
            self.settings,
        )

    def _note(self, line: str) -> None:
        self._notes.append(line)
        self._show_note(f"note: {line}")

    def _base(self, trial: Trial) -> _Contestant | None:
        """Return the base, or None if there is none, or it is an encoder that never learned to score pairs."""
        if trial.base is None or trial.base == NO_MODEL:
            return None
        name = shown_name(trial.base_name or trial.base)
        if not open_folder(trial.base, self.stages.scorer).has_head:
            self._note(f"the base {name} has no trained scoring head; the model is compared with the first stage alone")
            return None
        return self._contestant(trial.base, name)

    def _contestant(self, model: str, name: str) -> _Contestant:
        scorer_settings = dataclasses.replace(self.stages.scorer, model=model)
        folder = open_folder(model, scorer_settings)
        folder.check()
        try:
            path = self._kept and self._kept / f"scores-{model_key(folder, scorer_settings)}.bin"
            load = partial(load_scorer, settings=scorer_settings)
            cut = cut_by_model(model, scorer_settings)
            scorer = CachedScorer(load, path, folder.fusion, folder.languages, cut)
        except OSError as error:
            raise ModelError(f"{error.filename} cannot be read: {error.strerror}", model) from error
        served = Reranker(scorer, self.stages.rerank)
        return _Contestant(name, folder, served, served.with_settings(fusion="none"))

    def _judged(
        self, found: Candidates, model: _Contestant, base: _Contestant | None, texts: TrainingTexts | None
    ) -> tuple[SetVerdict, Mapping[str, Values]]:
        """Return the verdict on one set, and every measure of each of its queries by each ranking."""
        overlap, rankings = check_overlap(found, texts, self.settings.gate_exclude)
        if not rankings:
            verdict = SetVerdict(found.name, 0, 0, overlap, {}, {}, found.described)
            return verdict, {}
        qrels = {ranking.query.query_id: found.qrels[ranking.query.query_id] for ranking in rankings}
        values = {FIRST_STAGE: per_query(qrels, to_run(rankings))}
        for role, contestant in ((MODEL, model), (BASE, base)):
            if contestant is not None:
                with self._progress(f"scoring {found.name} with {contestant.name}", len(rankings)) as done:
                    served = _order(found.read_by(contestant.served), rankings, done)
                    alone = _order(found.read_by(contestant.alone), rankings, lambda count: None)
                values[role] = per_query(qrels, to_run(served))
                values[f"{role}_alone"] = per_query(qrels, to_run(alone))
        resolvable = sum(_matters(ranking, qrels[ranking.query.query_id]) for ranking in rankings)
        rivals = [name for name in (BASE, FIRST_STAGE) if name in values]
        return (
            SetVerdict(
                name=found.name,
                queries=len(rankings),
                resolvable=resolvable,
                overlap=overlap,
                means={name: mean(of_queries) for name, of_queries in values.items()},
                versus={name: weigh([self._paired(values, name)], resolvable, self.settings) for name in rivals},
                described=found.described,
            ),
            values,
        )

    def _mean(self, judged: Sequence[tuple[SetVerdict, Mapping[str, Values]]]) -> dict[str, Versus]:
        """Return the verdict on the mean over all sets against each rival."""
        resolvable = sum(verdict.resolvable for verdict, _ in judged)
        rivals = [name for name in (BASE, FIRST_STAGE) if judged and name in judged[0][1]]
        return {
            name: weigh([self._paired(values, name) for _, values in judged], resolvable, self.settings)
            for name in rivals
        }

    def _paired(self, values: Mapping[str, Values], rival: str) -> tuple[list[float], list[float]]:
        """Return the rival's and the model's values of the same queries in the same order."""
        measure = self.settings.gate_measure
        ids = list(values[MODEL])
        return [values[rival][one][measure] for one in ids], [values[MODEL][one][measure] for one in ids]


def shown_name(model: str) -> str:
    """Return the name of a model for a report that others read: of a folder, its last part alone."""
    path = Path(model).expanduser()
    return path.resolve().name if path.is_dir() else model


def _order(reranker: Reranker, rankings: Sequence[Ranking], done: Callable[[int], None]) -> list[Ranking]:
    """Return the rankings as `reranker` orders them; `done` is called with the number of those that are ready."""
    ordered: list[Ranking] = []
    for start in range(0, len(rankings), QUERIES_PER_BATCH):
        ordered += [one.ranking for one in reranker.rerank(rankings[start : start + QUERIES_PER_BATCH])]
        done(len(ordered))
    return ordered


def _matters(ranking: Ranking, judged: Mapping[str, int]) -> bool:
    """Return whether the order of the candidates changes the measures: they have different grades."""
    return len({max(0, judged.get(hit.document.doc_id, 0)) for hit in ranking.hits}) > 1

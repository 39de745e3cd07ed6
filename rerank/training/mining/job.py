"""One mine as a user asks for it: the index or the collection, what is known about its queries, and the output."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import CorpusSettings, QuerySettings, Reading, read_collection, read_documents, read_queries
from resift.rerank.scorers.registry import DEFAULT_MODEL
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings
from resift.rerank.show_progress import ShowProgress, silent
from resift.rerank.stages import SearchStages
from resift.rerank.template import Template
from resift.rerank.template_budget import cut_by_model
from resift.rerank.training.mining.anchors import Anchor, JudgedAnchors
from resift.rerank.training.mining.clicks.judged import ClickAnchors
from resift.rerank.training.mining.clicks.settings import ClickSettings
from resift.rerank.training.mining.clicks.sources import read_clicks
from resift.rerank.training.mining.found import MinedIndex
from resift.rerank.training.mining.mined import Mined
from resift.rerank.training.mining.miner import Miner
from resift.rerank.training.mining.output import MiningOutput
from resift.rerank.training.mining.pairs import PairAnchors
from resift.rerank.training.mining.run import mine_to_file
from resift.rerank.training.mining.settings import MineSettings
from resift.rerank.training.mining.tally import Tally
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.bm25.store import is_index
from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.registry import has_scheme
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.trec import read_qrels
from resift.retrieval.wording import counted

_SPLIT = "train"


@dataclass(frozen=True, slots=True)
class MineRequest:
    """What is mined, and where it is written.

    `target`: an index, or a collection of which a temporary one is made. What is known comes from one of: `queries` and
    `qrels`; the `split` of a BEIR folder; `pairs`; `clicks`, with UBI's `events`. All but the target are files, or
    addresses of indices for UBI.
    """

    target: str
    output: str
    queries: str | None = None
    qrels: str | None = None
    split: str | None = None
    pairs: str | None = None
    clicks: str | None = None
    events: str | None = None
    overwrite: bool = False

    def check(self) -> None:
        """Raise SettingsError if what is known is missing, is named twice, or cannot belong together."""
        sources = [name for name in ("qrels", "pairs", "clicks") if getattr(self, name) is not None]
        if len(sources) > 1:
            raise SettingsError(f"judgements come from one source; leave out {sources[0]} or {sources[1]}", sources[1])
        if not sources and not self.is_beir:
            raise SettingsError("nothing is known about the queries; name `queries` with `qrels`, `pairs` or `clicks`")
        if (self.queries is None) != (self.qrels is None):
            raise SettingsError("judgements need the texts of their queries; give `queries` and `qrels`", "queries")
        if self.events is not None and self.clicks is None:
            raise SettingsError("events belong to the queries of UBI; name those with `clicks`", "events")
        if self.split is not None and (sources or not self.is_beir):
            raise SettingsError("is for a BEIR folder, without any other judgements; leave it out", "split")
        if [self.queries, self.qrels, self.pairs, self.clicks].count(STANDARD_INPUT) > 1:
            raise SettingsError("two files cannot both be read from standard input; name one of them", "queries")

    @property
    def is_index(self) -> bool:
        """Whether the target is an index and not a collection."""
        return has_scheme(self.target) or is_index(Path(self.target))

    @property
    def is_beir(self) -> bool:
        """Whether the target is a folder with a corpus and judged queries in the form of BEIR."""
        return not self.is_index and (Path(self.target) / "qrels").is_dir()


@dataclass(frozen=True, slots=True)
class MineStages:
    """The settings of all that a mine uses; of `rerank` the template and HTML alone, of `scorer` all but the model."""

    mine: MineSettings = field(default_factory=MineSettings)
    clicks: ClickSettings = field(default_factory=ClickSettings)
    queries: QuerySettings = field(default_factory=QuerySettings)
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    bm25: Bm25Settings = field(default_factory=Bm25Settings)
    connection: ConnectionSettings = field(default_factory=ConnectionSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    rerank: RerankSettings = field(default_factory=RerankSettings)
    scorer: ScorerSettings = field(default_factory=ScorerSettings)

    def search(self) -> SearchStages:
        """Return the stages of a search in the index, with the teacher as the model."""
        scorer = dataclasses.replace(self.scorer, model=self.mine.teacher)
        return SearchStages(
            rerank=self.rerank, scorer=scorer, bm25=self.bm25, connection=self.connection, engine=self.engine
        )


@dataclass(frozen=True, slots=True)
class MineReport:
    """What a mine did: its counts, how often queries and results of its source were left out, and notes on both."""

    output: str
    tally: Tally
    source: Mapping[str, int]
    notes: tuple[str, ...]
    bias: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        positive, negative = self.tally.mean_logits
        return {
            "output": self.output,
            **self.tally.to_json(),
            "mean_logits": {"positive": positive, "negative": negative},
            "source": dict(self.source),
            "propensities": list(self.bias),
            "notes": list(self.notes),
        }


class MineJob:
    """Mines one request."""

    def __init__(
        self,
        request: MineRequest,
        stages: MineStages,
        note: Callable[[str], object] = lambda line: None,
        progress: ShowProgress = silent,
        ask: Callable[[str], str] | None = None,
    ) -> None:
        """Check the request. Raises SettingsError.

        `note` is called with each message for the user, `ask` with the prompt for a password.
        """
        request.check()
        self.request, self.stages = request, stages
        self._note, self._progress, self._ask = note, progress, ask
        reader = stages.mine.teacher if stages.mine.has_teacher else DEFAULT_MODEL
        self._template = Template(stages.rerank.template, stages.rerank.html, cut_by_model(reader, stages.scorer))

    def run(self, on_mined: Callable[[Mined], object] = lambda mined: None) -> MineReport:
        """Mine into the output, and return the report; `on_mined` is called with what was mined for each query.

        What is finished survives an error: the same request continues after it. Raises ResiftError.
        """
        output = MiningOutput(Path(self.request.output), self._facts())
        with output.opened(overwrite=self.request.overwrite):
            if output.done:
                self._note(f"note: {counted(output.done, 'query was', 'queries were')} mined before; continuing after")
            anchors, total = self._anchors()
            with self._index() as index:
                miner = Miner(index, self._template, self.stages.mine, self.stages.search().model())
                with self._progress("mining", total) as done:
                    mine_to_file(anchors, miner, output, done, on_mined)
                notes = [f"note: {one}" for one in miner.tally.notes()] + index.notes()
        for line in notes:
            self._note(line)
        return MineReport(self.request.output, output.tally, _left_out(anchors), tuple(notes), _bias(anchors))

    def _facts(self) -> dict[str, Any]:
        """Return what decides the output, besides the content of the input."""
        stages = self.stages
        mine = {name: value for name, value in dataclasses.asdict(stages.mine).items() if name != "batch_queries"}
        named = {"target": self.request.target, "template": self._template.pattern, "html": self._template.html}
        scorer = dataclasses.asdict(stages.scorer)
        used = ("revision", "backend", "dtype", "max_length")
        named |= {name: scorer[name] for name in used if stages.mine.has_teacher}
        if self.request.is_index:
            engine = dataclasses.asdict(stages.engine)
            search = {name: engine[name] for name in engine.keys() - {"allow_partial"}}
        else:
            search = dataclasses.asdict(stages.bm25) | stages.corpus.fixed()
        return {**named, **mine, **search}

    def _anchors(self) -> tuple[Iterable[Anchor], int | None]:
        """Return the anchors, and how many there are at most."""
        request, stages = self.request, self.stages
        reading = Reading(lambda note: self._note(f"note: {note}"))
        if request.pairs is not None:
            pairs = PairAnchors(request.pairs, self._template, stages.mine.min_grade, reading)
            return pairs, pairs.total
        if request.clicks is not None:
            clicks = read_clicks(request.clicks, request.events, stages.clicks, stages.connection, self._ask)
            for line in clicks.notes:
                self._note(f"note: {line}")
            return clicks, sum(1 for _ in clicks)
        if request.qrels is not None and request.queries is not None:
            qrels = read_qrels(request.qrels, stages.queries.query_encoding)
            queries = read_queries(request.queries, stages.queries, reading)
            return JudgedAnchors(queries, qrels, stages.mine.min_grade), len(qrels)
        collection = read_collection(request.target, request.split or _SPLIT)
        return JudgedAnchors(collection.queries, collection.qrels, stages.mine.min_grade), len(collection.queries)

    @contextmanager
    def _index(self) -> Iterator[MinedIndex]:
        """Open the index, or build one of the collection for the time of the mine."""
        stages = self.stages.search()
        if self.request.is_index:
            yield cast(MinedIndex, stages.open(self.request.target, self._ask))
            return
        reading = Reading(lambda note: self._note(f"note: {note}"))
        with tempfile.TemporaryDirectory(prefix="resift-") as folder:
            path = Path(folder) / "index"
            with self._progress("indexing") as done:
                documents = read_documents(self.request.target, self.stages.corpus, reading=reading)
                build_index(documents, path, stages.bm25, progress=done)
            yield cast(MinedIndex, stages.open(f"bm25:{path}"))


def _left_out(anchors: Iterable[Anchor]) -> dict[str, int]:
    """Return what was left out while the source was read, by reason."""
    if isinstance(anchors, ClickAnchors):
        return dict(anchors.dropped)
    if isinstance(anchors, PairAnchors):
        return {"queries without a positive": anchors.without_positive} if anchors.without_positive else {}
    if isinstance(anchors, JudgedAnchors):
        found = {
            "queries without judgements": anchors.unjudged,
            "judged queries without a positive": anchors.without_positive,
        }
        return {reason: count for reason, count in found.items() if count}
    return {}


def _bias(anchors: Iterable[Anchor]) -> tuple[float, ...]:
    return anchors.bias.propensities if isinstance(anchors, ClickAnchors) else ()

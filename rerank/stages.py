"""The settings of a search's two stages as one value, and the stages that they describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from resift.rerank.fusion_choice import Fusion, choose_fusion
from resift.rerank.model_template import other_template
from resift.rerank.reranker import Reranker
from resift.rerank.reservations import reservations
from resift.rerank.scorers.load import load_scorer, read_facts
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.registry import NO_MODEL
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings, SearchSettings
from resift.rerank.template import Template
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings, OpenOptions
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.registry import is_engine, open_retriever
from resift.retrieval.retriever import Retriever


@dataclass(frozen=True, slots=True)
class SearchStages:
    """How both stages of a search are built.

    `bm25` applies if an index is built for the search, as in an evaluation of a folder. `connection` and `engine`
    apply to an index in a search engine.
    """

    search: SearchSettings = field(default_factory=SearchSettings)
    rerank: RerankSettings = field(default_factory=RerankSettings)
    scorer: ScorerSettings = field(default_factory=ScorerSettings)
    bm25: Bm25Settings = field(default_factory=Bm25Settings)
    connection: ConnectionSettings = field(default_factory=ConnectionSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)

    def open(self, index: str, ask: Callable[[str], str] | None = None, others: tuple[str, ...] = ()) -> Retriever:
        """Open the first stage over `index`; `ask` is called for a password if the settings require one.

        The fields that the reranker's template names, and `others` ("*" for all), are fetched with each document, and
        of an engine's fields in several languages those that the model reads are preferred. Raises EngineError and
        SettingsError.
        """
        fields = (*Template(self.rerank.template).fields(), *others)
        options = OpenOptions(self.connection, self.engine, ask, fields, self.languages(index))
        return open_retriever(index, options)

    def languages(self, index: str) -> tuple[str, ...]:
        """Return the codes of the languages whose fields are preferred in `index`: those that the model reads.

        Empty if its card does not name them, or the index is embedded, which has one text.
        """
        try:
            return (
                ()
                if self.scorer.model == NO_MODEL or not is_engine(index)
                else read_facts(self.scorer.model, self.scorer).languages
            )
        except (ModelError, SettingsError):  # `model` raises it
            return ()

    def fusion(self) -> Fusion | None:
        """Return the fusion that applies, without loading the model or downloading anything.

        None if there is no model, or it is not on this machine or cannot be used, of which `model` raises the reason.
        """
        found = self._model_here()
        return None if found is None else found[1]

    def notes(self) -> list[str]:
        """Return what is to be known of the model before its order is trusted, one line each; usually nothing.

        It is not used because its weight is 0, it did not pass the gate after its training, or it was trained on texts
        of another template.
        """
        found = self._model_here()
        if found is None:
            return []
        return [f"note: {one}" for one in (*reservations(*found), *other_template(found[0], self.rerank.template))]

    def _model_here(self) -> tuple[ModelFolder, Fusion] | None:
        """Return the model's folder and the fusion that applies; None if it cannot be had without a download."""
        if self.scorer.model == NO_MODEL:
            return None
        try:
            folder = read_facts(self.scorer.model, replace(self.scorer, offline=True))
            return folder, choose_fusion(self.rerank, folder.fusion)
        except (ModelError, SettingsError):
            return None

    def model(self) -> RankingModel | None:
        """Load the model of the second stage; None if it is "none". Raises ModelError and SettingsError."""
        return None if self.scorer.model == NO_MODEL else load_scorer(settings=self.scorer)

    def reranker(self) -> Reranker | None:
        """Load the second stage; None if the model is "none". Raises ModelError and SettingsError."""
        model = self.model()
        return None if model is None else Reranker(model, self.rerank)

    def describe(self, reranker: Reranker | None) -> str:
        """Return in a few words what decides the order; `reranker` is that of these stages, None if there is none.

        >>> SearchStages(scorer=ScorerSettings(model="none")).describe(None)
        'first stage alone'
        """
        return "first stage alone" if reranker is None else reranker.fusion.describe(self.scorer.model)

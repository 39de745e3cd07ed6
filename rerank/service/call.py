"""A request and its answer, in the words of no dialect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from resift.rerank.explanation import Explanation
from resift.rerank.index_definitions import IndexDefinition
from resift.rerank.scorer import Pair, Scores
from resift.retrieval.types import Document


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """How a request is to be treated; None leaves it to the service.

    `model`: a name. `timeout_ms`: when to answer with what was scored by then. `priority`: 0 is the most urgent, 999
    the least. `passages`: how many passages are read of a long document. `document_tokens`: how many tokens of each
    document are read at most.
    """

    model: str | None = None
    timeout_ms: int | None = None
    priority: int = 0
    passages: int | None = None
    document_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class RerankCall:
    """One query and the documents to put in order, given in the order of the first stage.

    `first_stage`: the first stage's score of each document, with which the model's is fused; None: the model alone
    decides. `top_n`: how many results are wanted, None for all. `raw`: logits are wanted instead of probabilities.
    `index`: the name of the index whose definition says how the documents are read, None for the service's own
    settings; then a document that is an object is in `fields` as a whole, until `resift.rerank.service.defined` has
    read it. `definition`: the one that it was read by. `explain`: each result is to be explained, and `explain_words`:
    also the words of this document, an index in `documents`.
    """

    query: str
    documents: Sequence[Document]
    options: RequestOptions = field(default_factory=RequestOptions)
    first_stage: Sequence[float] | None = None
    top_n: int | None = None
    raw: bool = False
    index: str | None = None
    definition: IndexDefinition | None = None
    explain: bool = False
    explain_words: int | None = None


@dataclass(frozen=True, slots=True)
class ScoreCall:
    """Pairs to score as they are: no template, no passages, no order."""

    pairs: Sequence[Pair]
    options: RequestOptions = field(default_factory=RequestOptions)
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Effort:
    """What an answer took: `total`, `queued`, `tokenizing` and `scoring` in seconds; `tokens`; pairs from the cache."""

    total: float = 0.0
    queued: float = 0.0
    tokenizing: float = 0.0
    scoring: float = 0.0
    tokens: int = 0
    cached: int = 0
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a request was treated.

    `model`: the name of the model that scored. `scored` of `documents` were reached in time. `degraded`: the model that
    would have scored if the load had allowed it, None if it did. `truncated`: documents that were not read to the end.
    `device`: "cpu" or "gpu".
    """

    model: str
    scored: int
    documents: int
    degraded: str | None = None
    truncated: int = 0
    effort: Effort = field(default_factory=Effort)
    device: str = "cpu"

    @property
    def partial(self) -> bool:
        """Whether the time was up before all documents were scored."""
        return self.scored < self.documents


@dataclass(frozen=True, slots=True)
class Result:
    """One document: its `index` in the request, and the score that its reply shows."""

    index: int
    score: float


@dataclass(frozen=True, slots=True)
class RerankAnswer:
    """The results, best first, as many as were asked for, and what explains them, if that was asked for too."""

    results: Sequence[Result]
    treatment: Treatment
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class ScoreAnswer:
    """The scores of the pairs, in their order; `shown` are those that the reply shows."""

    shown: Sequence[float]
    scores: Scores
    treatment: Treatment

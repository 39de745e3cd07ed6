"""Alarms that a model does not fit the texts: their language, their length, their words, and what its scores show."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from resift.rerank.attach.doctor.case import Case
from resift.rerank.attach.doctor.check import Check
from resift.rerank.attach.doctor.finding import Finding, not_checked, warning, works
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.registry import MODELS
from resift.rerank.template import Template
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.language import detect, name_of
from resift.retrieval.types import Document

CUT_SHARE = 0.5
"""Share of documents that the model does not read to the end from which to warn.

With 49 % cut (MED) passages changed nDCG@10 of the model alone by -0.01, with 98 % (TIME) by +0.07: docs/reading.md.
"""
UNKNOWN_SHARE = 0.02
"""Share of unknown tokens from which to warn: one in 50 is a script, or signs, that the model cannot read."""
SATURATED_LOGIT = 10.0
"""A logit beyond this is a probability within 0.00005 of 0 or 1, where differences say nothing of relevance."""
SATURATED_SHARE = 0.95
"""Share of saturated scores from which to warn.

Most candidates are irrelevant, and their logits are far below 0 with any model, so a smaller share says nothing.
"""
LEAST_SPREAD = 0.1
"""Standard deviation of a query's logits below which they are practically equal; resift-tiny has 4.0 on NFCorpus."""
UNCHANGED_TAU = 0.98
"""Mean rank correlation (Kendall's tau) of both orders from which the model changes practically nothing.

One exchange of neighbours among 20 hits gives 0.989.
"""
_HITS = 20
_SCORED = 12
"""Queries that are scored, to keep the time short."""


class AlarmCase:
    """A model, and the texts that it reads; `whole` if it reads title and text, as a search of resift does."""

    def __init__(self, case: Case, model: RankingModel, whole: bool) -> None:
        """Compare `model` with the texts of `case`; nothing is scored yet."""
        self.case, self.model, self.whole = case, model, whole

    def text(self, document: Document) -> str:
        """Return what the model reads of a document."""
        return Template().render(document) if self.whole else document.text

    @cached_property
    def texts(self) -> list[str]:
        """What the model reads of the sampled documents that have text."""
        return [text for document in self.case.sample if (text := self.text(document).strip())]

    @cached_property
    def truncated(self) -> NDArray[np.bool_]:
        """Whether the model does not read the end of each of `texts`, bool (n,)."""
        words = self.case.queries[0].text if self.case.queries else "a question"
        found: NDArray[np.bool_] = self.model.score([(words, text) for text in self.texts]).truncated
        return found

    @cached_property
    def logits(self) -> list[NDArray[np.float32]]:
        """The logits of the first hits of each query, in the first stage's order, float32 (hits,); two hits or more."""
        if self.case.retriever is None:
            return []
        found = []
        for ranking in self.case.retriever.retrieve(self.case.queries[:_SCORED], _HITS):
            pairs = [(ranking.query.text, text) for hit in ranking.hits if (text := self.text(hit.document).strip())]
            if len(pairs) > 1:
                found.append(self.model.score(pairs).logits)
        return found

    @cached_property
    def tokenizer_model(self) -> Predictor | None:
        """The model whose tokenizer can be looked into: itself, or its copy in the package if it is on a server."""
        if isinstance(self.model, Predictor):
            return self.model
        name = str(self.case.info.get("model_id") or "")
        if name not in MODELS:
            return None
        try:
            found = load_scorer(name)
        except (ModelError, SettingsError):
            return None
        return found if isinstance(found, Predictor) else None


def check_language(case: AlarmCase) -> Finding:
    """Compare the language of the texts with those that the model reads, by its card."""
    code = detect(case.texts)
    if code is None:
        return not_checked(f"the language of {len(case.texts)} texts is not sure")
    if not case.model.languages:
        return not_checked(f"the texts are {name_of(code)}; the model's card names no language")
    if code in case.model.languages:
        return works(f"texts and model: {name_of(code)}")
    reads = ", ".join(map(name_of, case.model.languages))
    return warning(
        f"the texts are {name_of(code)}, and {case.model.name} reads {reads}",
        f"use a model for {name_of(code)} (`resift models`), or train one (docs/training.md)",
    )


def check_cut(case: AlarmCase) -> Finding:
    """Count the documents that the model does not read to the end."""
    if not case.texts:
        return not_checked("there are no texts")
    if not (isinstance(case.model, Predictor) or case.case.is_resift):
        return not_checked("the service does not report which documents it cut")
    share = float(case.truncated.mean())
    seen = f"{case.truncated.sum()} of {len(case.texts)} documents are longer than the model reads"
    if share > CUT_SHARE:
        return warning(seen, 'add "passages": 3 to the request_body, or split the documents when you index')
    return works(seen)


def check_unknown(case: AlarmCase) -> Finding:
    """Count the tokens that the model does not know."""
    model = case.tokenizer_model
    if model is None:
        return not_checked("the model is on a server that does not show its tokenizer; name a copy with `model`")
    if not case.texts:
        return not_checked("there are no texts")
    tokenizer = model.encoder.tokenizer
    unknown = next((found for one in ("[UNK]", "<unk>") if (found := tokenizer.token_to_id(one)) is not None), None)
    if unknown is None:
        return works("the model has no unknown tokens: it reads bytes")
    ids = [one for text in case.texts for one in model.encoder.tokenize([text])[0][0].tolist()]
    share = ids.count(unknown) / max(1, len(ids))
    seen = f"{share:.1%} of {len(ids):,} tokens are unknown to the model"
    if share > UNKNOWN_SHARE:
        return warning(seen, "use a multilingual model (`resift models`): this one cannot read the script or the signs")
    return works(seen)


def check_saturated(case: AlarmCase) -> Finding:
    """Check that the model's scores differ, and are not all at the ends of their scale."""
    if not case.logits:
        return not_checked("no query found two documents", "give queries with `queries`")
    every = np.concatenate(case.logits)
    share = float((np.abs(every) > SATURATED_LOGIT).mean())
    spread = float(np.median([np.std(logits) for logits in case.logits]))
    if share > SATURATED_SHARE:
        seen = f"{share:.0%} of {len(every)} scores are probabilities of practically 0 or 1"
        return warning(seen, "the model does not fit these texts and queries, or its activation is applied twice")
    if spread < LEAST_SPREAD:
        seen = f"the scores of a query's hits hardly differ (standard deviation {spread:.3f})"
        return warning(seen, "the model does not fit these texts and queries; try another one (`resift models`)")
    return works(
        f"{share:.0%} of {len(every)} scores are saturated; those of a query differ by {spread:.1f} (deviation)"
    )


def check_change(case: AlarmCase) -> Finding:
    """Check that the model changes the order at all."""
    if not case.logits:
        return not_checked("no query found two documents", "give queries with `queries`")
    tau = float(np.mean([kendall(logits) for logits in case.logits]))
    seen = f"rank correlation of both orders {tau:.2f} in {len(case.logits)} searches (1: no change)"
    if tau > UNCHANGED_TAU:
        return warning(seen, "the model adds nothing here; measure with `resift evaluate` whether it is worth its time")
    return works(seen)


def kendall(logits: NDArray[np.float32]) -> float:
    """Return Kendall's tau-a between the order of `logits`, float32 (n,), n above 1, and their order by value.

    Source: Kendall (1938), "A New Measure of Rank Correlation"; pairs of equal logits keep their order.

    >>> kendall(np.array([3.0, 2.0, 1.0], dtype=np.float32)), kendall(np.array([1.0, 2.0], dtype=np.float32))
    (1.0, -1.0)
    """
    earlier, later = np.triu_indices(len(logits), k=1)
    return float(np.where(logits[later] > logits[earlier], -1.0, 1.0).mean())


CHECKS: tuple[Check[AlarmCase], ...] = (
    Check("fit", "language", "the model reads the language of the texts", check_language),
    Check("fit", "cut documents", "the model reads the documents to their end", check_cut),
    Check("fit", "unknown tokens", "the model knows the words", check_unknown),
    Check("fit", "scores", "scores differ and are not saturated", check_saturated),
    Check("fit", "change", "the model changes the order", check_change),
)

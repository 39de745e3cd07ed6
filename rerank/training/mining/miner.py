"""Mine the negatives of queries: candidates of the first stage, without those that may be relevant after all.

The steps, their order and the margins are those of `mine_hard_negatives` of sentence-transformers, with the first stage
of the user's search in place of a bi-encoder. Source of the filter by a teacher: Moreira et al. 2024, "NV-Retriever",
section 3, https://arxiv.org/abs/2407.15831, and Qu et al. 2021, "RocketQA", section 3.2,
https://arxiv.org/abs/2010.08191.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from resift.rerank.scorer import Scorer
from resift.rerank.template import Template
from resift.rerank.training.mining.anchors import Anchor
from resift.rerank.training.mining.copies import TextPrint, any_copy, prints
from resift.rerank.training.mining.found import Finder, MinedCandidates, MinedIndex, Text, as_read
from resift.rerank.training.mining.mined import Labelled, Mined
from resift.rerank.training.mining.settings import MineSettings
from resift.rerank.training.mining.tally import NO_NEGATIVE, NO_POSITIVE, TOO_FEW, Tally
from resift.rerank.training.mining.teacher import NegativeJudge
from resift.retrieval.types import Document

_BLOCK = 256  # queries that draw their random negatives from the same sample of the index
_SAMPLE = 1000  # documents in that sample
_SCORED_AT_ONCE = 8  # candidates, at least


class Miner:
    """Mines anchors one batch at a time; what is mined for one does not depend on the others of its batch."""

    def __init__(
        self, index: MinedIndex, template: Template, settings: MineSettings, scorer: Scorer | None = None
    ) -> None:
        """Mine in `index`; `scorer` is the teacher, None without one."""
        self.settings = settings
        self.tally = Tally()
        self.template = template
        self._index = index
        self._finder = Finder(index, template, settings.range[1], settings.copies)
        self._teacher = None if scorer is None else NegativeJudge(scorer, settings)
        self._sample: tuple[int, list[Document]] = (-1, [])

    def mine(self, anchors: Iterable[Anchor], done: int = 0) -> Iterator[Mined | None]:
        """Yield what was mined for each anchor, in order; None for one that makes no example.

        `done` is the number of anchors that were mined before `anchors`. Raises EngineError if the index cannot be
        read, and ModelError if the teacher cannot score.
        """
        rest = iter(anchors)
        while batch := list(islice(rest, self.settings.batch_queries)):
            for candidates in self._finder.find(batch):
                yield self._mine_one(candidates, done)
                done += 1

    def _mine_one(self, candidates: MinedCandidates, place: int) -> Mined | None:
        tally, settings = self.tally, self.settings
        tally.anchors += 1
        tally.missing += candidates.missing
        tally.unlocated += candidates.unlocated
        if not candidates.positives:
            tally.dropped[NO_POSITIVE] += 1
            return None
        self._count_fields(candidates)
        choice = _Choice(candidates, settings, tally, self._teacher)
        negatives = choice.known() if settings.known_negatives else []
        negatives += choice.mined(settings.negatives - len(negatives))
        if settings.random_negatives:
            negatives += choice.random(self._random_documents(place), settings.random_negatives)
        wanted = settings.negatives + settings.random_negatives
        if not negatives or (settings.form == "n-tuple" and len(negatives) < wanted):
            tally.dropped[NO_NEGATIVE if not negatives else TOO_FEW] += 1
            return None
        mined = Mined(candidates.anchor.query, tuple(choice.positives), tuple(negatives))
        tally.add(mined, wanted)
        return mined

    def _count_fields(self, candidates: MinedCandidates) -> None:
        """Count the documents that lack a field of the template."""
        documents = [hit.document for hit in candidates.ranking.hits]
        self.tally.read += len(documents)
        self.tally.lacking.update(self.template.lacking(documents))

    def _random_documents(self, place: int) -> list[Document]:
        """Return the sample of the index from which the anchor at `place` draws."""
        block = place // _BLOCK
        if self._sample[0] != block:
            self._sample = (block, self._index.sample(_SAMPLE, self.settings.seed * 1_000_003 + block))
        return self._sample[1]


class _Choice:
    """Chooses the negatives of one anchor."""

    def __init__(
        self, candidates: MinedCandidates, settings: MineSettings, tally: Tally, teacher: NegativeJudge | None
    ) -> None:
        self._candidates, self._settings, self._tally, self._teacher = candidates, settings, tally, teacher
        anchor, every = candidates.anchor, candidates.positives
        self._query = anchor.query
        self._relevant = {one.doc_id for one in anchor.positives} | {one.doc_id for one in every}
        given = prints(one.text for one in anchor.positives)
        self._prints = [*given, *(form for one in every for form in one.forms)]
        self._neither = prints(anchor.excluded_texts)
        self._question = TextPrint(anchor.query.text)
        self._used: set[str] = set()  # the normal forms of the texts that were considered
        most = settings.most_positives or len(every)
        self.positives = [Labelled(one, "positive", logit) for one, logit in self._scored(_distinct(every)[:most])]
        logits = [one.logit for one in self.positives if one.logit is not None]
        self._bounds = teacher.bounds(logits) if teacher is not None else None

    def known(self) -> list[Labelled]:
        """Return the documents that are known not to be relevant, at most as many as are wanted, the hardest first."""
        found = [one for one in self._candidates.negatives if self._takes(one)]
        found.sort(key=lambda one: (one.rank is None, one.rank or 0))
        return self._filtered(self._in_order(found), self._settings.negatives, "known")

    def mined(self, count: int) -> list[Labelled]:
        """Return at most `count` of the hits that may be negatives, by the settings."""
        first, last = self._settings.range
        ranks = range(first, min(last, len(self._candidates.ranking.hits)) + 1)
        left = [text for text in map(self._candidates.hit, ranks) if self._allows(text)]
        return self._filtered(self._in_order(left), count, "mined")

    def random(self, documents: Sequence[Document], count: int) -> list[Labelled]:
        """Return at most `count` of `documents`, which were drawn from the whole index and are not among the hits."""
        hits = {hit.document.doc_id for hit in self._candidates.ranking.hits}
        entries = {one.doc_id: one for one in documents if one.doc_id not in hits}
        found: list[Labelled] = []
        for doc_id in sorted(entries, key=partial(self._draw, "random")):
            if len(found) == count:
                break
            text = as_read(entries[doc_id], self._candidates.template)
            if self._allows(text):
                found += self._filtered([text], 1, "random")
        return found

    def _filtered(self, ordered: Sequence[Text], count: int, kind: str) -> list[Labelled]:
        """Return the first `count` of the texts that the teacher's scores allow; only as many as needed are scored."""
        found: list[Labelled] = []
        step = max(2 * count, _SCORED_AT_ONCE) if self._bounds is not None and kind == "mined" else max(count, 1)
        for start in range(0, len(ordered), step):
            if len(found) >= count:
                break
            for text, logit in self._scored(ordered[start : start + step]):
                reason = self._bounds.reason(logit) if self._bounds is not None and logit is not None else None
                if reason is not None and not (kind == "known" and text.certain):
                    self._tally.left_out[reason] += 1
                elif len(found) < count:
                    found.append(Labelled(text, kind, logit))
        return found

    def _allows(self, text: Text) -> bool:
        """Return whether a document of the index may be a negative, by what is known without a teacher."""
        anchor = self._candidates.anchor
        known = {one.doc_id for one in anchor.negatives} | {one.doc_id for one in self._candidates.negatives}
        if text.doc_id in known and self._settings.known_negatives:
            return False  # it is taken as a known negative
        if text.doc_id in self._relevant:
            return self._leave_out("positive")
        if text.doc_id in anchor.excluded:
            return self._leave_out("neither positive nor negative")
        return self._takes(text)

    def _takes(self, text: Text) -> bool:
        """Return whether a text has words, is not the query, and is no copy of a positive or of an earlier negative."""
        if not text.forms:
            return self._leave_out("no text")
        if any(one.normal == self._question.normal for one in text.forms):
            return self._leave_out("the query itself")
        if any_copy(text.forms, self._prints, self._settings.copies):
            return self._leave_out("copy of a positive")
        if any_copy(text.forms, self._neither, self._settings.copies):
            return self._leave_out("neither positive nor negative")
        if text.forms[0].normal in self._used:
            return self._leave_out("copy of another negative")
        self._used.add(text.forms[0].normal)
        return True

    def _leave_out(self, reason: str) -> bool:
        self._tally.left_out[reason] += 1
        return False

    def _scored(self, texts: Sequence[Text]) -> list[tuple[Text, float | None]]:
        """Return the texts with their raw logits, None without a teacher."""
        if self._teacher is None:
            return [(text, None) for text in texts]
        self._tally.pairs += len(texts)
        return list(zip(texts, self._teacher.score(self._query.text, texts), strict=True))

    def _in_order(self, texts: list[Text]) -> list[Text]:
        """Return the texts in the order in which they are taken: as given, or at random."""
        if self._settings.sampling == "top":
            return texts
        return sorted(texts, key=lambda one: self._draw("mined", one.doc_id or one.text))

    def _draw(self, purpose: str, key: str) -> bytes:
        """Return a number drawn for a document: by the seed, the query and the document, whatever the others are."""
        facts = [self._settings.seed, purpose, self._query.query_id, self._query.text, key]
        return hashlib.sha256(json.dumps(facts).encode()).digest()


def _distinct(texts: Sequence[Text]) -> list[Text]:
    """Return the texts without those that have the same words as an earlier one."""
    found: dict[str, Text] = {}
    for one in texts:
        found.setdefault(one.forms[0].normal if one.forms else one.text, one)
    return list(found.values())

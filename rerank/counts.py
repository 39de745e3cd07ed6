"""Counts over many reranked queries: what was found, and what the model could not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from resift.rerank.language_check import LanguageCheck
from resift.rerank.reranker import Reranking
from resift.retrieval.wording import noun_for


@dataclass(slots=True)
class Counts:
    """Counts over reranked queries.

    `hits`: documents found. `empty`: queries without any hit. `scored`: documents that the model scored.
    `truncated`: scored documents whose end the model did not read. `queries_truncated`: queries whose end was not read
    either. `unread`: documents without text to read, which the model did not score. `promoted`: hits that kept their
    places above all others, not scored either. `html`: documents with HTML, which the model did not read. `lacking`: of
    the documents scored or unread, those without a field that the template names, by field. `language`: a check that
    the model reads the language of the texts.
    """

    queries: int = 0
    hits: int = 0
    empty: int = 0
    scored: int = 0
    truncated: int = 0
    queries_truncated: int = 0
    unread: int = 0
    promoted: int = 0
    html: int = 0
    lacking: Counter[str] = field(default_factory=Counter)
    language: LanguageCheck = field(default_factory=LanguageCheck)

    @classmethod
    def of(cls, results: Iterable[Reranking]) -> Counts:
        """Return the counts over `results`, one per query."""
        counts = cls()
        counts.add(results)
        return counts

    @property
    def absent(self) -> list[str]:
        """The fields that the template names and that no document has: probably misspelt."""
        return [name for name, count in self.lacking.items() if count == self.scored + self.unread]

    def add(self, results: Iterable[Reranking]) -> None:
        """Count `results`, one per query."""
        results = list(results)
        self.language.add(results)
        for result in results:
            self.queries += 1
            self.hits += len(result.ranking.hits)
            self.empty += not result.ranking.hits
            self.scored += len(result.logits)
            self.truncated += result.truncated
            self.queries_truncated += result.query_truncated
            self.unread += result.unread
            self.promoted += result.promoted
            self.html += result.html
            self.lacking.update(result.lacking)

    def notes(self) -> list[str]:
        """Return what the model did not read or score, one line each; empty if it read everything."""
        notes = []
        given = self.scored + self.unread
        if self.absent:
            names = ", ".join(f"{{{name}}}" for name in self.absent)
            notes.append(f"note: none of the {_documents(given)} has the template's {names}; left empty (`template`)")
        if self.unread:
            notes.append(
                f"note: {self.unread} of {_documents(given)} {noun_for(self.unread, 'has', 'have')} no text to read; "
                "kept in the index's order below the scored ones"
            )
        if self.promoted:
            notes.append(
                f"note: {self.promoted} promoted {noun_for(self.promoted, 'hit')} kept above all others, not scored "
                "(`keep_promoted=False` scores them)"
            )
        if self.html:
            notes.append(f"note: HTML tags were removed from {_documents(self.html)} (`html=keep` leaves them)")
        if self.queries_truncated:
            share = f"{self.queries_truncated} of {self.queries} {noun_for(self.queries, 'query', 'queries')}"
            was = noun_for(self.queries_truncated, "was", "were")
            notes.append(f"note: {share} {was} longer than the model reads and {was} cut")
        if self.truncated:
            notes.append(
                f"note: the end of {self.truncated} of {_documents(self.scored, 'scored ')} was not read "
                "(`passages` reads on)"
            )
        return [*notes, *self.language.notes()]


def _documents(count: int, kind: str = "") -> str:
    return f"{count} {kind}{noun_for(count, 'document')}"

"""Notice that the found texts are in a language that the model does not read, by its card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from resift.rerank.reranker import Reranking
from resift.retrieval.language import detect, name_of
from resift.retrieval.markup import plain_text

_HITS = 3  # of each query
_TEXTS = 30
_LONGEST = 3000  # characters, tags included


@dataclass(slots=True)
class LanguageCheck:
    """A sample of the texts that the model scored, to be compared with the languages that it reads.

    `languages`: the ISO 639 codes of those; empty if unknown, and then nothing is kept. `texts`: the beginnings of the
    first hits of the first queries.
    """

    languages: tuple[str, ...] = ()
    texts: list[str] = field(default_factory=list)

    def add(self, results: Iterable[Reranking]) -> None:
        """Keep the beginnings of some scored texts of `results`, which have one reranking per query."""
        for result in results:
            if len(self.texts) >= _TEXTS:
                return
            if result.languages and result.logits:
                self.languages = result.languages
                scored = (hit.document for hit in result.first_stage.hits if hit.document.doc_id in result.logits)
                texts = (plain_text(document.text[:_LONGEST]) for document in scored)
                self.texts += islice(texts, _HITS)

    def language(self) -> str | None:
        """Return the ISO 639-1 code of the language of most texts, if the model does not read it; else None."""
        code = detect(self.texts)
        return code if code is not None and code not in self.languages else None

    def notes(self) -> list[str]:
        """Return a line if the model does not read the language of most texts."""
        code = self.language()
        if code is None:
            return []
        reads = ", ".join(map(name_of, self.languages))
        return [f"note: the texts seem to be {name_of(code)}, and the model reads {reads} by its card (`model`)"]

"""A first stage that was run elsewhere: the rankings of a TREC run, with the texts of their documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from resift.retrieval.types import Document, Query, Ranking, Run, from_run


class GivenRun:
    """A first stage that returns the rankings of `run` instead of searching.

    `missing`: how many of the run's documents are not among `documents`; their text is empty.
    """

    def __init__(self, run: Run, documents: Iterable[Document], queries: Iterable[Query]) -> None:
        """Keep those of `documents` that the run contains for `queries`."""
        wanted = {doc_id for query in queries for doc_id in run.get(query.query_id, ())}
        self._run = run
        self._documents = {document.doc_id: document for document in documents if document.doc_id in wanted}
        self.wanted = len(wanted)
        self.missing = len(wanted) - len(self._documents)

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Return the run's best `depth` documents of each query; none if the query is missing from the run."""
        return [ranking.top(depth) for ranking in from_run(self._run, queries, self._documents)]

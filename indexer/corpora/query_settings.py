"""The settings of reading queries: where their ids and texts are; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from resift.indexer.corpora.settings import CorpusSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """How queries are read. Raises SettingsError on an unknown encoding."""

    query_field: str | None = setting(
        None,
        "The column, JSON name or topic tag with a query's text, or several separated by commas (joined by blanks); by "
        "default the first usual one, such as text, query, title or question.",
    )
    query_id_field: str | None = setting(
        None, "The column or JSON name with a query's id; by default the first usual one, such as id, query_id or qid."
    )
    query_columns: str | None = setting(
        None, "The names of the columns of queries in a table without a header row, such as id,text."
    )
    query_encoding: str = setting("utf-8", "The encoding of the file of queries.")

    def table(self) -> CorpusSettings:
        """Return the same settings for a table."""
        return CorpusSettings(
            id_field=self.query_id_field,
            text_field=self.query_field,
            columns=self.query_columns,
            encoding=self.query_encoding,
        )

    def __post_init__(self) -> None:
        try:
            self.table()
        except SettingsError as error:
            raise SettingsError(str(error).removeprefix("encoding: "), "query_encoding") from None

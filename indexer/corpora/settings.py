"""How a corpus is read: which format, which columns, and what becomes of a bad record."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

FORMATS = ("auto", "beir", "jsonl", "csv", "tsv", "parquet", "folder", "trec", "ir_datasets", "nanobeir")
ID_FIELDS = ("_id", "id", "doc_id", "docid", "docno")
TITLE_FIELDS = ("title",)
TEXT_FIELDS = ("text", "body", "content", "contents", "passage")


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """What of a record becomes the id, the title and the text of a document. Raises SettingsError."""

    format: str = setting("auto", "The source's format; auto goes by its name and kind.", choices=FORMATS)
    id_field: str | None = setting(
        None, f"The column or key of the id; the first of {', '.join(ID_FIELDS)} if not given."
    )
    title_field: str | None = setting(None, "The column or key of the title; title, where there is one, if not given.")
    text_field: str | None = setting(
        None,
        f"The column or key of the text, or several with commas (joined by line breaks); the first of "
        f"{', '.join(TEXT_FIELDS)} if not given.",
    )
    fields: str | None = setting(None, "The other columns or keys to keep, with commas; all if not given, '' for none.")
    encoding: str = setting("utf-8", "The encoding of text files.")
    skip_bad: bool = setting(False, "Leave bad records out, count them, and go on.")
    skipped_file: str | None = setting(
        None, "With --skip-bad: write a JSON line for each record left out to this file."
    )

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise SettingsError(f"{self.format!r} is not known; expected one of {', '.join(FORMATS)}", "format")
        try:
            "a".encode(self.encoding)
        except (LookupError, ValueError):
            raise SettingsError(f"{self.encoding!r} is not known; expected for example utf-8", "encoding") from None
        if self.skipped_file and not self.skip_bad:
            raise SettingsError("nothing is skipped without --skip-bad; give both or none", "skipped_file")

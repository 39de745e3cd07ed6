"""The settings of reading a corpus: its format, its columns, and whether bad records are skipped."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

STANDARD_INPUT = "-"
"""The source that is read from standard input."""
FORMATS = ("auto", "beir", "jsonl", "csv", "tsv", "parquet", "folder", "trec", "ir_datasets", "nanobeir")
ID_FIELDS = ("_id", "id", "doc_id", "docid", "docno")
TITLE_FIELDS = ("title",)
TEXT_FIELDS = ("text", "body", "content", "contents", "passage")


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """How a corpus is read; raises SettingsError on an unknown format or encoding."""

    format: str = setting(
        "auto",
        "The format of the source; auto recognizes it by the name, or by the files of a folder.",
        choices=FORMATS,
    )
    id_field: str | None = setting(
        None, f"The column or key with the id; by default the first that exists of {', '.join(ID_FIELDS)}."
    )
    title_field: str | None = setting(None, "The column or key with the title; by default title, if it exists.")
    text_field: str | None = setting(
        None,
        f"The column or key with the text, or several separated by commas (joined by line breaks); by default the "
        f"first that exists of {', '.join(TEXT_FIELDS)}.",
    )
    fields: str | None = setting(
        None, "The other columns or keys to keep, separated by commas; by default all, '' for none."
    )
    encoding: str = setting("utf-8", "The encoding of text files.")
    skip_bad: bool = setting(False, "Leave out bad records and count them, instead of stopping at the first one.")
    skipped_file: str | None = setting(None, "With --skip-bad: write one JSON line per record left out to this file.")

    def fixed(self) -> dict[str, Any]:
        """Return the settings by name that a resumed load must repeat: all but those for bad records."""
        settings = asdict(self)
        return {name: settings[name] for name in settings.keys() - {"skip_bad", "skipped_file"}}

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise SettingsError(f"{self.format!r} is not known; expected one of {', '.join(FORMATS)}", "format")
        try:
            "a".encode(self.encoding)
        except (LookupError, ValueError):
            raise SettingsError(f"{self.encoding!r} is not known; expected for example utf-8", "encoding") from None
        if self.skipped_file and not self.skip_bad:
            raise SettingsError("no record is skipped without --skip-bad; give both options or neither", "skipped_file")

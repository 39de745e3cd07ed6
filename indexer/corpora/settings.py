"""The settings of reading a corpus: its format, its columns, and whether bad records are skipped."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

FORMATS = (
    *("auto", "beir", "jsonl", "json", "csv", "tsv", "parquet", "folder", "text", "markdown", "html", "pdf", "trec"),
    *("ir_datasets", "nanobeir"),
)
ID_FIELDS = ("_id", "id", "doc_id", "docid", "docno")
TITLE_FIELDS = ("title",)
TEXT_FIELDS = ("text", "body", "content", "contents", "passage")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""Names of what separates the fields of a table; a single character is its own name."""


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """How a corpus is read; raises SettingsError on an unknown format, delimiter or encoding."""

    format: str = setting(
        "auto",
        "The format of the source; auto recognizes it by the name, by the first bytes, or by the files of a folder.",
        choices=FORMATS,
    )
    id_field: str | None = setting(
        None,
        f"The column or key with the id; by default the first that exists of {', '.join(ID_FIELDS)} and other usual "
        "names.",
    )
    title_field: str | None = setting(
        None, "The column or key with the title; by default title or another usual name, if it exists."
    )
    text_field: str | None = setting(
        None,
        f"The column or key with the text, or several separated by commas (joined by line breaks); by default the "
        f"first that exists of {', '.join(TEXT_FIELDS)} and other usual names.",
    )
    fields: str | None = setting(
        None, "The other columns or keys to keep, separated by commas; by default all, '' for none."
    )
    columns: str | None = setting(
        None, "The names of the columns of a CSV or TSV file without a header row, such as id,title,text."
    )
    delimiter: str | None = setting(
        None,
        f"What separates the fields of a CSV or TSV file: {', '.join(DELIMITERS)}, or a character; by default "
        "recognized for CSV, and a tab for TSV.",
    )
    root: str | None = setting(
        None,
        "The folder below which the files are: the id of a file that is one document is its path in it; by default the "
        "path in the folder that is read, and for a single file its name.",
    )
    encoding: str = setting(
        "utf-8", "The encoding of text files, such as cp1252; a UTF-16 file with a byte order mark needs none."
    )
    skip_bad: bool = setting(False, "Leave out bad records and count them, instead of stopping at the first one.")
    skipped_file: str | None = setting(
        None, "If bad records are left out: write one JSON line for each of them to this file."
    )

    @property
    def delimiter_character(self) -> str | None:
        """The character that separates the fields of a table; None if it is not set."""
        return None if self.delimiter is None else DELIMITERS.get(self.delimiter, self.delimiter)

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
        character = self.delimiter_character
        if character is not None and (len(character) != 1 or character in '"\r\n\0'):
            known = ", ".join(DELIMITERS)
            raise SettingsError(
                f"{self.delimiter!r} is not known; expected one of {known}, or a character", "delimiter"
            )
        if self.skipped_file and not self.skip_bad:
            raise SettingsError("no record is left out without `skip_bad`; set both or neither", "skipped_file")

"""Write a corpus file and read it, with the notes of the reader; a PDF file made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resift.indexer.corpora import CorpusSettings, Reading, read_documents
from resift.retrieval.types import Document


def write(path: Path, content: str | bytes) -> Path:
    """Write `content`, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_with_notes(source: Path | str, **settings: Any) -> tuple[list[Document], list[str]]:
    """Return the documents of `source`, and the notes without the path."""
    reading = Reading()
    documents = list(read_documents(source, CorpusSettings(**settings), reading=reading))
    return documents, [note.removeprefix(f"{source}: ") for note in reading.notes]


def pdf(*pages: str, title: str = "") -> bytes:
    """Return a PDF file with a line of text on each page, as the specification (ISO 32000) describes it."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        resources = "<< /Font << /F1 3 0 R >> >>"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /Resources {resources} /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    objects.append(f"<< /Title ({title}) >>")
    out, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return f"{out}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("latin-1")

"""Read the text of a PDF file with pypdf."""

from __future__ import annotations

import io
import logging

from resift.retrieval.errors import CorpusError
from resift.retrieval.extras import install_line
from resift.retrieval.text import error_line
from resift.retrieval.wording import counted

_LOGGERS = ("pypdf", "pypdf._reader")


def read_pdf(raw: bytes) -> tuple[str, str, str]:
    """Return the title and the text of the PDF file `raw`, its pages separated by blank lines, and a note.

    The note says how many pages have no text, "" if all have one.

    Raises ValueError with the problem if it is encrypted, damaged or has no text, and CorpusError if pypdf is not
    installed.
    """
    try:
        from pypdf import PdfReader
        from pypdf.errors import FileNotDecryptedError
    except ImportError:
        raise CorpusError(f"pypdf, which reads PDF files, is not installed: {install_line('pdf')}") from None
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it logs each small fault of a file
    try:
        reader = PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise FileNotDecryptedError
        pages = [page.extract_text().strip() for page in reader.pages]
        title = str((reader.metadata.title if reader.metadata else None) or "").strip()
    except FileNotDecryptedError:
        raise ValueError("is encrypted; expected a PDF file that opens without a password") from None
    except RecursionError:
        raise ValueError("cannot be read as PDF (nested too deep); is the file complete?") from None
    except Exception as error:  # pypdf's own, and KeyError, TypeError … of files that break the format
        reason = error_line(error)
        raise ValueError(f"cannot be read as PDF ({reason}); is the file complete?") from None
    text = "\n\n".join(page for page in pages if page)
    if not text:
        raise ValueError("has no text; is it a scan? recognize its text first (OCR)")
    unread = sum(not page for page in pages)
    note = f"{unread} of {counted(len(pages), 'page')} without text (scans?)" if unread else ""
    return title, text, note

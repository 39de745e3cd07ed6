"""The log on standard error: lines for a person, or one JSON object per line for programs."""

from __future__ import annotations

import atexit
import json
import logging
import queue
import sys
import threading
import time
from logging.handlers import QueueHandler, QueueListener
from typing import Any

NAME = "resift.service"
"""The logger of the service; `extra={"facts": {...}}` adds members to a line."""


OTHERS = ("resift.proxy", "resift.experiments", "resift.rerank.plugin")
"""Loggers of other parts, which write to the same log."""


MOST_LINES = 10_000
"""Lines that wait to be written, at most; the others are dropped, so that a log that nobody reads stops nothing."""


_LISTENERS: list[QueueListener] = []


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, event, and the facts of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {"time": f"{moment}.{int(record.msecs):03d}Z", "level": record.levelname.lower()}
        line["event"] = record.getMessage()
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


class PlainLines(logging.Formatter):
    """One line for a person: the time, the event and its facts as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        facts = " ".join(f"{name}={_plain(value)}" for name, value in getattr(record, "facts", {}).items())
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        line = f"{moment} {level}{record.getMessage()} {facts}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def start_log(form: str, quiet: bool = False) -> logging.Logger:
    """Return the service's logger, which writes to standard error in the form "text", "json" or "auto".

    `quiet`: only warnings and errors are written.
    """
    writer = logging.StreamHandler(sys.stderr)
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    writer.setFormatter(JsonLines() if as_json else PlainLines())
    handler = _Dropping(queue.Queue(MOST_LINES))
    listener = QueueListener(handler.queue, writer)
    listener.start()
    atexit.register(end_log)
    _LISTENERS.append(listener)
    for name in (NAME, *OTHERS, "uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        # uvicorn warns of every request that is not HTTP, so that anyone could fill the log
        own = name == NAME or name in OTHERS
        logger.setLevel(logging.ERROR if not own else logging.WARNING if quiet else logging.INFO)
    return logging.getLogger(NAME)


class _Dropping(QueueHandler):
    """Gives lines to the thread that writes them, and drops them while that is too far behind."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return the record as it is: it is formatted by the thread that writes it."""
        return record

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as in logging
        """Drop the record: a log that nobody reads must not stop the service."""


def end_log() -> bool:
    """Write the lines that wait, for a second at most; returns whether all were written."""
    written = True
    while _LISTENERS:
        thread = threading.Thread(target=_LISTENERS.pop().stop, daemon=True)
        thread.start()
        thread.join(1.0)
        written = written and not thread.is_alive()
    return written


def _plain(value: object) -> str:
    text = str(value)
    shown = text.isprintable() and not any(character in text for character in ' "=')
    return text if text and shown else json.dumps(text, ensure_ascii=True)

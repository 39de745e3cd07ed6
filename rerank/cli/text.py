"""Make text safe to show: one line, no control characters, valid UTF-8."""

from __future__ import annotations

from resift.retrieval.text import one_line as plain

__all__ = ["plain"]

"""Cut a field of a document to its budget of tokens, by the model's own tokenizer where it is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

BYTES_PER_TOKEN = 4
"""Bytes of UTF-8 per token: 4 to 5 in English, and 2 to 4 in most other languages."""

Cut = Callable[[str, int], str]
"""Takes a text and a number of tokens, and returns the beginning of the text with at most as many."""

_BLANK = re.compile(r"\s+\S*\Z")


def cut_by_size(text: str, tokens: int) -> str:
    """Return the beginning of `text` with about `tokens` tokens by its size in UTF-8, cut between two words.

    It is used where the tokenizer of the model is not known, as behind an address.

    >>> cut_by_size("Reset your password", 3)
    'Reset your'
    """
    most = tokens * BYTES_PER_TOKEN
    if len(text) * 4 <= most or len(text.encode("utf-8", "surrogatepass")) <= most:
        return text
    kept = text[:most].encode("utf-8", "surrogatepass")[:most].decode("utf-8", "ignore")
    if text[len(kept)].isspace():
        return kept.rstrip()
    whole = _BLANK.sub("", kept)
    return whole if whole else kept


def cut_of(scorer: object) -> Cut:
    """Return how texts are cut for `scorer`: by its method `beginning` if it has one, else by `cut_by_size`."""
    own = getattr(scorer, "beginning", None)
    return cast(Cut, own) if callable(own) else cut_by_size


def cut_by_model(name: str, settings: Any = None) -> Cut:  # noqa: ANN401 - ScorerSettings, which is not imported yet
    """Return how texts are cut for the model `name`, without loading its weights; `settings` are those of its scorer.

    The tokenizer is read when a text is cut for the first time. Where the model is behind an address or has no
    tokenizer, texts are cut by `cut_by_size`.
    """
    return _LazyCut(name, settings)


class _LazyCut:
    """Reads the tokenizer of a model when it is needed first."""

    def __init__(self, name: str, settings: Any) -> None:  # noqa: ANN401
        self._name, self._settings, self._cut = name, settings, cast(Cut | None, None)

    def __call__(self, text: str, tokens: int) -> str:
        """Return the beginning of `text` with at most `tokens` tokens. Raises ModelError."""
        if self._cut is None:
            self._cut = self._load()
        return self._cut(text, tokens)

    def _load(self) -> Cut:
        from functools import partial

        from resift.rerank.scorers.lookup import open_folder
        from resift.rerank.scorers.registry import NO_MODEL
        from resift.rerank.scorers.server_address import is_address
        from resift.rerank.scorers.settings import ScorerSettings
        from resift.rerank.scorers.text_beginning import text_beginning
        from resift.rerank.scorers.tokenizer_file import load_tokenizer

        if self._name == NO_MODEL or is_address(self._name):
            return cut_by_size
        tokenizer = load_tokenizer(open_folder(self._name, self._settings or ScorerSettings()))
        tokenizer.no_truncation()
        return partial(text_beginning, tokenizer)

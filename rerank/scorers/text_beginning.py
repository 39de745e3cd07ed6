"""The beginning of a text, cut between two tokens of a model's tokenizer."""

from __future__ import annotations

from tokenizers import Tokenizer

from resift.rerank.scorers.encoding import MAX_CHARACTERS_PER_TOKEN, UNTRUSTED_TOKENS
from resift.retrieval.text import clean

_CHARACTERS = 6  # of a text that are tokenized first, per token; English has 4 to 5


def text_beginning(tokenizer: Tokenizer, text: str, tokens: int) -> str:
    """Return the beginning of `text` with at most `tokens` tokens of `tokenizer`, special tokens not counted.

    It ends where its last token does, without white space behind it; a text that is short enough is returned as it is.
    The truncation of `tokenizer` is to be switched off, as `PairEncoder` does it. Only as much of the text is tokenized
    as is needed.
    """
    if text.isascii() and len(text) < tokens:  # a token has a character or more of such a text
        return text
    reach = _CHARACTERS * (tokens + UNTRUSTED_TOKENS)
    furthest = MAX_CHARACTERS_PER_TOKEN * (tokens + UNTRUSTED_TOKENS)
    while True:
        # of a part of a text the last tokens are not trusted: its end may be inside a word
        encoding = tokenizer.encode(clean(text[:reach]), add_special_tokens=False)
        whole = reach >= len(text)
        if whole and len(encoding) <= tokens:
            return text
        if whole or reach >= furthest or len(encoding) > tokens + UNTRUSTED_TOKENS:
            return text[: _end(encoding.offsets, tokens)].rstrip()
        reach = min(4 * reach, furthest)


def _end(offsets: list[tuple[int, int]], tokens: int) -> int:
    """Return the character at which the first `tokens` tokens end, or fewer if the last of them share a character.

    Tokens of single bytes share the character that these bytes are.
    """
    last = min(tokens, len(offsets))
    while 0 < last < len(offsets) and offsets[last][0] < offsets[last - 1][1]:
        last -= 1
    return offsets[last - 1][1] if last else 0

"""Read the tokenizer of a model's folder without transformers: tokenizer.json, or the word list of a BERT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.predictor import one_line

TOKENIZER, WORDS = "tokenizer.json", "vocab.txt"
"""The file that describes a tokenizer as a whole, and the list of a BERT's word pieces, which has half its size."""

_SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"} | {
    "mask_token": "[MASK]"
}
_WORD_PIECES = frozenset({"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"})
_LONGEST_WORD = 100  # characters; a longer word is unknown, as in transformers


def load_tokenizer(folder: ModelFolder) -> Tokenizer:
    """Return the tokenizer of tokenizer.json, or that of vocab.txt if there is only this one, as transformers reads it.

    Raises ModelError if neither exists, or the file cannot be read, or vocab.txt is not of a BERT.
    """
    for name, read in ((TOKENIZER, _whole), (WORDS, _of_words)):
        if (folder.path / name).is_file():
            try:
                return read(folder)
            except Exception as error:  # the tokenizers library raises bare Exception
                raise folder.error(f"{name} cannot be read; download it again: {one_line(error)}") from error
    raise folder.error(f"the folder has no {TOKENIZER}; save the model with a fast tokenizer")


def word_list(tokenizer: Tokenizer, folder: ModelFolder) -> str | None:
    """Return the contents of a vocab.txt from which `load_tokenizer` makes the same tokenizer; None if it cannot.

    `folder` has the settings of the tokenizer besides.
    """
    numbers = tokenizer.get_vocab(with_added_tokens=True)
    words = sorted(numbers, key=numbers.__getitem__)
    if sorted(numbers.values()) != list(range(len(words))) or any("\n" in word or "\r" in word for word in words):
        return None
    try:
        same = _word_pieces(words, folder).to_str() == tokenizer.to_str()
    except Exception:  # the tokenizers library raises bare Exception
        return None
    return "".join(f"{word}\n" for word in words) if same else None


def _whole(folder: ModelFolder) -> Tokenizer:
    return Tokenizer.from_file(str(folder.path / TOKENIZER))


def _of_words(folder: ModelFolder) -> Tokenizer:
    kind = str(folder.tokenizer.get("tokenizer_class") or "BertTokenizer")
    if kind.removesuffix("Fast") not in _WORD_PIECES:
        raise ValueError(f"a {kind} needs {TOKENIZER}")
    text = (folder.path / WORDS).read_text(encoding="utf-8")
    return _word_pieces(text.removesuffix("\n").split("\n"), folder)


def _word_pieces(words: Iterable[str], folder: ModelFolder) -> Tokenizer:
    """Return the tokenizer of a BERT with the pieces `words`, whose numbers are their places.

    Raises KeyError if a special token is not among them.
    """
    numbers = {word.rstrip("\r"): number for number, word in enumerate(words)}
    given = folder.tokenizer
    special = {name: _content(given.get(name)) or token for name, token in _SPECIAL.items()}
    accents = given.get("strip_accents")
    unknown, first, last = special["unk_token"], special["cls_token"], special["sep_token"]
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token=unknown, max_input_chars_per_word=_LONGEST_WORD))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=bool(given.get("tokenize_chinese_chars", True)),
        strip_accents=accents if isinstance(accents, bool) else None,
        lowercase=bool(given.get("do_lower_case", True)),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first}:0 $A:0 {last}:0",
        pair=f"{first}:0 $A:0 {last}:0 $B:1 {last}:1",
        special_tokens=[(token, numbers[token]) for token in (first, last)],
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in special.values() if token in numbers]
    )
    return tokenizer


def _content(token: object) -> str:
    """Return the text of a special token, which older files describe by an object."""
    return str(token.get("content") or "") if isinstance(token, Mapping) else str(token or "")

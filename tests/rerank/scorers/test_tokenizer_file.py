"""A BERT's tokenizer is the same from its list of words as from tokenizer.json; transformers is the oracle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from resift.rerank.scorers.model_folder import ModelFolder, read_folder
from resift.rerank.scorers.tokenizer_file import load_tokenizer, word_list
from resift.retrieval.errors import ModelError

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "soup",
    "red",
    "Red",
    "caf",
    "##e",
    "##\u00e9",
    "a",
    "##b",
]
WORDS += ["##c", "-", ".", "\u4e2d", "\u6587", "na", "##i", "##ve", "x", "##x"]


def write_folder(folder: Path, words: list[str] | None = None, **settings: Any) -> ModelFolder:
    """Write a folder with a vocab.txt and no tokenizer.json, and return it."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "num_labels": 1}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"} | settings))
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words or WORDS), encoding="utf-8")
    return read_folder(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"tokenize_chinese_chars": False},
        {"unk_token": {"__type": "AddedToken", "content": "[UNK]", "special": True}},
    ],
)
def test_a_list_of_words_gives_the_tokens_of_transformers(settings: dict[str, Any], tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", **settings)
    ours, theirs = load_tokenizer(folder), AutoTokenizer.from_pretrained(tmp_path / "model")
    for query, text in (
        ("Red caf\u00e9 soup", "the na\u00efve \u4e2d\u6587 abc."),
        ("[MASK] x", "unknown " + "x" * 101),
    ):
        made, wanted = ours.encode(query, text), theirs(query, text)
        assert made.ids == wanted["input_ids"]
        assert made.type_ids == wanted["token_type_ids"]


@given(st.lists(st.sampled_from(["Red", "soup", "caf\u00e9", "cafe\u0301", "abc", "\u4e2d", "[SEP]", "\u00ad", "q-x"])))
def test_random_texts_have_the_same_tokens(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    folder = write_folder(tmp_path_factory.getbasetemp() / "words")
    ours, theirs = load_tokenizer(folder), AutoTokenizer.from_pretrained(folder.path)
    assert ours.encode(" ".join(words)).ids == theirs(" ".join(words))["input_ids"]


def test_the_list_that_is_written_gives_the_same_tokenizer(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model")
    tokenizer = load_tokenizer(folder)
    assert word_list(tokenizer, folder) == (folder.path / "vocab.txt").read_text(encoding="utf-8")
    lowered = write_folder(tmp_path / "cased", do_lower_case=False)
    assert word_list(tokenizer, lowered) is None  # its settings would make another tokenizer


@pytest.mark.parametrize(
    ("words", "settings", "expected"),
    [
        (["a", "b"], {}, "vocab.txt cannot be read"),
        (WORDS, {"tokenizer_class": "GPT2Tokenizer"}, "a GPT2Tokenizer needs tokenizer.json"),
    ],
)
def test_a_list_that_is_no_bert_s_is_refused(
    words: list[str], settings: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=expected):
        load_tokenizer(write_folder(tmp_path / "model", words, **settings))

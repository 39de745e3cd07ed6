"""Encoded pairs equal the tokenizer's own; only documents are truncated; each text is tokenized once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Encoding, Tokenizer, processors

from resift.rerank.scorers.encoding import PairEncoder
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.text import clean
from tests.rerank.scorers.small_models import FAMILIES, make_tokenizer, sentences

TEXTS = [
    *sentences(30, seed=9),
    "",
    " ",
    "cat",
    "a  b",
    "[SEP] </s> <mask>",
    "猫" * 50,
    "e\u0301" * 9,
    "x" * 300,
    "\x00",
]
ENCODERS = {family: PairEncoder(make_tokenizer(family), 48) for family in FAMILIES}
OWN = {family: make_tokenizer(family) for family in FAMILIES}


def ids_of(encoder: PairEncoder, query: str, document: str) -> tuple[list[int], list[int]]:
    batch = encoder.pad(encoder.encode([(query, document)]), np.array([0]))
    return batch["input_ids"][0].tolist(), batch["token_type_ids"][0].tolist()


def kept(encoder: PairEncoder, query: str, document: str) -> tuple[int, int, bool, bool]:
    """Return the kept tokens of the query and of the document, and whether document and query were truncated."""
    encoded = encoder.encode([(query, document)])
    lengths = int(encoded.query_lengths[0]), int(encoded.document_lengths[0])
    return *lengths, bool(encoded.truncated[0]), bool(encoded.query_truncated[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_pairs_equal_the_tokenizers_own_encoding_with_only_the_document_truncated(family: str) -> None:
    own = OWN[family]
    own.enable_truncation(48, strategy="only_second")
    for document in TEXTS:
        whole = own.encode("cat food", document)
        assert ids_of(ENCODERS[family], "cat food", document) == (whole.ids, whole.type_ids), document


@pytest.mark.parametrize("family", FAMILIES)
def test_every_pair_of_a_batch_is_padded_with_the_padding_id_and_masked(family: str) -> None:
    encoder = PairEncoder(make_tokenizer(family), 48, pad_id=1)
    pairs = [("cat", text) for text in TEXTS]
    encoded = encoder.encode(pairs)
    batch = encoder.pad(encoded, np.arange(len(pairs)))
    for row, (query, document) in enumerate(pairs):
        ids, types = ids_of(encoder, query, document)
        padding = batch["input_ids"].shape[1] - len(ids)
        assert batch["input_ids"][row].tolist() == ids + [1] * padding
        assert batch["token_type_ids"][row].tolist() == types + [0] * padding
        assert batch["attention_mask"][row].tolist() == [1] * len(ids) + [0] * padding


def words(count: int) -> str:
    return " ".join(["cat"] * count)


def test_only_the_document_is_truncated_if_the_query_leaves_enough_tokens() -> None:
    assert kept(ENCODERS["bert"], words(10), words(100)) == (10, 35, True, False)
    assert kept(ENCODERS["bert"], words(33), words(100)) == (33, 12, True, False)


def test_a_document_that_just_fits_is_not_reported_as_truncated() -> None:
    assert kept(ENCODERS["bert"], words(10), words(35)) == (10, 35, False, False)
    assert kept(ENCODERS["bert"], words(10), words(36)) == (10, 35, True, False)


def test_a_query_that_fills_the_window_is_truncated_to_leave_a_quarter_of_it() -> None:
    assert kept(ENCODERS["bert"], words(100), words(100)) == (33, 12, True, True)


def test_a_query_is_truncated_only_as_far_as_a_short_document_needs() -> None:
    assert kept(ENCODERS["bert"], words(100), words(3)) == (42, 3, False, True)
    assert kept(ENCODERS["bert"], words(42), words(3)) == (42, 3, False, False)
    assert kept(ENCODERS["bert"], words(100), "") == (45, 0, False, True)


def test_a_very_long_query_leaves_64_tokens_of_a_large_window() -> None:
    encoder = PairEncoder(make_tokenizer("bert"), 512)
    assert kept(encoder, words(600), words(600)) == (445, 64, True, True)


@given(st.integers(0, 120), st.integers(0, 120), st.integers(5, 60))
def test_a_pair_never_exceeds_the_window_and_is_truncated_only_if_necessary(
    query: int, document: int, window: int
) -> None:
    encoder = PairEncoder(OWN_BERT, window)
    of_query, of_document, cut, query_cut = kept(encoder, words(query), words(document))
    assert of_query + of_document + 3 <= window
    assert (cut, query_cut) == (of_document < document, of_query < query)
    if cut or query_cut:
        assert of_query + of_document + 3 == window
    if query_cut:
        assert of_document <= max(1, window // 4)


OWN_BERT = make_tokenizer("bert")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_characters_read_are_those_of_the_kept_tokens_by_the_tokenizers_own_offsets(family: str) -> None:
    own = make_tokenizer(family)
    texts = [*TEXTS, " ".join(sentences(60, seed=4)), "猫 e\u0301 " * 900, "a\ud800b " * 900, "x" * 9000]
    encoded = ENCODERS[family].encode([(query, text) for text in texts for query in ("cat", "cat food " * 30)])
    for row, text in enumerate(text for text in texts for _ in range(2)):
        offsets = own.encode(clean(text), add_special_tokens=False).offsets[: encoded.document_lengths[row]]
        expected = max((end for _, end in offsets), default=0) if encoded.truncated[row] else len(text)
        assert encoded.read_characters[row] == expected, text[:20]


def test_a_window_too_small_for_two_tokens_of_text_is_refused() -> None:
    assert PairEncoder(make_tokenizer("bert"), 5).content == 2
    with pytest.raises(SettingsError, match="max_length"):
        PairEncoder(make_tokenizer("bert"), 4)


def test_a_tokenizer_that_puts_the_document_first_is_refused() -> None:
    tokenizer = make_tokenizer("bert")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A", pair="[CLS] $B [SEP] $A", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    with pytest.raises(ModelError, match="mine: its tokenizer"):
        PairEncoder(tokenizer, 48, name="mine")


class CountingTokenizer:
    """Passes calls on to a tokenizer and keeps the texts that it was given."""

    def __init__(self) -> None:
        self.own, self.texts, self.longest = make_tokenizer("bert"), list[str](), 0

    def encode_batch(self, texts: Sequence[str], add_special_tokens: bool) -> list[Encoding]:
        self.texts += texts
        return list(self.own.encode_batch(texts, add_special_tokens=add_special_tokens))

    def encode(self, text: str, pair: str | None = None, *, add_special_tokens: bool = True) -> Encoding:
        self.texts += [] if pair else [text]
        self.longest = max(self.longest, len(text))
        return self.own.encode(text, pair, add_special_tokens=add_special_tokens)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.own, name)


def counting() -> tuple[CountingTokenizer, PairEncoder]:
    tokenizer = CountingTokenizer()
    return tokenizer, PairEncoder(tokenizer, 48)  # type: ignore[arg-type]


def test_a_query_with_a_hundred_documents_is_tokenized_once() -> None:
    tokenizer, encoder = counting()
    documents = [f"document {number}" for number in range(100)]
    encoder.encode([("cat food", document) for document in documents * 2])
    assert tokenizer.texts == ["cat food", *documents]


def test_a_truncated_document_is_tokenized_once_too() -> None:
    tokenizer, encoder = counting()
    short, long = words(100), words(400)
    encoded = encoder.encode([("cat", short), ("cat food", short), ("cat", long)])
    assert encoded.truncated.all() and encoded.read_characters.tolist() == [175, 171, 175]
    assert tokenizer.texts == ["cat", "cat food", short, long[: 10 * 48]]


def test_a_megabyte_of_text_is_read_only_as_far_as_the_window_needs() -> None:
    tokenizer, encoder = counting()
    encoder.encode([("cat", "the river stone, " * 100_000)])
    assert tokenizer.longest <= 10 * 48


@pytest.mark.parametrize("family", FAMILIES)
def test_a_long_text_gives_the_ids_of_the_whole_text(family: str) -> None:
    encoder = ENCODERS[family]
    joined = " ".join(sentences(60, seed=4))
    for text in (joined, joined.replace(" ", "   "), " " * 3000 + joined, "x" * 2500 + " " + joined, "猫" * 5000):
        for shift in range(12):  # so that reading stops at every position of a word
            moved = "z" * shift + text
            whole = OWN[family].encode(moved, add_special_tokens=False).ids if _whole(family) else []
            assert encoder.tokenize([moved])[0][0].tolist() == whole[: encoder.content + 1], (text[:20], shift)


@pytest.mark.parametrize("cut", ["feeding", "[SEP]", "don't", "读猫", "e\u0301e\u0301"])
@pytest.mark.parametrize("before", [6, 7, 8, 9])
def test_a_word_that_the_first_part_splits_is_read_whole(cut: str, before: int) -> None:
    encoder = PairEncoder(OWN_BERT, 12)  # 9 tokens of content; the first 120 characters are read first
    for start in range(112, 121):
        text = ("cat " * before).ljust(start) + f"{cut} market " * 20
        whole = OWN_BERT.encode(text, add_special_tokens=False).ids
        assert encoder.tokenize([text])[0][0].tolist() == whole[: encoder.content + 1], start


def _whole(family: str) -> bool:
    OWN[family].no_truncation()
    return True


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=400, max_size=1500), st.sampled_from(FAMILIES))
def test_any_long_text_gives_the_ids_of_the_whole_text(text: str, family: str) -> None:
    encoder = PairEncoder(OWN[family], 12)
    whole = OWN[family].encode(clean(text), add_special_tokens=False).ids
    assert encoder.tokenize([text])[0][0].tolist() == whole[: encoder.content + 1]


def test_a_long_text_that_ends_in_spaces_is_not_reported_as_truncated() -> None:
    assert kept(ENCODERS["bert"], "cat", "dog" + " " * 40_000) == (1, 1, False, False)


def test_reading_stops_in_a_text_that_never_fills_the_window_and_reports_it_as_truncated() -> None:
    tokenizer, encoder = counting()
    encoded = encoder.encode([("cat", "x" * 1_000_000), ("x" * 1_000_000, "cat"), ("cat", "dog")])
    assert tokenizer.longest == 1000 * 48
    assert (encoded.truncated.tolist(), encoded.query_truncated.tolist()) == (
        [True, False, False],
        [False, True, False],
    )


def test_lone_surrogates_are_read_as_the_replacement_character() -> None:
    assert clean("a\ud800b\udfff") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    broken = ids_of(ENCODERS["roberta"], "cat \ud83d", "dog \udc00 food")
    assert broken == ids_of(ENCODERS["roberta"], "cat \ufffd", "dog \ufffd food")


def test_eight_threads_that_share_a_tokenizer_get_the_same_ids_as_one() -> None:
    encoder = ENCODERS["bert"]
    jobs = [[(query, text) for text in sentences(40, seed)] for seed in range(24) for query in sentences(1, seed + 100)]

    def lengths(pairs: list[tuple[str, str]]) -> list[int]:
        encoded = encoder.encode(pairs)
        return list(encoder.pad(encoded, np.arange(len(pairs)))["input_ids"].sum(axis=1))

    alone = [lengths(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lengths, jobs)) == alone


def test_the_truncation_and_padding_of_the_tokenizer_are_switched_off() -> None:
    tokenizer: Tokenizer = make_tokenizer("bert")
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=40)
    assert kept(PairEncoder(tokenizer, 48), words(10), words(20)) == (10, 20, False, False)

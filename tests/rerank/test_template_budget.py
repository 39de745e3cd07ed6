"""A field has at most as many tokens as its budget, by the tokenizer of the model that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.text_beginning import text_beginning
from resift.rerank.scorers.tokenizer_file import load_tokenizer
from resift.rerank.settings import RerankSettings
from resift.rerank.template import Template
from resift.rerank.template_budget import cut_by_model, cut_by_size, cut_of
from resift.retrieval.types import Document
from tests.rerank.ranked import ranking

TEXTS = [
    "Reset your password within one minute, on the sign-in page!",
    "Donaudampfschifffahrtsgesellschaft und Kraftfahrzeughaftpflichtversicherung",
    "猫は一日中寝ています。犬は公園で走ります。",
    "naïve café — “quotes” … €100 😀😀 end",
    "https://example.com/a/very/long/path?with=parameters&and=more#fragment",
    "\ud800 a lone surrogate, and\u200bsome\u00adsigns",
    "word " * 3000,
    "x" * 5000,
    " \n" * 4000 + "behind the blanks",
]


def tokenizer(model: str = "default") -> Tokenizer:
    found = load_tokenizer(open_folder(model, ScorerSettings()))
    found.no_truncation()
    return found


@pytest.mark.parametrize("tokens", [1, 2, 5, 32])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_the_beginning_has_the_first_tokens_of_the_text(text: str, tokens: int) -> None:
    own = tokenizer()
    cut = text_beginning(own, text, tokens)
    whole = own.encode(text.replace("\ud800", "\ufffd"), add_special_tokens=False)
    kept = own.encode(cut.replace("\ud800", "\ufffd"), add_special_tokens=False)
    assert text.startswith(cut) and kept.ids == whole.ids[:tokens]


def test_a_text_within_its_budget_stays_as_it_is() -> None:
    assert text_beginning(tokenizer(), "  two words ", 2) == "  two words "


def test_a_character_of_several_tokens_is_read_whole_or_not_at_all() -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_alone = Tokenizer(models.BPE({one: place for place, one in enumerate(alphabet)}, []))
    bytes_alone.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytes_alone.decoder = decoders.ByteLevel()
    assert [text_beginning(bytes_alone, "a😀b", tokens) for tokens in (1, 2, 4, 5, 6)] == ["a", "a", "a", "a😀", "a😀b"]


def test_the_size_decides_where_the_tokenizer_is_not_known() -> None:
    assert cut_by_size("Reset your password within a minute", 3) == "Reset your"
    assert cut_by_size("Reset your password", 5) == "Reset your password"
    assert cut_by_size("猫は一日中寝ています", 3) == "猫は一日"
    assert cut_by_size("\ud800" * 20, 1) == "" or len(cut_by_size("\ud800" * 20, 1)) <= 2
    assert cut_of(object()) is cut_by_size
    assert cut_by_model("http://localhost:1")("Reset your password", 3) == "Reset your"


def test_the_models_own_tokenizer_cuts_what_it_reads() -> None:
    scorer = load_scorer("resift-tiny")
    text = "Kraftfahrzeughaftpflichtversicherung is insurance"
    [result] = Reranker(scorer, RerankSettings(template="{text:4}")).rerank([ranking(("d", text, 1.0))])
    expected = text_beginning(tokenizer("resift-tiny"), text, 4)
    assert expected != cut_by_size(text, 4)
    assert result.template.read(Document("d", text)).text == expected
    assert result.logits == {"d": float(scorer.score([("cat food", expected)]).logits[0])}


def test_a_budget_is_cut_by_the_files_of_a_model_as_by_the_model(tmp_path: Path) -> None:
    by_name = Template("{title:2} {text:3}", cut=cut_by_model("resift-tiny"))
    by_scorer = Template("{title:2} {text:3}", cut=cut_of(load_scorer("resift-tiny")))
    document = Document("d", "unbelievable stories of cats", title="A very long title")
    assert by_name.render(document) == by_scorer.render(document)
    assert by_name == by_scorer  # how a text is cut is the model's, not the template's


class FourCharacters:
    """A scorer that reads 40 characters of a text, and has a token for each four of them."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def beginning(self, text: str, tokens: int) -> str:
        return text[: 4 * tokens]

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.read += [text for _, text in pairs]
        lengths = np.array([len(text) for _, text in pairs])
        no = np.zeros(len(pairs), dtype=bool)
        return Scores(np.zeros(len(pairs), dtype=np.float32), lengths > 40, no, np.minimum(lengths, 40))


def test_the_head_of_every_passage_is_the_title_within_its_budget() -> None:
    scorer = FourCharacters()
    hits = ranking(("d", "", 1.0))
    document = Document("d", "one two three four five six seven eight nine ten", title="A long title")
    hits = type(hits).of(hits.query, [type(hits.hits[0])(document, 1.0)])
    Reranker(scorer, RerankSettings(template="{title:1}: {text}", passages=3)).rerank([hits])
    assert scorer.read[0] == f"A lo: {document.text}"
    assert len(scorer.read) > 1 and all(text.startswith("A lo: ") for text in scorer.read)


def test_a_budget_of_the_text_ends_the_passages() -> None:
    scorer = FourCharacters()
    text = "one two three four five six seven eight nine ten eleven twelve"
    Reranker(scorer, RerankSettings(template="{text:12}", passages=9)).rerank([ranking(("d", text, 1.0))])
    assert scorer.read[0] == text[:48] and all(part in text[:48] for part in scorer.read)

"""The words that mattered: exact effects with a scorer that counts words, bounds, places, and the model of the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from resift.rerank.explained_passage import ExplainedPassage
from resift.rerank.occlusion import WordEffects, explain_words, word_spans
from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.load import load_scorer
from resift.retrieval.errors import ModelError, SettingsError


class Common:
    """A scorer whose logit is the number of words of the text that the query has too; it reads `reach` characters."""

    def __init__(self, reach: int = 10**9) -> None:
        self.reach, self.batches = reach, list[list[Pair]]()

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.batches.append(list(pairs))
        seen = [(asked(query), asked(text[: self.reach])) for query, text in pairs]
        logits = np.array([sum(word in query for word in text) for query, text in seen], dtype=np.float32)
        read = np.array([min(len(text), self.reach) for _, text in pairs])
        cut = np.array([len(text) > self.reach for _, text in pairs])
        return Scores(logits, cut, np.zeros(len(pairs), dtype=bool), read)


def asked(text: str) -> list[str]:
    return [text[start:end].lower() for start, end in word_spans(text)]


def shown(found: WordEffects) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Return the words with their effects, of the passage and of the query."""
    passage, query = ([(one.word, one.effect) for one in side] for side in (found.passage, found.query))
    return passage, query


def test_each_word_has_the_difference_that_it_makes_and_the_largest_is_first() -> None:
    found = explain_words(Common(), "Cats eat fish", "Dogs bark; cats like cats, and fish.")
    assert shown(found) == (
        [("cats", 1.0), ("cats", 1.0), ("fish", 1.0), ("Dogs", 0.0), ("bark", 0.0), ("like", 0.0), ("and", 0.0)],
        [("Cats", 2.0), ("fish", 1.0), ("eat", 0.0)],
    )
    assert found.missing is None


def test_a_word_that_speaks_against_the_hit_has_a_negative_effect() -> None:
    class Against(Common):
        def score(self, pairs: Sequence[Pair]) -> Scores:
            scores = super().score(pairs)
            return Scores(-3 * scores.logits, scores.truncated, scores.query_truncated)

    assert shown(explain_words(Against(), "a b", "x b y"))[0] == [("b", -3.0), ("x", 0.0), ("y", 0.0)]


def test_all_variants_are_scored_in_one_batch_and_leave_no_double_blank() -> None:
    explain_words(scorer := Common(), "red cat", "a cat. It is red")
    whole, variants = scorer.batches
    assert whole == [("red cat", "a cat. It is red")]
    assert variants == [
        ("cat", "a cat. It is red"),
        ("red ", "a cat. It is red"),
        ("red cat", "cat. It is red"),
        ("red cat", "a . It is red"),
        ("red cat", "a cat. is red"),
        ("red cat", "a cat. It red"),
        ("red cat", "a cat. It is "),
    ]


def test_places_are_those_of_the_words_in_their_texts() -> None:
    query, text = "Où est Zoë?", "«Zoë», 3.5 km … où? 🙂 snake_case don't"
    found = explain_words(Common(), query, text)
    assert {one.word for one in found.passage} == {"Zoë", "3.5", "km", "où", "🙂", "snake_case", "don't"}
    assert all(text[one.start : one.end] == one.word for one in found.passage)
    assert all(query[one.start : one.end] == one.word for one in found.query)


def test_words_of_languages_without_spaces_are_left_out_one_by_one() -> None:
    found = explain_words(Common(), "東京", "東京は晴れ。カタカナ")
    assert shown(found)[0][:2] == [("東", 1.0), ("京", 1.0)]
    assert {one.word for one in found.passage} == {"東", "京", "は", "晴", "れ", "カタカナ"}


@pytest.mark.parametrize(("query", "text"), [("cats", "cats"), ("", "cats"), ("cats", ""), ("?", "…")])
def test_a_word_is_not_left_out_if_nothing_would_remain(query: str, text: str) -> None:
    scorer = Common()
    assert explain_words(scorer, query, text) == WordEffects()
    assert scorer.batches == [[(query, text)]]


@pytest.mark.parametrize("count", [129, 1000, 5000])
def test_of_a_long_text_parts_are_left_out_first_and_then_the_words_of_the_strongest(count: int) -> None:
    words = [f"w{n}" for n in range(count)]
    words[count // 3] = "fish"
    text = " ".join(words)
    found = explain_words(scorer := Common(), "fish and chips", text)
    assert sum(map(len, scorer.batches)) <= 129
    best, *others = found.passage
    assert (best.word, best.effect) == ("fish", 1.0) and {one.effect for one in others} == {0.0}
    covered = sorted((one.start, one.end) for one in found.passage)
    assert all(end + 1 == start for (_, end), (start, _) in zip(covered, covered[1:], strict=False))
    assert all(text[one.start : one.end] == one.word for one in found.passage)
    assert (covered[0][0], covered[-1][1]) == (0, len(text))  # no word is missing


@pytest.mark.parametrize("most", [8, 20, 128])
def test_no_more_variants_are_scored_than_were_allowed_even_with_a_long_query(most: int) -> None:
    query = " ".join(f"q{n}" for n in range(300))
    found = explain_words(scorer := Common(), query, "w " * 500 + "q7", most)
    assert sum(map(len, scorer.batches)) <= most + 1
    assert found.query and found.passage and found.passage[0].word.endswith("q7")


def test_of_a_text_that_is_longer_than_the_model_reads_only_what_it_reads_is_explained() -> None:
    found = explain_words(scorer := Common(reach=12), "late fish", "some fish is far behind: late")
    assert [one.word for one in found.passage] == ["fish", "some", "is"]
    assert [text for _, text in scorer.batches[1]][2:] == ["fish is", "some is", "some fish "]


def test_of_a_later_passage_the_places_are_those_in_the_whole_text() -> None:
    rendered = "Title. " + "filler " * 10 + "the fish is here"
    start = rendered.index("the fish")
    passage = ExplainedPassage(rendered[start:], start, len(rendered), len(rendered), head=rendered[:7])
    found = explain_words(Common(), "fish title", passage)
    assert [one.word for one in found.passage[:2]] == ["Title", "fish"]
    assert all(rendered[one.start : one.end] == one.word for one in found.passage)
    assert found.passage[0].start == 0 and found.passage[1].start == rendered.index("fish")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("model", "q", "t"), "'model' is not a scorer"),
        ((Common(), 5, "t"), "5 is not a text"),
        ((Common(), "q", None), "None is neither a text nor the passage"),
        ((Common(), "q", "t", 7), "7 is not a whole number of 8 or more"),
        ((Common(), "q", "t", 12.5), "12.5 is not a whole number"),
        ((Common(), "q", "t", True), "True is not a whole number"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(arguments: Any, part: str) -> None:
    with pytest.raises(SettingsError) as error:
        explain_words(*arguments)
    assert part in str(error.value)


def test_a_scorer_that_returns_too_few_scores_is_refused() -> None:
    class Short(Common):
        def score(self, pairs: Sequence[Pair]) -> Scores:
            return super().score(pairs[:1])

    with pytest.raises(ModelError, match="1 scores for 4 pairs"):
        explain_words(Short(), "a b", "c d")


def test_the_word_that_answers_the_query_has_the_largest_effect_for_the_model_of_the_package() -> None:
    text = "Track your order. The tracking number in the shipping e-mail shows where the parcel is."
    found = explain_words(load_scorer("default"), "when will my parcel arrive", text)
    assert (found.passage[0].word, found.query[0].word) == ("parcel", "parcel")
    assert found.passage[0].effect > 0.5 and found.query[0].effect > 0.5

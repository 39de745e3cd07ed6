"""A document longer than the model reads is read in passages, of which the best one decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from resift.rerank.counts import Counts
from resift.rerank.passages import Passage, score_passages
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings
from resift.rerank.snippets import snippet_of
from resift.rerank.template import RenderedText
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.types import Document, Hit, Query, Ranking

FILLER = "The harbour of the town was built of grey stone, and ships from many lands came to it in summer. "
ANSWER = "To wash wool, use cold water and do not wring it. "
QUERY = "how do I wash wool"
STORY = FILLER * 20 + ANSWER + FILLER * 20


class Reader:
    """Reads `limit` characters of a text; its score is how often they contain an x. Records all texts."""

    def __init__(self, limit: int, reports: bool = True) -> None:
        self.limit, self.reports, self.texts = limit, reports, list[str]()

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.texts += [text for _, text in pairs]
        sizes = np.array([len(text) for _, text in pairs], dtype=np.int64)
        logits = np.array([text[: self.limit].count("x") for _, text in pairs], dtype=np.float32)
        none = np.zeros(len(pairs), dtype=bool)
        return Scores(logits, sizes > self.limit, none, np.minimum(sizes, self.limit) if self.reports else None)


def reranked(text: str, title: str = "", passages: int = 4, query: str = QUERY) -> tuple[Reranker, Ranking]:
    reranker = Reranker(load_scorer(settings=ScorerSettings(max_length=128)), RerankSettings(passages=passages))
    return reranker, Ranking.of(Query("q", query), [Hit(Document("d", text, title), 1.0)])


def test_the_passage_with_the_answer_decides_with_the_score_that_its_text_has_alone() -> None:
    reranker, before = reranked(STORY, passages=20)
    [result] = reranker.rerank([before])
    passage = result.passages["d"]
    assert ANSWER.strip() in STORY[passage.start : passage.end]
    [alone] = reranker.scorer.score([(QUERY, STORY[passage.start : passage.end])]).logits
    assert result.logits["d"] == pytest.approx(float(alone), abs=1e-5)
    [first] = reranker.with_settings(passages=1).rerank([before])
    assert first.logits["d"] < result.logits["d"] - 1.0
    assert (first.truncated, result.truncated) == (1, 0)


def test_a_text_that_fits_is_read_once_and_has_no_passage() -> None:
    reranker, before = reranked(ANSWER)
    [result] = reranker.rerank([before])
    assert result.passages == {}
    assert result.logits["d"] == float(reranker.scorer.score([(QUERY, ANSWER.strip())]).logits[0])


def test_by_default_only_the_beginning_is_read_as_far_as_the_tokenizer_says() -> None:
    reranker, before = reranked(STORY, passages=1)
    [result] = reranker.rerank([before])
    [(_, end)] = [(passage.start, passage.end) for passage in result.passages.values()]
    scores = reranker.scorer.score([(QUERY, STORY[:end]), (QUERY, STORY[: end + 1] + "z"), (QUERY, STORY)])
    assert scores.truncated.tolist() == [False, True, True]
    assert scores.logits[0] == scores.logits[2]
    assert result.logits["d"] == float(scores.logits[2])


def test_passages_overlap_begin_with_whole_words_and_repeat_the_title() -> None:
    words = " ".join(f"w{number:03d}" for number in range(40))  # 199 characters
    reader = Reader(50)
    score_passages(reader, [("q", RenderedText(f"Title {words}", body=6))], passages=3, stride=0.5)
    assert [text[:50] for text in reader.texts] == [
        f"Title {words[:44]}",
        f"Title {words[20:64]}",
        f"Title {words[40:84]}",
    ]


def test_a_title_that_fills_much_of_the_model_is_not_repeated() -> None:
    reader = Reader(20)
    score_passages(reader, [("q", RenderedText("A long title: " + "word " * 10, body=14))], passages=2, stride=1.0)
    assert reader.texts[1] == "word " * 9


@pytest.mark.parametrize("passages", [1, 2, 3, 10])
def test_reading_ends_at_the_end_of_the_text_or_after_the_passages(passages: int) -> None:
    text = "a b c d e f g h i j k l m n o"  # 29 characters; passages of 10 begin at 0, 10 and 20
    scored = score_passages(reader := Reader(10), [("q", RenderedText(text))], passages, stride=1.0)
    assert [seen[:10] for seen in reader.texts] == [text[:10], text[10:20], text[20:]][:passages]
    assert scored.scores.truncated.tolist() == [passages < 3]
    assert scored.passages == [Passage(0, 10, min(10 * passages, 29))]


def test_the_first_of_equal_passages_is_kept_and_each_document_has_its_own() -> None:
    texts = [RenderedText(text) for text in ("x" + "a" * 19, "a" * 10 + "x" + "a" * 9, "short x", "a" * 15 + "xx")]
    scored = score_passages(Reader(10), [("q", text) for text in texts], passages=2, stride=1.0)
    assert scored.scores.logits.tolist() == [1, 1, 1, 2]
    assert scored.passages == [Passage(0, 10, 20), Passage(10, 20, 20), None, Passage(10, 17, 17)]


def test_a_scorer_that_does_not_say_what_it_read_is_given_passages_of_150_words() -> None:
    text = "word " * 300 + "x"
    scored = score_passages(reader := Reader(800, reports=False), [("q", RenderedText(text))], 3, stride=1.0)
    assert [len(seen.split()) for seen in reader.texts] == [301, 150, 1]
    assert scored.scores.logits.tolist() == [1.0]
    assert scored.passages == [Passage(1500, 1501, 1501)]


def test_text_without_spaces_is_cut_between_characters() -> None:
    scored = score_passages(reader := Reader(10), [("q", RenderedText("字" * 25))], passages=9, stride=1.0)
    assert [len(seen) for seen in reader.texts] == [25, 15, 5]
    assert scored.scores.truncated.tolist() == [False]


def test_a_wrong_number_of_scores_is_an_error() -> None:
    class Short(Reader):
        def score(self, pairs: Sequence[Pair]) -> Scores:
            return super().score(pairs[1:])

    with pytest.raises(ModelError, match="0 scores for 1 pairs"):
        score_passages(Short(10), [("q", RenderedText("a"))])


@pytest.mark.parametrize(("name", "value"), [("passages", 0), ("stride", 0.0), ("stride", 1.5)])
def test_settings_that_cannot_be_used_are_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=name):
        RerankSettings(**{name: value})  # type: ignore[arg-type]


def test_the_snippet_is_from_the_passage_that_decided() -> None:
    reranker, before = reranked(FILLER * 4 + "A wool market. " + FILLER * 16 + ANSWER + FILLER * 9, "Town", passages=20)
    [result] = reranker.rerank([before])
    snippet = snippet_of(result, before.hits[0].document, lambda text: text.lower().split())
    assert snippet.read and "wash wool" in snippet.text
    assert snippet.text.startswith("… ") and snippet.text.endswith(" …")


def test_a_snippet_that_the_model_did_not_read_says_so() -> None:
    reranker, before = reranked(STORY, passages=1)
    [result] = reranker.rerank([before])
    snippet = snippet_of(result, before.hits[0].document, lambda text: text.lower().split())
    assert not snippet.read and "wash wool" in snippet.text
    [both] = reranker.rerank([Ranking.of(before.query, [Hit(Document("d", "Some wool. " + STORY), 1.0)])])
    assert snippet_of(both, both.ranking.hits[0].document, str.split).read


def test_documents_that_were_not_read_to_their_end_are_counted_and_the_setting_is_named() -> None:
    counts = Counts()
    counts.add(reranked(STORY, passages=1)[0].rerank([reranked(STORY)[1]]))
    assert counts.notes() == ["note: the end of 1 of 1 scored document was not read (`passages` reads on)"]


@pytest.mark.parametrize("reports", [True, False])
def test_the_share_that_was_read_grows_with_the_passages_up_to_the_whole(reports: bool) -> None:
    texts = ["word " * 20, "word " * 600, "x"]  # 100, 3,000 and 1 characters
    limit = 750
    pairs = [("q", RenderedText(text.strip(), body=0)) for text in texts]
    shares = [score_passages(Reader(limit, reports), pairs, passages).read.tolist() for passages in (1, 2, 20)]
    assert shares[0] == [1.0, pytest.approx(0.25, abs=0.01), 1.0]  # 150 words are assumed where it is not reported
    assert shares[1] == [1.0, pytest.approx(0.25 + 0.75 * 0.25, abs=0.02), 1.0]
    assert shares[2] == [1.0, 1.0, 1.0]


def test_a_model_that_read_only_the_beginning_does_not_overrule_the_first_stage_unless_told_to() -> None:
    """The first stage found the long text by its end, of which the model knows nothing."""
    long = Document("long", "introduction " * 100 + "x x x")
    hits = [Hit(long, 9.0), Hit(Document("short", "x"), 2.0), Hit(Document("other", "nothing"), 1.0)]
    before = Ranking.of(Query("q", "x"), hits)
    first = {}
    for fusion in ("zscore-read", "zscore", "none"):
        settings = RerankSettings(fusion=fusion, fusion_weight=0.7)
        [result] = Reranker(Reader(130), settings).rerank([before])
        first[fusion] = result.ranking.hits[0].document.doc_id
        assert result.read == {"long": pytest.approx(0.1, abs=0.001)}
    assert first == {"zscore-read": "long", "zscore": "short", "none": "short"}
    [result] = Reranker(Reader(130), RerankSettings(fusion="zscore-read", passages=20)).rerank([before])
    assert result.read == {} and result.logits["long"] == 3.0

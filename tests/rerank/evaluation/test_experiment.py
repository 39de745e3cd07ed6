"""Two stages on one set, and several sets as one result."""

from collections.abc import Sequence

import pytest

from resift.rerank.counts import Counts
from resift.rerank.evaluation.experiment import COMPARABLE, ExperimentResult, SetResult, evaluate_set, run_set
from resift.rerank.evaluation.given_run import GivenRun
from resift.rerank.evaluation.measures import MEASURES
from resift.rerank.evaluation.self_exclusion import SelfExcludingFirstStage, without_query_document
from resift.rerank.reranker import Reranking
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.types import Document, Hit, Query, Ranking, to_run

CORPUS = [Document("1", "an argument for"), Document("2", "an argument against"), Document("3", "something else")]


class EveryDocument:
    """A first stage that returns the whole corpus in its order, and records its calls."""

    language = "english"

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], int]] = []

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        self.calls.append(([query.query_id for query in queries], depth))
        hits = [Hit(document, -float(position)) for position, document in enumerate(CORPUS)]
        return [Ranking.of(query, hits).top(depth) for query in queries]


def upside_down(rankings: Sequence[Ranking]) -> list[Ranking]:
    return [Ranking.of(one.query, [Hit(hit.document, -hit.score) for hit in one.hits]) for one in rankings]


def rescored(rankings: Sequence[Ranking]) -> list[Reranking]:
    """A second stage that reverses the order; it truncates one document of each query, and the query q3."""
    return [
        Reranking(one, after, dict.fromkeys(map(doc_id, one.hits), 0.0), 1, one.query.query_id == "q3")
        for one, after in zip(rankings, upside_down(rankings), strict=True)
    ]


def doc_id(hit: Hit) -> str:
    return hit.document.doc_id


def ids(ranking: Ranking) -> list[tuple[str, float]]:
    return [(hit.document.doc_id, hit.score) for hit in ranking.hits]


def small_result(name: str, after: float, queries: int = 1, in_mean: bool = True) -> SetResult:
    before = {f"q{number}": dict.fromkeys(MEASURES, 0.0) for number in range(queries)}
    reranked = {query_id: dict.fromkeys(MEASURES, after) for query_id in before}
    return SetResult(name, before, reranked, ({}, {}), dict.fromkeys(MEASURES, 1.0), in_mean=in_mean)


def test_worked_example_of_two_stages() -> None:
    qrels = {"q1": {"a": 1}, "q2": {"a": 1, "gone": 1}, "q3": {"c": 1}}
    first_stage = {"q1": {"a": 1.0, "b": 2.0}, "q2": {"a": 2.0, "b": 1.0}, "unjudged": {"a": 1.0}}
    reranked = {"q1": {"a": 2.0, "b": 1.0}, "q2": {"a": 1.0, "b": 2.0}, "unjudged": {"a": 1.0}}
    result = evaluate_set("set", qrels, first_stage, reranked)
    before, after = result.means

    assert (result.queries, result.unanswered) == (3, 1)
    assert before["mrr@10"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert after["mrr@10"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert before["map"] == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert after["map"] == pytest.approx((1 + 1 / 4 + 0) / 3)
    assert result.ceiling == pytest.approx(
        {"ndcg@10": (1 + 1 / (1 + 0.6309297535714575)) / 3, "mrr@10": 2 / 3, "map": 1 / 2, "recall@100": 1 / 2}
    )
    comparison = result.comparisons["map"]
    assert (comparison.wins, comparison.ties, comparison.losses) == (1, 1, 1)
    assert comparison.difference == pytest.approx(1 / 12)


def test_rankings_have_the_same_result_as_their_run() -> None:
    rankings = EveryDocument().retrieve([Query("q", "text")], 3)
    qrels = {"q": {"2": 1}}

    assert evaluate_set("set", qrels, rankings, upside_down(rankings)) == evaluate_set(
        "set", qrels, to_run(rankings), to_run(upside_down(rankings))
    )


def test_run_without_a_judged_query_is_refused() -> None:
    with pytest.raises(CorpusError, match="'PLAIN-1'.*'1'"):
        evaluate_set("set", {"1": {"a": 1}}, {"PLAIN-1": {"a": 1.0}}, {})


def test_run_without_any_hit_scores_zero() -> None:
    result = evaluate_set("set", {"q": {"a": 1}}, {}, {})

    assert result.means == (dict.fromkeys(MEASURES, 0.0), dict.fromkeys(MEASURES, 0.0))
    assert result.unanswered == 1


def test_set_without_judgements_is_refused() -> None:
    with pytest.raises(CorpusError, match="set: no query is judged"):
        SetResult("set", {}, {}, ({}, {}), {})


def test_stages_measured_on_different_queries_are_refused() -> None:
    row = dict.fromkeys(MEASURES, 0.0)
    with pytest.raises(ValueError, match="different queries"):
        SetResult("set", {"q1": row}, {"q2": row}, ({}, {}), {})


def test_only_judged_queries_are_run_and_both_stages_timed() -> None:
    retriever = EveryDocument()
    queries = [Query("judged", "x"), Query("not judged", "y")]
    result = run_set("set", {"judged": {"3": 1}}, queries, SelfExcludingFirstStage(retriever, depth=2), rescored)

    assert retriever.calls == [(["judged"], 3)]
    assert result.runs == ({"judged": {"1": -0.0, "2": -1.0}}, {"judged": {"1": 0.0, "2": 1.0}})
    assert result.seconds.first_stage is not None and result.seconds.first_stage >= 0.0
    assert result.seconds.rerank is not None and result.seconds.rerank >= 0.0


def test_many_queries_go_through_both_stages_in_batches() -> None:
    retriever = EveryDocument()
    queries = [Query(f"q{number}", "x") for number in range(40)]
    seen: list[int] = []
    qrels = {query.query_id: {"3": 1} for query in queries}
    result = run_set("set", qrels, queries, SelfExcludingFirstStage(retriever, depth=3), rescored, seen.append)

    assert [len(query_ids) for query_ids, _ in retriever.calls] == [16, 16, 8]
    assert seen == [16, 32, 40]
    assert result.queries == len(result.runs[0]) == len(result.runs[1]) == 40
    assert result.means[0]["mrr@10"] == pytest.approx(1 / 3) and result.means[1]["mrr@10"] == 1.0
    assert result.counts == Counts(queries=40, hits=120, empty=0, scored=120, truncated=40, queries_truncated=1)


def test_a_given_run_keeps_its_order_and_counts_missing_documents() -> None:
    run = {"q": {"2": 1.0, "1": 2.0, "gone": 3.0}, "other": {"3": 1.0}}
    queries = [Query("q", "x"), Query("absent", "y")]
    given = GivenRun(run, CORPUS, queries)

    assert [ids(ranking) for ranking in given.retrieve(queries, 2)] == [[("gone", 3.0), ("1", 2.0)], []]
    assert (given.wanted, given.missing) == (3, 1)
    result = run_set("set", {"q": {"1": 1}}, queries, SelfExcludingFirstStage(given, 100, timed=False), rescored)
    assert result.seconds.first_stage is None and result.seconds.rerank is not None


def test_queries_without_judgements_are_refused() -> None:
    with pytest.raises(CorpusError, match="none of the queries is judged.*'01'.*'1'"):
        run_set("set", {"1": {"a": 1}}, [Query("01", "x")], SelfExcludingFirstStage(EveryDocument(), 100), rescored)


def test_document_that_is_the_query_is_excluded_and_replaced_by_the_next_one() -> None:
    query = Query("1", "an  argument for\n")

    assert ids(SelfExcludingFirstStage(EveryDocument(), depth=2).retrieve([query])[0]) == [("2", -1.0), ("3", -2.0)]


@pytest.mark.parametrize("query", [Query("1", "another text"), Query("9", "an argument for")])
def test_document_with_only_the_id_or_only_the_text_of_the_query_is_kept(query: Query) -> None:
    ranking = Ranking.of(query, [Hit(CORPUS[0], 1.0)])

    assert without_query_document(ranking) == ranking


def test_mean_gives_every_set_the_same_weight() -> None:
    result = ExperimentResult((small_result("large", 0.2, queries=9), small_result("small", 0.6)))

    assert result.means[1] == pytest.approx(dict.fromkeys(MEASURES, 0.4))


def test_mean_excludes_a_set_outside_it() -> None:
    result = ExperimentResult((small_result("in", 0.2), small_result("out", 0.6, in_mean=False)))

    assert [one.name for one in result.counted] == ["in"]
    assert result.means[1] == pytest.approx(dict.fromkeys(MEASURES, 0.2))


def test_mean_includes_all_sets_if_all_are_outside_it() -> None:
    assert ExperimentResult((small_result("only", 0.6, in_mean=False),)).means[1]["map"] == pytest.approx(0.6)


def test_experiment_refuses_sets_whose_mean_would_be_wrong() -> None:
    one = small_result("one", 0.2)
    other = SetResult("other", one.first_stage, one.reranked, one.runs, one.ceiling, mode=COMPARABLE)

    for sets, message in (((), "no set"), ((one, one), "named twice"), ((one, other), "both modes")):
        with pytest.raises(SettingsError, match=message):
            ExperimentResult(sets)

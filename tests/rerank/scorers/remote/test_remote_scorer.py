"""A model on a server is used as one on this machine: in Python, asynchronously, after a fork, and by the commands."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer, read_facts
from resift.rerank.scorers.lookup import find_folder
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.remote.scorer import RemoteScorer
from resift.rerank.scorers.scoring_progress import watched_by
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings
from resift.rerank.stages import SearchStages
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.extras import install_line
from resift.retrieval.types import Document, Hit, Query, Ranking
from tests.rerank.cli.invoke import invoke
from tests.rerank.forks import fork
from tests.rerank.scorers.remote.servers import Running, as_json, rerank_answer, resift_routes, serving, tei_routes

QUERY = "what do cats eat"
TEXTS = ["Rivers run to the sea.", "Cats eat meat, fish and mice.", "The price of bread rose.", "Dogs eat cat food."]
PAIRS = [(QUERY, text) for text in TEXTS]


@pytest.fixture
def server(local: Predictor) -> Any:
    with serving(resift_routes(local, fusion={"kind": "zscore", "weight": 0.8}, languages=["en"])) as running:
        yield running


def test_asynchronous_methods_return_what_the_others_do(server: Running) -> None:
    scorer = RemoteScorer(server.url)

    async def all_at_once() -> Any:
        return await asyncio.gather(
            scorer.score_async(iter(PAIRS)),
            scorer.predict_async(iter(PAIRS), activation="identity"),
            scorer.predict_async(PAIRS[0]),
            scorer.rank_async(QUERY, iter(TEXTS), 2, return_documents=True),
            scorer.score_async([]),
        )

    scores, values, one, ranking, nothing = asyncio.run(all_at_once())
    expected = scorer.score(PAIRS)
    assert scores.logits.tolist() == expected.logits.tolist() == values.tolist()
    assert scores.read_characters.tolist() == np.asarray(expected.read_characters).tolist()
    assert one == scorer.predict(PAIRS[0])
    assert ranking == scorer.rank(QUERY, TEXTS, 2, return_documents=True)
    assert nothing.logits.shape == (0,)


def test_wrong_arguments_of_asynchronous_methods_are_refused_before_anything_is_sent(server: Running) -> None:
    scorer = RemoteScorer(server.url)
    with pytest.raises(SettingsError, match="^activation: "):
        asyncio.run(scorer.rank_async(QUERY, TEXTS, activation="tanh"))
    with pytest.raises(SettingsError, match="^pairs: "):
        asyncio.run(scorer.predict_async([("a",)]))
    assert server.of("/score") == []


def test_an_asynchronous_failure_ends_the_other_requests(local: Predictor) -> None:
    with serving({"/v2/rerank": lambda seen: as_json({"error": "no"}, 400)}) as server:
        scorer = RemoteScorer(f"cohere+{server.url}#m")
        pairs = [(f"query {number}", "text") for number in range(20)]
        with pytest.raises(ModelError, match="answered 400: no"):
            asyncio.run(scorer.score_async(pairs))
        with pytest.raises(ModelError, match="answered 400: no"):
            scorer.score(pairs)


def test_a_cancelled_call_ends_without_its_reply(local: Predictor) -> None:
    def slow(seen: object) -> dict[str, object]:
        time.sleep(0.5)
        return {}

    async def give_up(scorer: RemoteScorer) -> None:
        await asyncio.wait_for(scorer.score_async(PAIRS), 0.1)

    with serving({"/v2/rerank": slow}) as server, pytest.raises(TimeoutError):
        asyncio.run(give_up(RemoteScorer(f"cohere+{server.url}#m")))


def test_progress_is_reported_as_requests_are_finished(local: Predictor) -> None:
    reports: list[tuple[int, int]] = []
    with serving(tei_routes(local, most=1)) as server, watched_by(lambda *counts: reports.append(counts)):
        scorer = RemoteScorer(server.url)
        scorer.score(PAIRS)
        asyncio.run(scorer.score_async(PAIRS))
    assert reports == [(1, 4), (2, 4), (3, 4), (4, 4)] * 2


def test_equal_pairs_and_a_batch_size_decide_what_is_sent(server: Running) -> None:
    scorer = RemoteScorer(server.url)
    scorer.predict([*PAIRS, *PAIRS], batch_size=2, prompt="query: ")
    bodies = [seen.body for seen in server.of("/score")]
    assert sorted(len(body["text_1"]) for body in bodies) == [2, 2]
    assert {query for body in bodies for query in body["text_1"]} == {f"query: {QUERY}"}


def test_large_texts_are_sent_in_several_requests(server: Running) -> None:
    RemoteScorer(server.url).score([("cat", f"{number} " + "x" * 700_000) for number in range(5)])
    assert sorted(len(seen.body["text_2"]) for seen in server.of("/score")) == [1, 2, 2]


def test_a_closed_scorer_opens_its_connections_again(server: Running) -> None:
    with RemoteScorer(server.url) as scorer:
        first = scorer.score(PAIRS)
    assert scorer.score(PAIRS).logits.tolist() == first.logits.tolist()
    scorer.close()
    scorer.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(server: Running) -> None:
    scorer = RemoteScorer(server.url)
    expected = scorer.score(PAIRS).logits.tolist()
    child = fork()
    if not child:
        signal.alarm(60)
        try:
            os._exit(0 if scorer.score(PAIRS).logits.tolist() == expected else 1)
        except BaseException:
            os._exit(2)
    assert scorer.score(PAIRS).logits.tolist() == expected
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("setting", "value"), [("backend", "torch"), ("dtype", "float32"), ("max_length", 64), ("revision", "main")]
)
def test_a_setting_that_a_server_cannot_follow_is_refused(setting: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"^{setting}: {value} is for a model on this machine"):
        load_scorer("http://127.0.0.1:9", ScorerSettings(**{setting: value}))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e6])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(SettingsError, match="^model_timeout: .* is not a time; expected seconds"):
        ScorerSettings(model_timeout=seconds)


def test_a_server_has_no_folder_for_a_training(server: Running) -> None:
    with pytest.raises(ModelError, match="^http://.*: this is a model on a server, which can score but has no files"):
        find_folder(server.url, ScorerSettings())


def test_the_error_without_httpx_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "httpx.py").write_text("raise ImportError('no httpx here')")
    program = "from resift import load_scorer\nload_scorer('http://127.0.0.1:9')\n"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert f"http://127.0.0.1:9: a model on a server needs httpx: {install_line('remote')}" in done.stderr
    assert done.returncode == 1


def test_stages_take_languages_and_fusion_from_the_server(server: Running) -> None:
    stages = SearchStages(scorer=ScorerSettings(model=server.url))
    assert stages.languages("http://engine:9200/index") == ("en",)
    fusion = stages.fusion()
    assert fusion is not None and (fusion.kind, fusion.weight, fusion.source) == ("zscore", 0.8, "model")
    unused = SearchStages(scorer=ScorerSettings(model=server.url), rerank=RerankSettings(fusion_weight=0.0))
    assert [note.partition(" beside")[0] for note in unused.notes()] == [f"note: {server.url} is not used:"]
    assert read_facts(server.url, ScorerSettings()).languages == ("en",)


def test_a_reranker_orders_by_a_server_as_by_the_model_itself(server: Running, local: Predictor) -> None:
    long = "Stones are grey. " * 300 + "Cats eat meat, fish and mice."
    hits = [Hit(Document(str(place), text), 9.0 - place) for place, text in enumerate([*TEXTS, long])]
    ranking, settings = Ranking.of(Query("q", QUERY), hits), RerankSettings(passages=5, fusion="none")
    [there] = Reranker(load_scorer(server.url), settings).rerank([ranking])
    [here] = Reranker(local, settings).rerank([ranking])
    assert there.ranking == here.ranking and there.passages == here.passages and len(there.passages) == 1


def test_commands_rerank_and_evaluate_with_a_server(server: Running, tmp_path: Path) -> None:
    request = json.dumps({"query": QUERY, "documents": TEXTS})
    there, here = (invoke("rerank", "--model", name, stdin=request.encode()) for name in (server.url, "resift-tiny"))
    assert (there.code, here.code) == (0, 0), there.err
    results = [json.loads(done.out)["results"] for done in (there, here)]
    assert results[0] == results[1]
    write_collection(tmp_path)
    done = invoke("evaluate", str(tmp_path), "--model", server.url)
    assert done.code == 0, done.err
    assert server.url in done.out + done.err


def test_a_paid_api_is_compared_with_a_model_of_the_package(local: Predictor, tmp_path: Path) -> None:
    write_collection(tmp_path)
    (tmp_path / "queries.txt").write_text(QUERY)
    assert invoke("index", str(tmp_path / "corpus.jsonl"), "--to", f"bm25:{tmp_path / 'index'}").code == 0
    compare = ("compare", f"bm25:{tmp_path / 'index'}", "--queries", str(tmp_path / "queries.txt"))
    with serving({"/v1/rerank": rerank_answer(local, "data")}) as server:
        name = f"voyage+{server.url}#rerank-2.5"
        done = invoke(*compare, "--model", name, "--against", "resift-tiny")
        assert done.code == 0, done.err
        assert invoke("evaluate", str(tmp_path), "--model", name).code == 0
    assert name in done.out and {seen.body["model"] for seen in server.seen} == {"rerank-2.5"}


def test_a_command_fails_with_one_line_if_the_server_is_not_there(tmp_path: Path) -> None:
    request = json.dumps({"query": QUERY, "documents": TEXTS}).encode()
    done = invoke("rerank", "--model", "http://127.0.0.1:9", "--model-timeout", "0.2", stdin=request)
    assert done.code == 1 and "http://127.0.0.1:9: the server cannot be reached" in done.error_line


def write_collection(folder: Path) -> None:
    """Write a judged collection of the texts with one query."""
    (folder / "qrels").mkdir()
    corpus = [{"_id": f"d{place}", "text": text} for place, text in enumerate(TEXTS)]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": QUERY}))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")

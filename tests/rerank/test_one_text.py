"""One document has one text, whichever part of resift reads it by the definition of its index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resift.indexer.bm25.build import build_index
from resift.rerank.evaluation.evaluator import EvaluationRequest, Evaluator
from resift.rerank.index_definitions import IndexDefinition, IndexDefinitions
from resift.rerank.pipeline import Pipeline
from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.requests import read_requests, rerank_requests
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.call import RerankCall
from resift.rerank.service.defined import read_defined
from resift.rerank.service.dialects.registry import choose_dialect
from resift.rerank.service.reranking import Caller, RerankService
from resift.rerank.settings import RerankSettings
from resift.rerank.stages import SearchStages
from resift.rerank.template import Template
from resift.rerank.template_budget import cut_by_model
from resift.rerank.training.examples import read_examples
from resift.rerank.training.mining.job import MineJob, MineRequest, MineStages
from resift.rerank.training.mining.settings import MineSettings
from resift.retrieval.registry import open_retriever
from resift.retrieval.types import Document, Query
from tests.rerank.plugin.test_wrapper import Client
from tests.rerank.service.in_process import run

SOURCE = {
    "title": "Unbelievable <b>cats</b> of Donaudampfschifffahrt",
    "text": "Cats eat fish &amp; <i>mice</i>, and sleep for sixteen hours a day in the warmest place of the house.",
    "price": 3,
    "tags": ["pet", "fur"],
}
QUERY = "what do cats eat"
TEMPLATE = '{title:6}[ ({price|cost} EUR)] {tags} by {author|"nobody"}: {text:12}'
DEFINITIONS = IndexDefinitions.from_table({"pets": {"template": TEMPLATE, "html": "strip", "fusion": "none"}})
TEXT = "Unbelievable cats of Donaudamp (3 EUR) pet fur by nobody: Cats eat fish & mice, and sleep for sixteen hours a"
TINY = ScorerSettings(model="resift-tiny", threads=1)


@pytest.fixture(scope="module")
def logit() -> float:
    return float(load_scorer(settings=TINY).score([(QUERY, TEXT)]).logits[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an embedded index, pets, and a judged query."""
    made = tmp_path_factory.mktemp("one-text")
    rest = {name: value for name, value in SOURCE.items() if name not in ("title", "text")}
    other = Document("other", "A chair for cats, made of wood.")
    build_index([Document("d", str(SOURCE["text"]), str(SOURCE["title"]), rest), other], made / "pets")
    (made / "queries.tsv").write_text(f"query-id\ttext\nq\t{QUERY}\n")
    (made / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    return made


def definition() -> IndexDefinition:
    found = DEFINITIONS.of("pets")
    assert found is not None
    return found


def settings() -> RerankSettings:
    return definition().applied_to(RerankSettings())


def test_a_search_in_an_embedded_index(folder: Path, logit: float) -> None:
    pipeline = Pipeline(open_retriever(f"bm25:{folder / 'pets'}"), Reranker(load_scorer(settings=TINY), settings()))
    [result] = pipeline.search([Query("q", QUERY)])
    [document] = [hit.document for hit in result.ranking.hits if hit.document.doc_id == "d"]
    assert result.template.render(document) == TEXT
    assert result.logits["d"] == pytest.approx(logit, abs=1e-5)


def test_an_evaluation(folder: Path, logit: float) -> None:
    stages = SearchStages(rerank=settings(), scorer=TINY)
    queries, qrels = str(folder / "queries.tsv"), str(folder / "qrels.tsv")
    result = Evaluator(stages).evaluate(EvaluationRequest(f"bm25:{folder / 'pets'}", queries, qrels))
    [one] = result.sets
    assert one.runs[1]["q"]["d"] == pytest.approx(logit, abs=1e-5)


def test_a_wrapped_client(logit: float) -> None:
    hit = {"_id": "d", "_score": 1.0, "_source": SOURCE}
    client = Client(lambda body: {"hits": {"max_score": 1.0, "hits": [dict(hit)]}})
    wrapped = RerankingClient(
        client, Reranker(load_scorer(settings=TINY)), ["title", "text"], scores="model", definitions=DEFINITIONS
    )
    found = wrapped.search(index="pets", body={"query": {"match": {"text": QUERY}}})
    assert found["hits"]["hits"][0]["_score"] == pytest.approx(logit, abs=1e-5)


def test_a_request_to_the_service(logit: float) -> None:
    body: dict[str, Any] = {"query": QUERY, "documents": [SOURCE], "index": "pets", "raw_scores": True}
    read = choose_dialect("/v1/rerank", body).read(body)[1]
    assert isinstance(read, RerankCall)

    async def work(one: RerankService) -> None:
        answer = await one.call(read_defined(read, DEFINITIONS), Caller())
        assert [result.score for result in answer.results] == [pytest.approx(logit, abs=1e-5)]

    run(work)


def test_a_rerank_request_with_the_name_of_the_index(logit: float) -> None:
    line = json.dumps({"query": QUERY, "documents": [SOURCE], "index": "pets"}).encode()
    reranker = Reranker(load_scorer(settings=TINY))
    [reply] = rerank_requests(read_requests([line], "in"), reranker, None, False, definitions=DEFINITIONS)
    assert reply.body["results"][0]["logit"] == pytest.approx(logit, abs=1e-5)


def test_mined_and_given_examples_for_training(folder: Path, tmp_path: Path) -> None:
    queries, qrels = str(folder / "queries.tsv"), str(folder / "qrels.tsv")
    request = MineRequest(f"bm25:{folder / 'pets'}", str(tmp_path / "mined.jsonl"), queries, qrels)
    stages = MineStages(MineSettings(teacher="resift-tiny", form="labeled-list"), rerank=settings(), scorer=TINY)
    MineJob(request, stages).run()
    (tmp_path / "given.jsonl").write_text(json.dumps({"query": QUERY, "positive": SOURCE}) + "\n")
    template = Template(settings().template, settings().html, cut_by_model("resift-tiny"))
    [given] = read_examples(tmp_path / "given.jsonl", template)
    assert given.to_json() == {"query": QUERY, "document": TEXT}
    mined = [json.loads(line) for line in (tmp_path / "mined.jsonl").read_text().splitlines()]
    assert [one["documents"] for one in mined] == [[TEXT, "by nobody: A chair for cats, made of wood."]]


class Recorder:
    """A scorer without a tokenizer, as behind an address, that keeps what it reads."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.read += [text for _, text in pairs]
        no = np.zeros(len(pairs), dtype=np.bool_)
        return Scores(np.zeros(len(pairs), dtype=np.float32), no, no)


def test_behind_an_address_budgets_are_estimated_alike_in_a_search_and_in_a_wrapped_client(folder: Path) -> None:
    scorer = Recorder()
    Pipeline(open_retriever(f"bm25:{folder / 'pets'}"), Reranker(scorer, settings())).search([Query("q", QUERY)])
    hit = {"_id": "d", "_score": 1.0, "_source": SOURCE}
    client = Client(lambda body: {"hits": {"max_score": 1.0, "hits": [dict(hit)]}})
    wrapped = RerankingClient(client, Reranker(scorer), ["title", "text"], definitions=DEFINITIONS)
    wrapped.search(index="pets", body={"query": {"match": {"text": QUERY}}})
    [first] = [text for text in scorer.read[:-1] if "fish" in text]
    second = scorer.read[-1]
    assert first == second
    assert first.startswith("Unbelievable cats of (3 EUR) pet fur by nobody: Cats eat fish & mice, and sleep for")

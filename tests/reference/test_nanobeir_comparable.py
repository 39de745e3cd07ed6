"""Comparable mode gives the same figures as sentence-transformers on the same data and model, within 1e-6."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder.evaluation import CrossEncoderNanoBEIREvaluator, CrossEncoderRerankingEvaluator
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertForSequenceClassification

from resift.indexer.corpora import JudgedCollection
from resift.rerank.evaluation.comparable import evaluate_comparable, measure
from resift.rerank.evaluation.datasets import NANOBEIR, resolve
from resift.rerank.evaluation.experiment import COMPARABLE, ExperimentResult
from resift.rerank.scorer import Pair, Scores
from resift.retrieval.types import Document, Qrels, Query

WORDS = [a + b for a in ("ka", "lo", "mi", "nu", "re", "ti") for b in ("ba", "do", "fe", "gu", "sa", "vo")]
MEASURES = ("ndcg@10", "mrr@10", "map")


@dataclass
class Stored:
    """One data set of NanoBEIR."""

    name: str
    corpus: list[Document]
    queries: list[Query]
    qrels: Qrels
    first_stage: dict[str, list[str]] = field(default_factory=dict)

    def collection(self) -> JudgedCollection:
        return JudgedCollection(
            self.name, lambda: iter(self.corpus), self.queries, self.qrels, "test", self.first_stage
        )


class TransformersScorer:
    """Runs the model with transformers only, in batches of 50, independently of sentence-transformers."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    def score(self, pairs: Sequence[Pair]) -> Scores:
        parts = [self.logits(pairs[start : start + 50]) for start in range(0, len(pairs), 50)]
        not_cut = np.zeros(len(pairs), dtype=np.bool_)
        return Scores(np.concatenate(parts), not_cut, not_cut)

    def logits(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
        batch = self.tokenizer(list(pairs), truncation=True, max_length=32, padding=True, return_tensors="pt")
        with torch.inference_mode():
            return np.asarray(self.model(**batch).logits[:, 0].numpy(), dtype=np.float32)


def make_set(name: str) -> Stored:
    """Return six queries over 130 documents, with the special cases of the protocol.

    Relevance is graded; some queries have many positives; some positives, and all of one query, are not in the first
    stage; two documents have the text of another one.
    """
    random = Random(name)
    texts = [" ".join(random.choices(WORDS, k=random.randint(4, 40))) for _ in range(128)]
    texts += texts[:2]  # two documents with the text of another one
    corpus = [Document(f"d{number}", text, title=" ".join(WORDS[:3])) for number, text in enumerate(texts)]
    doc_ids = [document.doc_id for document in corpus]
    result = Stored(name, corpus, [], {})
    for number, positives in enumerate((1, 2, 3, 15, 40, 2)):
        query_id = f"q{number}"
        result.queries.append(Query(query_id, " ".join(random.choices(WORDS, k=5))))
        relevant = random.sample(doc_ids, positives)
        result.qrels[query_id] = {doc_id: random.randint(0, 3) for doc_id in relevant}
        result.first_stage[query_id] = random.sample(doc_ids, 110)
    result.qrels["q0"], result.qrels["q1"] = (
        {"d0": 1},
        {"d5": 2, "d129": 1},
    )  # another document has the text of d0, and another that of d129
    result.first_stage["q5"] = [doc_id for doc_id in result.first_stage["q5"] if doc_id not in result.qrels["q5"]][:20]
    return result


def write_layout(folder: Path, sets: Sequence[Stored]) -> None:
    """Write `sets` in the layout of sentence-transformers/NanoBEIR-en: one parquet file per subset and split."""
    header = ["---", "configs:"]
    for subset in ("corpus", "queries", "qrels", "bm25"):
        (folder / subset).mkdir()
        header += [f"- config_name: {subset}", "  data_files:"]
        for one in sets:
            split = f"Nano{one.name}"
            header += [f"  - split: {split}", f"    path: {subset}/{split}-*"]
            Dataset.from_list(rows(one, subset)).to_parquet(folder / subset / f"{split}-00000-of-00001.parquet")
    (folder / "README.md").write_text("\n".join([*header, "---", ""]))


def rows(one: Stored, subset: str) -> list[dict[str, object]]:
    if subset == "corpus":
        return [{"_id": document.doc_id, "text": document.text} for document in one.corpus]
    if subset == "queries":
        return [{"_id": query.query_id, "text": query.text} for query in one.queries]
    if subset == "bm25":
        return [{"query-id": query_id, "corpus-ids": doc_ids} for query_id, doc_ids in one.first_stage.items()]
    return [
        {"query-id": query_id, "corpus-id": doc_id, "score": grade}
        for query_id, grades in one.qrels.items()
        for doc_id, grade in grades.items()
    ]


def save_model(folder: Path, scale: float) -> Path:
    """Save a small cross-encoder with seeded weights whose logits are multiplied by `scale`."""
    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "model_max_length": 32}')
    torch.manual_seed(12)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, initializer_range=0.5,
    )  # fmt: skip
    config.num_labels = 1
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.mul_(scale)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread: a model this small runs ten times as fast as on several threads, which wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def sets() -> list[Stored]:
    return [make_set(name) for name in NANOBEIR]


@pytest.fixture(scope="module")
def layout(sets: list[Stored], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("NanoBEIR")
    write_layout(folder, sets)
    return folder


@pytest.fixture(scope="module")
def evaluator(layout: Path) -> CrossEncoderNanoBEIREvaluator:
    """Return their evaluator with all its defaults: the sets, the number of candidates, and added positives."""
    return CrossEncoderNanoBEIREvaluator(dataset_id=str(layout), write_csv=False)


def ours(sets: Sequence[Stored], model: Path, sigmoid: bool) -> ExperimentResult:
    scorer = TransformersScorer(model)
    in_mean = {data_set.name for data_set in resolve("nanobeir", COMPARABLE) if data_set.in_mean}
    return ExperimentResult(
        tuple(evaluate_comparable(one.collection(), scorer, 100, sigmoid, one.name in in_mean) for one in sets)
    )


# With scale 0, all candidates of a query are tied. With scale 1e6, every sigmoid is 0 or 1 and some candidates are
# tied; mrr is then not compared, because theirs depends on the order of a Python set of ids, which varies per run.
@pytest.mark.parametrize(
    ("scale", "sigmoid", "names"),
    [(1.0, True, MEASURES), (1.0, False, MEASURES), (0.0, True, MEASURES), (1e6, True, ("ndcg@10", "map"))],
)
def test_figures_equal_those_of_sentence_transformers(
    scale: float,
    sigmoid: bool,
    names: tuple[str, ...],
    sets: list[Stored],
    evaluator: CrossEncoderNanoBEIREvaluator,
    tmp_path: Path,
) -> None:
    folder = save_model(tmp_path / "model", scale)
    activation = None if sigmoid else torch.nn.Identity()
    theirs = evaluator(CrossEncoder(str(folder), device="cpu", activation_fn=activation))
    result = ours(sets, folder, sigmoid)
    found: dict[str, float] = {}
    for one in result.counted:
        for stage, means in zip(("base_", ""), one.means, strict=True):
            found |= {f"Nano{one.name}_R100_{stage}{name}": means[name] for name in names}
    for stage, means in zip(("base_", ""), result.means, strict=True):
        found |= {f"NanoBEIR_R100_mean_{stage}{name}": means[name] for name in names}
    expected = {key: float(value) for key, value in theirs.items() if key.endswith(names)}

    assert len(found) == (11 + 1) * 2 * len(names)
    assert found == pytest.approx(expected, abs=1e-6, rel=0)


def test_the_data_covers_every_special_case_of_the_protocol(sets: list[Stored]) -> None:
    """Ensure that the comparison above includes these cases."""
    grades = {grade for one in sets for judged in one.qrels.values() for grade in judged.values()}
    missing = [set(one.qrels[query_id]) - set(docs[:100]) for one in sets for query_id, docs in one.first_stage.items()]

    assert grades == {0, 1, 2, 3}
    assert sum(map(bool, missing)) > 20
    assert all(not set(one.qrels["q5"]) & set(one.first_stage["q5"]) for one in sets)


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40))
def test_measures_of_tied_scores_equal_those_of_sentence_transformers(pairs: list[tuple[bool, int]]) -> None:
    labels = np.array([True, *(label for label, _ in pairs)], dtype=np.int64)
    scores = np.array([0, *(score for _, score in pairs)], dtype=np.float32)
    theirs: Any = CrossEncoderRerankingEvaluator(samples=[])
    mrr, ndcg, average_precision = theirs.compute_metrics(labels, scores)
    values = measure(labels, scores)

    assert [values[name] for name in MEASURES] == pytest.approx([ndcg, mrr, average_precision], abs=1e-12)

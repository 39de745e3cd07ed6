"""nDCG@10 of BM25, of the student alone, and of the equal sum of their z-scores."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ir_measures
import numpy as np
import torch
from ir_measures import nDCG
from numpy.typing import NDArray
from transformers import BertForSequenceClassification

from .candidates import FirstStage
from .model import pad, score
from .settings import SEED
from .sources import Collection, read_collection
from .teacher import load_tokenizer, token_ids

Pair = tuple[list[int], list[int]]
Scorer = Callable[[list[Pair]], NDArray[np.float32]]
Run = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Figures:
    """nDCG@10 of one collection's split, averaged over ``queries`` judged queries."""

    queries: int
    bm25: float
    alone: float
    z_sum: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """A split ready for scoring: token ids of documents and queries, and BM25's top 100."""

    collection: Collection
    queries: list[list[int]]
    documents: list[list[int]]
    places: NDArray[np.int32]
    scores: NDArray[np.float32]

    @classmethod
    def load(cls, shared: Path, name: str, sample: int | None, limit: int) -> Candidates:
        """Read a dev split; ``sample`` selects that many of its queries, always the same ones."""
        full = read_collection(shared, name, "dev")
        kept = np.arange(len(full.queries))
        if sample is not None and sample < len(kept):
            kept = np.sort(np.random.default_rng(SEED).permutation(kept)[:sample])
        query_ids = [full.query_ids[i] for i in kept]
        collection = Collection(
            name=name,
            doc_ids=full.doc_ids,
            texts=full.texts,
            query_ids=query_ids,
            queries=[full.queries[i] for i in kept],
            qrels={query_id: full.qrels[query_id] for query_id in query_ids},
        )
        places, scores = FirstStage(collection.texts).top(collection.queries)
        tokenizer = load_tokenizer()
        queries = token_ids(tokenizer, collection.queries, limit // 2)
        return cls(collection, queries, token_ids(tokenizer, collection.texts, limit), places, scores)

    def pairs(self, row: int) -> list[Pair]:
        """Return a query's pairs with its candidates, in BM25's order."""
        found = self.places[row][self.places[row] >= 0]
        return [(self.queries[row], self.documents[place]) for place in found]

    def evaluate(self, scorer: Scorer) -> Figures:
        """Score the candidates of every query and measure the three rankings."""
        runs: tuple[Run, Run, Run] = ({}, {}, {})
        for row, query_id in enumerate(self.collection.query_ids):
            pairs = self.pairs(row)
            if not pairs:
                continue
            first = self.scores[row, : len(pairs)].astype(np.float64)
            second = scorer(pairs).astype(np.float64)
            names = [self.collection.doc_ids[place] for place in self.places[row, : len(pairs)]]
            for run, values in zip(runs, (first, second, z(first) + z(second)), strict=True):
                run[query_id] = dict(zip(names, values.tolist(), strict=True))
        bm25, alone, z_sum = (ndcg(self.collection.qrels, run) for run in runs)
        return Figures(len(self.collection.qrels), bm25, alone, z_sum)


def z(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (scores - mean) / population standard deviation; zeros if all are equal."""
    spread = scores.std()
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros_like(scores)


def ndcg(qrels: dict[str, dict[str, int]], run: Run) -> float:
    """Return nDCG@10 over all judged queries; one that is missing from the run counts 0."""
    values = ir_measures.iter_calc([nDCG @ 10], qrels, run)
    return float(sum(metric.value for metric in values if metric.query_id in run)) / len(qrels)


def torch_scorer(student: BertForSequenceClassification, limit: int, bfloat16: bool = False, batch: int = 25) -> Scorer:
    """Return a scorer that runs the student, in float32 unless `bfloat16`."""

    @torch.inference_mode()
    def scored(pairs: list[Pair]) -> NDArray[np.float32]:
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][1]))
        logits = np.zeros(len(pairs), np.float32)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            ids, types, mask = pad([pairs[i] for i in chosen], limit)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
                logits[chosen] = score(student, ids, types, mask).numpy()
        return logits

    return scored


def onnx_scorer(path: Path, limit: int, threads: int = 2, batch: int = 10) -> Scorer:
    """Return a scorer that runs an exported model on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def scored(pairs: list[Pair]) -> NDArray[np.float32]:
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][1]))
        logits = np.zeros(len(pairs), np.float32)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            ids, types, mask = pad([pairs[i] for i in chosen], limit)
            feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
            feed["token_type_ids"] = types.numpy()
            logits[chosen] = session.run(["logits"], feed)[0][:, 0]
        return logits

    return scored


def compare(pairs: list[Pair], int8: Scorer, float32: Scorer, limit: int) -> dict[str, float]:
    """Return the differences of int8 and float32 logits, and both speeds in tokens per second."""
    tokens = sum(min(limit, len(query) + len(document) + 3) for query, document in pairs)
    timed = {}
    for kind, scorer in (("int8", int8), ("float32", float32)):
        scorer(pairs[:20])  # warm
        started = time.perf_counter()
        logits = scorer(pairs)
        timed[kind] = (logits, round(tokens / (time.perf_counter() - started)))
    exact = timed["float32"][0]
    apart = np.abs(timed["int8"][0] - exact)
    return {
        "pairs": len(pairs),
        "mean": float(apart.mean()),
        "max": float(apart.max()),
        "spread": float(exact.std()),
        "int8_tokens_per_second": timed["int8"][1],
        "float32_tokens_per_second": timed["float32"][1],
    }


def table(figures: dict[str, Figures]) -> str:
    """Return the figures as a Markdown table, with their mean as the last row."""
    rows = [("mean", *np.mean([[f.bm25, f.alone, f.z_sum] for f in figures.values()], axis=0))]
    rows = [(f"{n} ({f.queries})", f.bm25, f.alone, f.z_sum) for n, f in figures.items()] + rows
    lines = ["| dev split (queries) | BM25 | alone | z-sum |", "|---|---|---|---|"]
    lines += [f"| {name} | {a:.4f} | {b:.4f} | {c:.4f} |" for name, a, b, c in rows]
    return "\n".join(lines)

"""A small copy of what a recipe reads of the Hugging Face Hub, in the hub's layout: ORG/NAME/files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from resift.rerank.scorers.model_folder import TOKENIZER_FILES
from tests.rerank.scorers.small_models import save_family, sentences

SETS = ("NanoMSMARCO", "NanoNFCorpus", "NanoNQ")


def write_hub(folder: Path) -> Path:
    """Write a small prajjwal1/bert-tiny, gooaq and three sets of NanoBEIR below `folder`, and return it."""
    write_bert_tiny(folder / "prajjwal1" / "bert-tiny")
    texts = sentences(120, seed=5, shortest=6, longest=10)
    rows = [{"question": " ".join(text.split()[:3]) + f" {place}", "answer": text} for place, text in enumerate(texts)]
    write_table(folder / "sentence-transformers" / "gooaq" / "pair" / "train-00000-of-00001.parquet", rows)
    for place, name in enumerate(SETS):
        write_nanobeir(folder / "sentence-transformers" / "NanoBEIR-en", name, place)
    return folder


def write_bert_tiny(folder: Path) -> None:
    """Write a BERT without a head, with the files of the hub's repository: config.json, weights, vocab.txt."""
    from transformers import AutoModelForSequenceClassification

    save_family("bert", folder, max_length=64, num_hidden_layers=1)
    whole: Any = AutoModelForSequenceClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    whole.bert.save_pretrained(folder)
    assert any((folder / name).is_file() for name in TOKENIZER_FILES)
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\nA small BERT.\n")


def write_nanobeir(root: Path, name: str, seed: int) -> None:
    """Write a set of NanoBEIR: corpus, queries, qrels, and a stored BM25 ranking."""
    texts = sentences(12, seed=40 + seed, shortest=6, longest=10)
    corpus = [{"_id": f"d{place}", "text": text} for place, text in enumerate(texts)]
    queries = [{"_id": f"q{place}", "text": " ".join(texts[place].split()[:3])} for place in range(4)]
    qrels = [{"query-id": f"q{place}", "corpus-id": f"d{place}"} for place in range(4)]
    bm25 = [
        {"query-id": f"q{place}", "corpus-ids": [f"d{(place + 3 * step) % 12}" for step in range(4)]}
        for place in range(4)
    ]
    for table, rows in (("corpus", corpus), ("queries", queries), ("qrels", qrels), ("bm25", bm25)):
        write_table(root / table / f"{name}-00000-of-00001.parquet", rows)


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)

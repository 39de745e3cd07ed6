"""Compare reranking 100 candidates with resift and with sentence-transformers, on the same model and machine.

::

    python scripts/bench_rerank.py --folder ../shared/collections/scifact --shape minilm-l6 --onnx

Repetitions are interleaved, so that a busy machine slows both; the result is the median of the paired ratios.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder as TheirCrossEncoder
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForSequenceClassification

from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.scorers.torch_backend import CrossEncoder

SHAPES = {
    "bert-tiny": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512},
    "minilm-l3": {"hidden_size": 384, "num_hidden_layers": 3, "num_attention_heads": 12, "intermediate_size": 1536},
    "minilm-l6": {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def texts_of(folder: Path | None, count: int, seed: int) -> list[str]:
    """Return `count` passages: drawn from a BEIR folder, or words of lengths like MS MARCO's (about 56 words)."""
    draw = np.random.default_rng(seed)
    if folder is None:
        words = ["".join(draw.choice(list("etaoinshrdlu"), int(size))) for size in draw.integers(2, 10, 2000)]
        sizes = np.clip(draw.lognormal(4.0, 0.5, count), 10, 300).astype(int)
        return [" ".join(draw.choice(words, size)) for size in sizes]
    path = next(folder.glob("corpus.jsonl*"))
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as lines:
        corpus = [json.loads(line) for line in lines]
    chosen = draw.choice(len(corpus), count, replace=False)
    return [f"{corpus[place].get('title', '')} {corpus[place]['text']}".strip() for place in chosen]


def save_model(shape: str, texts: list[str], folder: Path) -> None:
    """Save a BERT of that shape with seeded weights, also as ONNX, with a WordPiece tokenizer trained on `texts`."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=8000, special_tokens=SPECIAL, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    roles = {"pad_token": 0, "unk_token": 1, "cls_token": 2, "sep_token": 3, "mask_token": 4}
    tokenizer_config = {role: SPECIAL[place] for role, place in roles.items()}
    tokenizer_config |= {"tokenizer_class": "BertTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config | {"model_max_length": 512}))
    torch.manual_seed(0)
    config = AutoConfig.for_model("bert", vocab_size=tokenizer.get_vocab_size(), num_labels=1, **SHAPES[shape])
    maker: Any = AutoModelForSequenceClassification
    model = maker.from_config(config).eval()
    model.save_pretrained(folder)
    ids = torch.randint(5, 100, (2, 9))
    torch.onnx.export(
        model,
        (ids, torch.ones_like(ids), torch.zeros_like(ids)),
        str(folder / "model.onnx"),
        input_names=list(INPUTS),
        output_names=["logits"],
        dynamic_axes={name: {0: "rows", 1: "tokens"} for name in INPUTS} | {"logits": {0: "rows"}},
        opset_version=17,
        dynamo=False,
    )


def seconds(run: Callable[[], object]) -> float:
    """Return how long one call took, in seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(runs: dict[str, Callable[[], object]], repetitions: int) -> None:
    """Print each run's median milliseconds and the median and quartiles of its paired ratio to "theirs"."""
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repetition in range(repetitions):
        names = list(runs) if repetition % 2 else list(runs)[::-1]
        for name in names:
            times[name].append(seconds(runs[name]))
    for name, taken in times.items():
        ratios = [ours / theirs for ours, theirs in zip(taken, times["theirs"], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"  {name:<20}{1000 * statistics.median(taken):8.1f} ms   ratio {middle:.3f} ({low:.3f} to {high:.3f})")


def main() -> None:
    """Compare on each requested shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="a BEIR folder to take passages from; seeded words if not given")
    parser.add_argument("--shape", choices=SHAPES, action="append", help="may be repeated; bert-tiny and minilm-l6")
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--batch-tokens", type=int, action="append", help="may be repeated; the default if not given")
    parser.add_argument("--threads", type=int, help="CPU threads of both; all if not given")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--onnx", action="store_true", help="also run the model on ONNX Runtime")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    texts = texts_of(arguments.folder, arguments.candidates, seed=0)
    query = " ".join(texts[0].split()[:8])
    for shape in arguments.shape or ("bert-tiny", "minilm-l6"):
        with tempfile.TemporaryDirectory() as place:
            save_model(shape, texts, Path(place))
            theirs = TheirCrossEncoder(place, device=arguments.device)
            runs: dict[str, Callable[[], object]] = {"theirs": partial(theirs.rank, query, texts)}
            for tokens in arguments.batch_tokens or [None]:
                settings = ScorerSettings(device=arguments.device, batch_tokens=tokens, threads=arguments.threads)
                ours = CrossEncoder(place, settings)
                label = "" if tokens is None else f" {tokens}"
                runs["torch" + label] = partial(ours.rank, query, texts)
                if arguments.onnx:
                    runs["onnx" + label] = partial(OnnxCrossEncoder(place, settings).rank, query, texts)
            lengths = ours.encoder.encode([(query, text) for text in texts]).lengths
            print(f"{shape}: {len(texts)} candidates, {np.median(lengths):.0f} tokens a pair (median)")
            compare(runs, arguments.repetitions)


if __name__ == "__main__":
    main()

"""The model card, written from the manifest, so that its figures are the measured ones."""

from __future__ import annotations

from typing import Any

FRONT = """---
license: apache-2.0
language: en
library_name: onnxruntime
pipeline_tag: text-ranking
base_model: sentence-transformers/all-MiniLM-L6-v2
tags: [cross-encoder, reranker, onnx, int8]
---
# resift-minilm-l3

A small English cross-encoder: it reads a query and a passage together and returns one score, a raw logit; a higher
score means more relevant. It is the default model of resift, trained to rerank the top 100 of a BM25 search on a CPU.

"""

DATA = """## Training data

The model consists of the first {layers} of 6 layers, the pooler and the embeddings of
[all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2) (Apache-2.0), with a new scoring head.
It was trained first on the cosine similarities of that bi-encoder for BM25's candidates, then on relevance judgements.
The data:

| source | what | attribution and licence |
|---|---|---|
| squad-train-part | 11,827 pairs, 44 training articles of SQuAD v1.1 | Rajpurkar et al. 2016; CC BY-SA 4.0 |
| squadshifts-wiki, -reddit, -amazon | 27,120 pairs of SQuADShifts | Miller et al. 2020; CC BY 4.0 |
| nq-gold | 2,655 pairs of Natural Questions, gold passages | Kwiatkowski et al. 2019; CC BY-SA 3.0 |
| medquad | 15,280 questions and answers of the NIH | Ben Abacha and Demner-Fushman 2019; CC BY 4.0 |
| pubmedqa | 1,000 research questions with their abstracts | Jin et al. 2019; MIT |
| stackexchange | 12,201 question titles with the best answer | Stack Exchange contributors; CC BY-SA |
| nfcorpus, train | 110,575 judgements | Boteva et al. 2016; academic use (NanoNFCorpus: CC BY 4.0) |
| scifact, train | 919 judgements | Wadden et al. 2020; claims CC BY 4.0, abstracts ODC-By 1.0 |

Test splits and MS MARCO judgements were not used, neither to train nor to select the model. (Its backbone,
all-MiniLM-L6-v2, was trained by others on about a billion sentence pairs, which include MS MARCO and Natural
Questions.) The word embeddings were not changed in training.
"""

LIMITS = """## Limits

- It supports only English. Texts are converted to lower case, and words of other languages are split into word
  pieces on which it was not trained.
- It reads {max_length} tokens of a query with its document; the end of a longer document is not read.
- It has {layers} layers and was trained on {tokens:.0f} M tokens. \
A larger cross-encoder ranks better, at many times the cost.
- The model alone is not better than BM25 on every collection. The figures recommend the sum of both z-scores (over a
  query's candidates) with equal weights.
- A logit is only for ordering the candidates of one query; it is not a probability.
"""

FILES = """## Files and use

`model.onnx` ({megabytes:.1f} MB): inputs `input_ids`, `attention_mask`, `token_type_ids` (int64, batch x sequence),
output `logits` (float32, batch x 1). Weights are int8 with one scale per column; the word embeddings are int8 with one
scale per row; activations are uint8 with fixed ranges, measured on training pairs. So a pair gets the same score in
any batch, except for the rounding of float sums. The last layer is computed only at [CLS]. The model needs ONNX
Runtime, because it uses `com.microsoft` operators.

```python
from resift import load_scorer

scorer = load_scorer("resift-minilm-l3")
```

`training.json` contains the seed, the SHA-256 of the data, the settings, the losses over time and all figures. To
train the model again, run `python -m scripts.train_default all --work-dir WORK` in the root of the checkout.
"""


def card(manifest: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    stages = manifest["stages"].values()
    known = {
        "layers": manifest["model"]["layers"],
        "max_length": manifest["model"]["max_length"],
        "tokens": sum(stage["tokens"] for stage in stages) / 1e6,
        "megabytes": manifest["model"]["bytes"] / 1e6,
    }
    parts = [FRONT, figures(manifest), DATA.format(**known), LIMITS.format(**known), FILES.format(**known)]
    return "\n".join(part.strip() + "\n" for part in parts)


def figures(manifest: dict[str, Any]) -> str:
    """Return the section of measured figures; one line instead if none were measured."""
    measured = manifest.get("int8")
    if not measured:
        return "## Figures\n\nPreliminary weights: not measured yet.\n"
    lines = [
        "## Figures",
        "",
        "nDCG@10 after reranking BM25's top 100. The model was selected on these dev splits, so the figures are "
        "slightly\noptimistic.",
        "",
        "| dev split | queries | BM25 | model alone | z-score sum |",
        "|---|---|---|---|---|",
    ]
    for name, row in measured.items():
        lines.append(f"| {name} | {row['queries']} | {row['bm25']:.4f} | {row['alone']:.4f} | {row['z_sum']:.4f} |")
    lines += ["", *_agreement(manifest.get("agreement"))]
    return "\n".join(lines)


def _agreement(agreement: dict[str, float] | None) -> list[str]:
    if not agreement:
        return []
    return [
        f"Int8 compared with float32 on {agreement['pairs']} dev pairs: logits differ by {agreement['mean']:.3f} on "
        f"average, and by {agreement['max']:.3f} at most (their standard deviation is {agreement['spread']:.2f}). "
        f"Speed with {agreement['threads']} thread(s) on a busy 2-core server with VNNI: "
        f"{agreement['int8_tokens_per_second']:,} tokens per second in int8, "
        f"{agreement['float32_tokens_per_second']:,} in float32 ONNX."
    ]

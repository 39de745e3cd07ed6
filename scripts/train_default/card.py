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

A small English cross-encoder: it reads a query and a passage together and gives one score, a raw logit; higher is
more relevant. It is the model inside resift, made to rerank the top 100 of a BM25 search on a CPU.

"""

DATA = """## What it learned from

The first {layers} of 6 layers, the pooler and the embeddings of
[all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2) (Apache-2.0), with a new scoring head.
First it was taught the cosines of that bi-encoder over BM25's candidates, then judgements. The data:

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

No test split and no MS MARCO judgement was trained on or chosen by. (The backbone itself was made by others from
about a billion sentence pairs, MS MARCO and Natural Questions among them.) Word embeddings stayed frozen.
"""

LIMITS = """## Limits

- English only. It lower-cases, and other languages fall into word pieces that it never learned to weigh.
- It reads {max_length} tokens of a pair; of a longer document only the beginning counts.
- {layers} layers and {tokens:.0f} M training tokens: a larger cross-encoder ranks better, at many times the cost.
- Alone it is not better than BM25 everywhere; the equal sum of both z-scores (over a query's candidates) is
  what the figures recommend.
- A logit orders the candidates of one query; it is no probability.
"""

FILES = """## Files and use

`model.onnx` ({megabytes:.1f} MB): inputs `input_ids`, `attention_mask`, `token_type_ids` (int64, batch x sequence),
output `logits` (float32, batch x 1). Weights are int8, one scale a column; the word table is int8, one scale a row;
activations are uint8 with ranges fixed beforehand on training pairs, so a pair scores the same in any batch (to
rounding of float sums). The last layer is computed at [CLS] only. ONNX Runtime is needed (`com.microsoft` operators).

```python
from resift.rerank.scorers.load import load_scorer

scorer = load_scorer("resift-minilm-l3")
```

`training.json` holds the seed, the data's SHA-256, settings, losses over time and every figure. To make the model
again: `python -m scripts.train_default all --work-dir WORK` from the root of the checkout.
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
    """Return the section of measured figures; a line instead where none were measured."""
    measured = manifest.get("int8")
    if not measured:
        return "## Figures\n\nPreliminary weights: not measured yet.\n"
    lines = [
        "## Figures",
        "",
        "nDCG@10 of reranking BM25's top 100 on the dev splits that chose the model (so they flatter it a little).",
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
        f"Int8 against float32 on {agreement['pairs']} dev pairs: logits differ by {agreement['mean']:.3f} on average, "
        f"{agreement['max']:.3f} at most (their standard deviation is {agreement['spread']:.2f}). Speed on "
        f"{agreement['threads']} thread(s) of a busy 2-core server with VNNI: "
        f"{agreement['int8_tokens_per_second']:,} tokens a second in int8, "
        f"{agreement['float32_tokens_per_second']:,} in float32 ONNX."
    ]

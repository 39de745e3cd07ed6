import json
import math
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resift.indexer.bm25.build import build_index
from resift.retrieval.bm25 import store
from resift.retrieval.bm25.postings import Postings
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.errors import EngineError, SettingsError
from resift.retrieval.registry import embedded_path, open_retriever
from resift.retrieval.types import Document, Query, Ranking


def indexed(path: Path, documents: Iterable[Document], settings: Bm25Settings | None = None) -> Bm25Retriever:
    build_index(documents, path, settings or Bm25Settings(), overwrite=True)
    return Bm25Retriever.open(path)


def pairs(ranking: Ranking) -> list[tuple[str, float]]:
    return [(hit.document.doc_id, hit.score) for hit in ranking.hits]


def search(retriever: Bm25Retriever, text: str, depth: int = 100) -> list[tuple[str, float]]:
    [ranking] = retriever.retrieve([Query("q", text)], depth)
    return pairs(ranking)


def near(*expected: tuple[str, float]) -> object:
    return [(doc_id, pytest.approx(score)) for doc_id, score in expected]


THREE = [
    Document("a", "the cat sat on the mat", "Cats", {"year": 1999, "tags": ["x"]}),
    Document("b", "a dog"),
    Document("c", "dogs and cats"),
]


def test_scores_are_those_computed_by_hand(tmp_path: Path) -> None:
    retriever = indexed(tmp_path / "i", THREE)
    # terms: a = cat cat sat mat (4), b = dog (1), c = dog cat (2); cat and dog are in 2 of 3
    idf, mean = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5)), 7 / 3
    a = idf * 2 / (2 + 1.2 * (0.25 + 0.75 * 4 / mean))
    b = idf * 1 / (1 + 1.2 * (0.25 + 0.75 * 1 / mean))
    c = idf * 1 / (1 + 1.2 * (0.25 + 0.75 * 2 / mean))
    assert search(retriever, "cats") == near(("a", a), ("c", c))
    assert search(retriever, "cat dog") == near(("c", 2 * c), ("b", b), ("a", a))


def test_documents_come_back_with_title_text_and_fields(tmp_path: Path) -> None:
    odd = [
        *THREE,
        Document("\ud800 odd", "lone \udfff surrogate zebra", "日本 \ud83d\ude00", {"n": None, "é": {"x": [1.5]}}),
    ]
    [ranking] = indexed(tmp_path / "i", odd).retrieve([Query("q", "cat dog zebra")], 10)
    assert {hit.document.doc_id: hit.document for hit in ranking.hits} == {
        document.doc_id: document for document in odd
    }


def test_repeated_query_word_counts_each_time(tmp_path: Path) -> None:
    retriever = indexed(tmp_path / "i", THREE)
    assert search(retriever, "mat mat mat") == near(("a", 3 * search(retriever, "mat")[0][1]))


def test_equal_scores_go_by_descending_id_also_at_the_cut(tmp_path: Path) -> None:
    ids = ["10", "9", "é", "a", "B", "b1", "b"]
    retriever = indexed(tmp_path / "i", [Document(i, "same words") for i in ids])
    for depth in range(1, 9):
        assert [found for found, _ in search(retriever, "words", depth)] == sorted(ids, reverse=True)[:depth]


@pytest.mark.parametrize(
    "text", ["", " \n", "the of and", "unknownword", "\ud800\udfff", "\x00", "!!!", "🦄", "'s", "_", '": 1', '"']
)
def test_query_without_a_known_word_gives_no_hits(tmp_path: Path, text: str) -> None:
    assert search(indexed(tmp_path / "i", THREE), text) == []


def test_query_of_a_hundred_thousand_characters_is_answered(tmp_path: Path) -> None:
    retriever = indexed(tmp_path / "i", (Document(str(n), f"word{n} cat") for n in range(2000)))
    text = " ".join(f"word{n}" for n in range(12_000))[:100_000] + " cat"
    assert len(text) > 100_000
    assert len(search(retriever, text, 5000)) == 2000


def test_empty_batch_gives_no_rankings_and_batches_keep_their_order(tmp_path: Path) -> None:
    retriever = indexed(tmp_path / "i", THREE)
    assert retriever.retrieve([], 10) == []
    queries = [Query("1", "mat"), Query("2", "nothing"), Query("3", "dog")]
    assert [ranking.query for ranking in retriever.retrieve(queries, 10)] == queries


@pytest.mark.parametrize("depth", [0, -1])
def test_depth_below_one_is_refused(tmp_path: Path, depth: int) -> None:
    with pytest.raises(SettingsError, match="depth"):
        indexed(tmp_path / "i", THREE).retrieve([Query("q", "cat")], depth)


def test_corpus_without_a_single_term_is_searchable(tmp_path: Path) -> None:
    assert search(indexed(tmp_path / "i", [Document("a", ""), Document("b", "the")]), "the cat") == []


def test_whitespace_index_finds_words_with_lone_surrogates(tmp_path: Path) -> None:
    retriever = indexed(tmp_path / "i", [Document("a", 'x \ud800y "q": é')], Bm25Settings(language="whitespace"))
    for word in ["x", "\ud800y", '"q":', "é"]:
        assert [found for found, _ in search(retriever, word)] == ["a"]


def brute_force(texts: list[list[str]], query: list[str], k1: float, b: float) -> dict[int, float]:
    mean = sum(map(len, texts)) / len(texts) or 1.0
    scores = {}
    for number, words in enumerate(texts):
        score = 0.0
        for word in query:
            found = sum(word in other for other in texts)
            count = words.count(word)
            idf = math.log(1 + (len(texts) - found + 0.5) / (found + 0.5))
            score += idf * count / (count + k1 * (1 - b + b * len(words) / mean)) if count else 0.0
        if score:
            scores[number] = score
    return scores


WORD = st.sampled_from(["ox", "elk", "yak", "emu", "gnu", "kiwi"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.lists(WORD, max_size=6), min_size=1, max_size=30),
    query=st.lists(WORD, max_size=8),
    depth=st.integers(1, 12),
    k1=st.sampled_from([0.0, 0.9, 1.2]),
    b=st.sampled_from([0.0, 0.4, 1.0]),
)
def test_any_corpus_is_ranked_like_brute_force(
    tmp_path: Path, texts: list[list[str]], query: list[str], depth: int, k1: float, b: float
) -> None:
    documents = [Document(str(number), " ".join(words)) for number, words in enumerate(texts)]
    retriever = indexed(tmp_path / "i", documents, Bm25Settings(k1, b, "whitespace"))
    expected = brute_force(texts, query, k1, b)
    found = search(retriever, " ".join(query), depth)
    assert len(found) == min(depth, len(expected))
    assert all(score == pytest.approx(expected[int(doc_id)], rel=1e-5) for doc_id, score in found)
    everything = search(retriever, " ".join(query), len(texts))
    assert found == everything[:depth] == sorted(everything, key=lambda pair: (pair[1], pair[0]), reverse=True)[:depth]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), depth=st.integers(1, 300), levels=st.sampled_from([1, 3, 1000]))
def test_skipping_changes_neither_a_document_nor_a_bit_of_a_score(seed: int, depth: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    size = 5000
    lengths = np.append(rng.integers(1, 400, 4), rng.integers(2000, size, 4))
    lists = [np.sort(rng.choice(size, length, replace=False)) for length in lengths]
    scale = np.append(rng.uniform(2, 8, 4), rng.uniform(0.1, 1, 4))
    data = [top * (rng.integers(1, levels + 1, len(own)) / levels) for top, own in zip(scale, lists, strict=True)]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    flat = np.concatenate(data).astype(np.float32)
    places = np.concatenate(lists).astype(np.int32)
    ranks = rng.permutation(size).astype(np.int32)
    weights = {int(term): int(rng.integers(1, 3)) for term in rng.permutation(8)[: rng.integers(1, 9)]}

    full = np.zeros(size, np.float32)
    for term in sorted(weights, key=lambda term: lengths[term]):
        own = slice(*indptr[term : term + 2])
        full[places[own]] += flat[own] * np.float32(weights[term])
    order = np.lexsort((-ranks, -full))[:depth]
    expected = {(int(number), float(full[number])) for number in order if full[number] > 0}

    postings = Postings(flat, places, indptr, np.maximum.reduceat(flat, indptr[:-1]), ranks)
    numbers, scores = postings.top(weights, depth)
    assert Counter(zip(numbers.tolist(), scores.tolist(), strict=True)) == Counter(expected)


def test_threads_that_share_a_retriever_get_the_same_results_as_one_thread(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    documents = [Document(str(n), " ".join(f"w{w}" for w in rng.zipf(1.3, 20) % 500)) for n in range(1000)]
    retriever = indexed(tmp_path / "i", documents)
    queries = [[Query(str(n), f"w{n % 7} w{n % 50} w{n}")] for n in range(200)]
    alone = [retriever.retrieve(one, 10) for one in queries]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda one: retriever.retrieve(one, 10), queries)) == alone


def test_missing_index_is_refused_with_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"does not exist; build it with `resift index SOURCE --to bm25:.*none`"):
        Bm25Retriever.open(tmp_path / "none")


def test_folder_and_file_that_are_not_an_index_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is not an index"):
        Bm25Retriever.open(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(EngineError, match="is not an index"):
        Bm25Retriever.open(tmp_path / "file")
    (tmp_path / "manifest.json").write_text('{"format": "other"}')
    with pytest.raises(EngineError, match="is not an index of resift"):
        Bm25Retriever.open(tmp_path)


def test_index_of_another_version_is_refused(tmp_path: Path) -> None:
    indexed(tmp_path / "i", THREE)
    manifest = tmp_path / "i" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": 99}))
    with pytest.raises(EngineError, match="format version 99, expected 1; build it with .* --overwrite"):
        Bm25Retriever.open(tmp_path / "i")


@pytest.mark.parametrize("name", [*store.FILES, *store.CHANGE_FILES, store.MANIFEST])
@pytest.mark.parametrize("harm", ["missing", "cut", "emptied", "altered"])
def test_damaged_file_is_refused_with_what_to_do(tmp_path: Path, name: str, harm: str) -> None:
    indexed(tmp_path / "i", THREE)
    file = tmp_path / "i" / name
    body = file.read_bytes()
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes({"cut": body[:-3], "emptied": b"", "altered": b"#" * len(body)}[harm])
    with pytest.raises(EngineError, match="resift index SOURCE --to bm25:"):
        Bm25Retriever.open(tmp_path / "i")


def test_damage_that_opening_does_not_find_is_refused_in_a_search(tmp_path: Path) -> None:
    retriever = indexed(tmp_path / "i", THREE)
    broken = tmp_path / "i" / store.DOCUMENTS
    with broken.open("r+b") as file:  # the same inode: the open memory map changes
        file.write(b"########")
    with pytest.raises(EngineError, match="is damaged"):
        retriever.retrieve([Query("q", "cat")], 10)


@pytest.mark.parametrize(
    ("field", "value"),
    [("k1", -0.1), ("k1", math.nan), ("k1", math.inf), ("b", -0.1), ("b", 1.1), ("b", math.nan), ("language", "xx")],
)
def test_setting_that_cannot_be_used_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"^{field}: .*expected"):
        Bm25Settings(**{field: value})  # type: ignore[arg-type]


def test_url_and_plain_folder_open_the_same_index(tmp_path: Path) -> None:
    indexed(tmp_path / "i", THREE)
    for url in (f"bm25:{tmp_path / 'i'}", str(tmp_path / "i")):
        [ranking] = open_retriever(url).retrieve([Query("q", "mat")], 1)
        assert [hit.document.doc_id for hit in ranking.hits] == ["a"]
        assert embedded_path(url) == tmp_path / "i"


@pytest.mark.parametrize("url", ["ftp:x", "http//x", "", "bm25:", "nothing-here", ":", "\x00"])
def test_url_without_a_known_scheme_is_refused_with_the_known_ones(url: str) -> None:
    with pytest.raises(SettingsError, match="bm25:"):
        open_retriever(url)

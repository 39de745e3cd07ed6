"""Each API against a real server: how it is recognized, what it is sent, and the scores that come of its reply."""

from __future__ import annotations

import pytest

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.remote.dialects import TABLE
from resift.rerank.scorers.remote.scorer import RemoteScorer
from resift.rerank.scorers.server_address import DIALECTS
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.scorers.remote.servers import rerank_answer, resift_routes, serving, tei_routes

QUERY = "what do cats eat"
TEXTS = ["Rivers run to the sea.", "Cats eat meat, fish and mice.", "The price of bread rose.", "", "naïve 東京 🦄"]
PAIRS = [(QUERY, text) for text in TEXTS] + [("bread", text) for text in TEXTS[:3]]
LONG = ("bread", "The price of bread rose again. " * 200)


def test_every_dialect_of_an_address_has_a_row() -> None:
    assert tuple(TABLE) == DIALECTS


def test_a_server_of_resift_gives_what_its_model_gives_on_this_machine(local: Predictor) -> None:
    facts = {"languages": ["en"], "fusion": {"kind": "zscore", "weight": 0.8}, "activation": "identity"}
    with serving(resift_routes(local, **facts)) as server:
        remote, here = load_scorer(server.url), local.score([*PAIRS, LONG])
        found = remote.score([*PAIRS, LONG])
        assert found.logits.tolist() == here.logits.tolist()
        assert found.truncated.tolist() == here.truncated.tolist() == [False] * 8 + [True]
        assert found.query_truncated.tolist() == here.query_truncated.tolist()
        assert found.read_characters is not None and here.read_characters is not None
        assert found.read_characters.tolist() == here.read_characters.tolist()
        assert isinstance(remote, RemoteScorer)
        assert (remote.languages, remote.fusion, remote.activation) == (("en",), OwnFusion("zscore", 0.8), "identity")
        assert remote.max_length == 512
    [seen] = server.of("/score")
    assert seen.body["raw_scores"] is True and seen.body["details"] is True and "model" not in seen.body


def test_a_named_model_of_a_server_of_resift_is_asked_for(local: Predictor) -> None:
    with serving(resift_routes(local, models=["tiny", "other"], fusion={"kind": "none"})) as server:
        assert load_scorer(f"{server.url}#tiny").fusion == OwnFusion("none", 1.0)
        other = load_scorer(f"{server.url}#other")
        other.score(PAIRS)
        assert other.fusion is None  # the server says only that of its default
        with pytest.raises(ModelError, match="has no model third; it has tiny, other"):
            load_scorer(f"{server.url}#third")
    assert server.of("/score")[0].body["model"] == "other"


def test_tei_is_recognized_and_asked_for_logits_in_parts_of_its_own_size(local: Predictor) -> None:
    with serving(tei_routes(local, most=2)) as server:
        remote = load_scorer(server.url)
        assert remote.score(PAIRS).logits == pytest.approx(local.score(PAIRS).logits, abs=1e-6)
        assert sorted(len(seen.body["texts"]) for seen in server.of("/rerank")) == [1, 1, 2, 2, 2]
        assert not remote.score([LONG]).truncated.any() and remote.score([LONG]).read_characters is None
    assert server.of("/rerank")[0].body.items() >= {"raw_scores": True, "truncate": True}.items()


@pytest.mark.parametrize(
    ("dialect", "path", "rows", "more"),
    [
        ("cohere", "/v2/rerank", "results", {"model": "m"}),
        ("cohere-v1", "/v1/rerank", "results", {"model": "m", "return_documents": False}),
        ("jina", "/v1/rerank", "results", {"model": "m", "return_documents": False}),
        ("voyage", "/v1/rerank", "data", {"model": "m", "return_documents": False, "truncation": True}),
        ("vllm", "/v1/rerank", "results", {"model": "m"}),
        ("infinity", "/rerank", "results", {"model": "m", "return_documents": False}),
    ],
)
def test_a_named_dialect_is_asked_once_a_query_and_never_at_its_start(
    local: Predictor, dialect: str, path: str, rows: str, more: dict[str, object]
) -> None:
    with serving({path: rerank_answer(local, rows)}) as server:
        remote = load_scorer(f"{dialect}+{server.url}#m")
        assert server.seen == []
        assert remote.score(PAIRS).logits == pytest.approx(local.score(PAIRS).logits, abs=1e-4)
        expected = [row["corpus_id"] for row in local.rank(QUERY, TEXTS)]
        assert [row["corpus_id"] for row in remote.rank(QUERY, TEXTS)] == expected
    by_size = sorted(server.of(path)[:2], key=lambda seen: -len(seen.body["documents"]))
    assert [seen.body for seen in by_size] == [
        {"query": QUERY, "documents": [text or " " for text in TEXTS], **more},
        {"query": "bread", "documents": TEXTS[:3], **more},
    ]


def test_a_server_that_lists_one_model_is_asked_for_it(local: Predictor) -> None:
    models = {"object": "list", "data": [{"id": "org/m", "object": "model", "owned_by": "vllm"}]}
    with serving({"/v1/models": lambda seen: models, "/v1/rerank": rerank_answer(local)}) as server:
        load_scorer(server.url).score(PAIRS)
    assert server.of("/v1/rerank")[0].body["model"] == "org/m"


def test_infinity_is_recognized_by_the_place_of_its_list(local: Predictor) -> None:
    models = {"data": [{"id": "org/m", "owned_by": "infinity"}]}
    with serving({"/models": lambda seen: models, "/rerank": rerank_answer(local)}) as server:
        load_scorer(server.url).score(PAIRS)
    assert server.of("/rerank")[0].body["model"] == "org/m"


def test_of_a_server_with_several_models_one_is_to_be_named(local: Predictor) -> None:
    models = {"data": [{"id": "a"}, {"id": "b"}]}
    with serving({"/v1/models": lambda seen: models, "/v1/rerank": rerank_answer(local)}) as server:
        with pytest.raises(ModelError, match=r"several models or none \(a, b\); add one: http://.*#MODEL"):
            load_scorer(server.url)
        load_scorer(f"{server.url}#b").score(PAIRS)
    assert server.of("/v1/rerank")[0].body["model"] == "b"


def test_the_path_that_is_named_is_used(local: Predictor) -> None:
    with serving({"/proxy/rerank": rerank_answer(local)}) as server:
        assert len(load_scorer(f"cohere+{server.url}/proxy/rerank#m").score(PAIRS).logits) == len(PAIRS)


@pytest.mark.parametrize("dialect", ["cohere", "jina", "voyage"])
def test_a_dialect_that_needs_a_model_says_so_before_anything_is_sent(dialect: str) -> None:
    with pytest.raises(SettingsError, match=f"does not name a model, which {dialect} needs; add it: .*#MODEL"):
        load_scorer(f"{dialect}+http://127.0.0.1:9")


def test_a_server_that_is_no_reranker_is_an_error_that_lists_the_dialects() -> None:
    with (
        serving({"/": lambda seen: {}}) as server,
        pytest.raises(
            ModelError, match=r"does not say which API it has; name its dialect \(resift, tei, .*DIALECT\+http"
        ),
    ):
        load_scorer(server.url)


def test_a_server_of_another_kind_than_the_named_one_is_an_error(local: Predictor) -> None:
    with serving(tei_routes(local)) as server, pytest.raises(ModelError, match="/info is not that of resift"):
        load_scorer(f"resift+{server.url}")

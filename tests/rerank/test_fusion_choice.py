"""Which fusion applies: the user's settings, else the model's own, else the default."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from resift.rerank.fusion_choice import Fusion, choose_fusion
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.own_fusion import DEFAULT_FUSION as DEFAULT
from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.settings import RerankSettings
from resift.retrieval.types import Document, Hit, Query, Ranking

OWN, READ, ALONE = OwnFusion("zscore", 0.9), OwnFusion("zscore-read", 0.9), OwnFusion("none", 1.0)


@pytest.mark.parametrize(
    ("settings", "own", "expected"),
    [
        ({}, None, Fusion(DEFAULT.kind, DEFAULT.weight, "default")),
        ({}, OWN, Fusion("zscore", 0.9, "model")),
        ({}, ALONE, Fusion("none", 1.0, "model")),
        ({"fusion": "none"}, OWN, Fusion("none", 1.0, "settings")),
        ({"fusion": "none", "fusion_weight": 0.1}, OWN, Fusion("none", 1.0, "settings")),
        ({"fusion": "zscore"}, OWN, Fusion("zscore", 0.9, "settings")),
        ({"fusion": "zscore"}, ALONE, Fusion("zscore", DEFAULT.weight, "settings")),
        ({"fusion_weight": 0.0}, OWN, Fusion("zscore", 0.0, "settings")),
        ({"fusion_weight": 0.3}, ALONE, Fusion(DEFAULT.kind, 0.3, "settings")),
        ({"fusion_weight": 0.3}, None, Fusion(DEFAULT.kind, 0.3, "settings")),
        ({"fusion": "zscore"}, READ, Fusion("zscore", DEFAULT.weight, "settings")),
        ({"fusion": "zscore-read"}, READ, Fusion("zscore-read", 0.9, "settings")),
        ({"fusion_weight": 0.3}, READ, Fusion("zscore-read", 0.3, "settings")),
    ],
)
def test_settings_come_first_then_the_model_then_the_default(
    settings: dict[str, object], own: OwnFusion | None, expected: Fusion
) -> None:
    assert choose_fusion(RerankSettings(**settings), own) == expected  # type: ignore[arg-type]


class Numbers:
    """A scorer whose logit is the number that a text is, and which says how it is to be fused."""

    def __init__(self, fusion: object) -> None:
        self.fusion = fusion

    def score(self, pairs: Sequence[Pair]) -> Scores:
        no = np.zeros(len(pairs), dtype=np.bool_)
        return Scores(np.array([float(text) for _, text in pairs], dtype=np.float32), no, no)


RANKING = Ranking.of(
    Query("q", "soup"), [Hit(Document(doc_id, text), score) for doc_id, text, score in
                         (("a", "1", 9.0), ("b", "2", 5.0), ("c", "4", 1.0))]
)  # fmt: skip


@pytest.mark.parametrize(
    ("own", "order"),
    [(OwnFusion("zscore", 0.0), "abc"), (ALONE, "cba"), (OwnFusion("zscore", 0.9), "cba"), ("not a fusion", "cab")],
)
def test_a_scorer_of_ones_own_says_how_it_is_fused(own: object, order: str) -> None:
    [result] = Reranker(Numbers(own)).rerank([RANKING])
    if isinstance(own, str):  # not a fusion: the default, 0.5, where the higher logit is first of equal sums
        assert result.fusion == Fusion(DEFAULT.kind, DEFAULT.weight, "default")
        return
    assert [hit.document.doc_id for hit in result.ranking.hits] == list(order)
    assert result.fusion == Fusion(own.kind, own.weight, "model")  # type: ignore[attr-defined]


def test_other_settings_keep_the_models_own_fusion() -> None:
    reranker = Reranker(Numbers(OWN)).with_settings(rank_window_size=2)
    assert reranker.fusion == Fusion("zscore", 0.9, "model")
    assert reranker.with_settings(fusion_weight=0.25).fusion == Fusion("zscore", 0.25, "settings")


def test_a_description_names_both_shares_and_who_chose_them() -> None:
    read = choose_fusion(RerankSettings(), READ).describe("m")
    assert read == "0.9 m x share read + the rest first stage (z-scores, fitted for the model)"
    described = [choose_fusion(RerankSettings(), own).describe("m") for own in (OWN, ALONE, None)]
    assert described[0] == "0.9 m + 0.1 first stage (z-scores, fitted for the model)"
    assert described[1] == "m alone (fitted for the model)"
    assert described[2].startswith(f"{DEFAULT.weight:g} m ") and described[2].endswith("(z-scores, the default)")
    assert (
        choose_fusion(RerankSettings(fusion_weight=0.7), ALONE).describe("m")
        == "0.7 m x share read + the rest first stage (z-scores, as set)"
    )

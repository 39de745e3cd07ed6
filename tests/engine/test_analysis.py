"""The embedded analyzers compared with an engine's, on texts that the stored table does not have."""

import pytest

from resift.retrieval.bm25.analysis import analyzer
from tests.retrieval.bm25.lucene_words import ANALYZERS, answers, texts

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("name", ANALYZERS)
def test_terms_of_texts_of_all_scripts_are_those_of_the_engine(engine: str, name: str) -> None:
    made = texts(seed=2, count=3000)
    theirs = answers(engine, name, made)
    different = [
        (text, own, ours) for text, own in zip(made, theirs, strict=True) if (ours := analyzer(name)(text)) != own
    ]
    assert different == []

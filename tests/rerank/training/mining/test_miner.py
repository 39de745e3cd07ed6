"""Which candidates become negatives, on a real index, with a teacher that reads its score from the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.rerank.template import Template
from resift.rerank.training.mining.anchors import Anchor, Known
from resift.rerank.training.mining.miner import Miner
from resift.rerank.training.mining.settings import MineSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document, Query
from tests.rerank.training.mining.mined import WordTeacher, anchor, ids, indexed, mine, soups


def graded(*logits: float) -> list[Document]:
    """Return documents t0, t1 ... that BM25 ranks in this order, with the scores that the teacher will give them."""
    documents = []
    for place, logit in enumerate(logits):
        padding = " ".join(f"w{place}x{n}" for n in range(6 * place))
        documents.append(Document(f"t{place}", f"soup {padding} logit {logit}"))
    return documents


def test_negatives_are_the_best_ranked_documents_that_are_not_positive(tmp_path: Path) -> None:
    mined, miner = mine(indexed(tmp_path, *soups(10)), anchor("s01"), negatives=3)
    assert ids(mined) == ["s00", "s02", "s03"]
    assert mined is not None
    assert [(one.text.rank, one.kind) for one in mined.negatives] == [(1, "mined"), (3, "mined"), (4, "mined")]
    assert [one.text.doc_id for one in mined.positives] == ["s01"]
    assert miner.tally.left_out == {"positive": 1}


def test_ranks_are_those_of_the_first_stage_and_the_last_one_is_the_depth(tmp_path: Path) -> None:
    mined, _ = mine(indexed(tmp_path, *soups(12)), anchor("s00"), negatives=4, ranks="3-8")
    assert ids(mined) == ["s02", "s03", "s04", "s05"]
    mined, miner = mine(indexed(tmp_path, *soups(12)), anchor("s00"), negatives=4, ranks="10-13")
    assert (ids(mined), miner.tally.short) == (["s09", "s10", "s11"], 1)


def test_a_positive_that_the_search_does_not_find_is_fetched_by_its_id(tmp_path: Path) -> None:
    far = Document("far", "a text without the word", title="Stew")
    mined, _ = mine(indexed(tmp_path, far, *soups(5)), anchor("far"), negatives=1)
    assert mined is not None and [one.text.text for one in mined.positives] == ["Stew a text without the word"]


def test_a_query_whose_positives_are_not_in_the_index_is_dropped_and_counted(tmp_path: Path) -> None:
    mined, miner = mine(indexed(tmp_path, *soups(5)), anchor("elsewhere", "s99"))
    assert mined is None
    assert (miner.tally.dropped, miner.tally.missing) == ({"none of its positives is in the index": 1}, 2)


def test_copies_of_a_positive_are_never_negatives_whatever_their_titles_are(tmp_path: Path) -> None:
    text = "Simmer red lentils in soup with onion, cumin and garlic for twenty minutes, and serve them with bread"
    copies = [
        Document("same", text.upper() + "!"),
        Document("titled", text, title="Lentils"),
        Document("near", text + " now"),
        Document("other", "Simmer green peas in soup with mint for ten minutes"),
    ]
    mined, miner = mine(indexed(tmp_path, Document("good", text), *copies), anchor("good", query="lentils soup"))
    assert ids(mined) == ["other"]
    assert miner.tally.left_out == {"positive": 1, "copy of a positive": 3}
    mined, _ = mine(indexed(tmp_path, Document("good", text), *copies), anchor("good", query="lentils soup"), copies=2)
    assert sorted(ids(mined)) == ["near", "other"]


def test_a_positive_given_as_text_is_found_in_the_index_and_written_as_it_is_read_there(tmp_path: Path) -> None:
    index = indexed(tmp_path, Document("x", "Peel the potatoes and boil them", title="Mash"), *soups(4))
    known = (Known(text="peel the potatoes, and boil them"), Known(text="a text that the index does not have"))
    mined, miner = mine(index, Anchor(Query("q", "soup potatoes"), known), negatives=2)
    assert mined is not None
    assert [(one.text.doc_id, one.text.text) for one in mined.positives] == [
        ("x", "Mash Peel the potatoes and boil them"),
        ("", "a text that the index does not have"),
    ]
    assert ids(mined) == ["s00", "s01"]
    assert miner.tally.unlocated == 1
    assert "1 document of the pairs is not in the index" in miner.tally.notes()[0]


def test_the_query_itself_empty_texts_and_repeated_texts_are_left_out(tmp_path: Path) -> None:
    index = indexed(
        tmp_path,
        Document("self", "Hot soup."),
        Document("one", "hot soup bowl"),
        Document("two", "Hot soup, bowl"),
        Document("good", "hot"),
    )
    mined, miner = mine(index, anchor("good", query="hot soup"))
    assert len(ids(mined)) == 1
    assert miner.tally.left_out == {"the query itself": 1, "copy of another negative": 1, "positive": 1}


def test_judged_negatives_come_first_and_partly_relevant_documents_never(tmp_path: Path) -> None:
    one = Anchor(Query("q", "soup"), (Known("s03"),), (Known("s07", grade=0),), frozenset({"s00"}))
    mined, _ = mine(indexed(tmp_path, *soups(9)), one, negatives=3)
    assert mined is not None
    assert [(found.text.doc_id, found.kind) for found in mined.negatives] == [
        ("s07", "known"),
        ("s01", "mined"),
        ("s02", "mined"),
    ]
    mined, _ = mine(indexed(tmp_path, *soups(9)), one, negatives=3, known_negatives=False)
    assert ids(mined) == ["s01", "s02", "s04"]


def test_a_candidate_that_the_teacher_scores_above_the_positive_is_no_negative(tmp_path: Path) -> None:
    index = indexed(tmp_path, *graded(3.0, 5.0, 2.0, 3.5, -1.0))
    mined, miner = mine(index, anchor("t0"), WordTeacher(), negatives=5, ranks="1-9")
    assert ids(mined) == ["t2", "t4"]
    assert miner.tally.left_out == {"positive": 1, "absolute margin": 2}
    assert mined is not None and [one.logit for one in mined.negatives] == [2.0, -1.0]
    assert miner.tally.pairs == 5


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"absolute_margin": 1.5}, ["t4", "t5"]),
        ({"absolute_margin": None, "relative_margin": 0.1}, ["t2", "t4", "t5"]),
        ({"absolute_margin": None, "max_score": 0.0}, ["t4", "t5"]),
        ({"absolute_margin": None, "min_score": 0.0}, ["t1", "t2", "t3"]),
        ({"absolute_margin": None, "max_score": 0.9, "score_scale": "probability"}, ["t2", "t4", "t5"]),
    ],
)
def test_margins_and_bounds_by_hand(tmp_path: Path, settings: dict[str, object], expected: list[str]) -> None:
    # the positive has 3.0; sigmoid(2) = 0.88, sigmoid(2.9) = 0.95
    index = indexed(tmp_path, *graded(3.0, 5.0, 2.0, 2.9, -1.0, -3.0))
    mined, _ = mine(index, anchor("t0"), WordTeacher(), ranks="1-9", **settings)
    assert ids(mined) == expected


def test_the_relative_margin_lowers_the_bound_also_below_a_negative_score(tmp_path: Path) -> None:
    # as sentence-transformers: s - m * |s| = -2.2, and not s * (1 - m) = -1.8
    index = indexed(tmp_path, *graded(-2.0, -1.9, -2.1, -2.3))
    settings = {"absolute_margin": None, "relative_margin": 0.1}
    mined, _ = mine(index, anchor("t0"), WordTeacher(), ranks="1-9", **settings)
    assert ids(mined) == ["t3"]


@pytest.mark.parametrize(("base", "expected"), [("lowest", []), ("median", ["t3"]), ("highest", ["t3", "t4"])])
def test_margins_are_measured_from_the_positive_that_is_named(tmp_path: Path, base: str, expected: list[str]) -> None:
    index = indexed(tmp_path, *graded(-5.0, 1.0, 4.0, 0.0, 3.0))
    mined, _ = mine(index, anchor("t0", "t1", "t2"), WordTeacher(), ranks="1-9", margin_from=base)
    assert ids(mined) == expected


def test_a_judgement_counts_more_than_the_teacher_and_a_skipped_result_less(tmp_path: Path) -> None:
    index = indexed(tmp_path, *graded(1.0, 5.0, 6.0))
    known = (Known("t1", grade=0), Known("t2", grade=0, certain=False))
    mined, miner = mine(index, Anchor(Query("q", "soup"), (Known("t0"),), known), WordTeacher())
    assert ids(mined) == ["t1"]
    assert miner.tally.left_out["absolute margin"] == 1


def test_only_as_many_candidates_are_scored_as_are_needed(tmp_path: Path) -> None:
    teacher = WordTeacher()
    mine(indexed(tmp_path, *soups(60), Document("good", "logit 9")), anchor("good"), teacher, negatives=2)
    assert [len(call) for call in teacher.calls] == [1, 8]


def test_random_sampling_depends_on_the_seed_and_the_query_alone(tmp_path: Path) -> None:
    index = indexed(tmp_path, *soups(40))
    drawn = [ids(mine(index, anchor("s00"), sampling="random", seed=seed)[0]) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    other, _ = mine(index, anchor("s00", "s07"), sampling="random", seed=1)
    assert [one for one in drawn[0] if one != "s07"] == ids(other)[: len([one for one in drawn[0] if one != "s07"])]


def test_random_negatives_are_of_the_whole_index_and_not_among_the_hits(tmp_path: Path) -> None:
    others = [Document(f"o{n}", f"bread{n} and butter{n}") for n in range(30)]
    mined, _ = mine(indexed(tmp_path, *soups(5), *others), anchor("s00"), negatives=2, random_negatives=3)
    assert mined is not None
    assert [one.kind for one in mined.negatives] == ["mined", "mined", "random", "random", "random"]
    assert all(doc_id.startswith("o") for doc_id in ids(mined)[2:])


def test_a_query_that_finds_nothing_gets_random_negatives_or_is_dropped(tmp_path: Path) -> None:
    index = indexed(tmp_path, *soups(5))
    mined, _ = mine(index, anchor("s00", query="zzz"), random_negatives=2)
    assert len(ids(mined)) == 2
    mined, miner = mine(index, anchor("s00", query="zzz"))
    assert (mined, miner.tally.dropped) == (None, {"no negative was left": 1})


def test_texts_are_those_that_the_model_reads_in_a_search(tmp_path: Path) -> None:
    index = indexed(
        tmp_path,
        Document("a", "<p>red <b>soup</b></p>", title="One", fields={"kind": "x"}),
        Document("b", "soup soup", title="Two", fields={"kind": "y"}),
    )
    template = Template("{kind}: {title} {text}")
    miner = Miner(index, template, MineSettings(teacher="none"))
    [mined] = miner.mine([anchor("a")])
    assert mined is not None
    documents = [hit.document for hit in index.retrieve([Query("q", "soup")], 2)[0].hits]
    served = {document.doc_id: template.render(document) for document in documents}
    assert {one.text.doc_id: one.text.text for one in (*mined.positives, *mined.negatives)} == served
    assert served["a"] == "x: One red soup"
    [mined] = Miner(index, Template("{absent} {text}"), MineSettings(teacher="none")).mine([anchor("a")])
    assert mined is not None


def test_a_field_of_the_template_that_no_document_has_is_reported(tmp_path: Path) -> None:
    miner = Miner(indexed(tmp_path, *soups(3)), Template("{titel} {text}"), MineSettings(teacher="none"))
    list(miner.mine([anchor("s00")]))
    assert miner.tally.notes() == ["none of the 3 documents has the template's {titel}; left empty (`template`)"]


@pytest.mark.parametrize("batch", [1, 2, 50])
def test_what_is_mined_does_not_depend_on_the_size_of_the_batches(tmp_path: Path, batch: int) -> None:
    index = indexed(tmp_path, *soups(30))
    anchors = [Anchor(Query(str(n), f"soup bowl{n}"), (Known(f"s{n:02}"),)) for n in range(9)]
    mined = {}
    for size in (3, batch):
        settings = MineSettings(teacher="none", sampling="random", random_negatives=2, batch_queries=size)
        mined[size] = list(Miner(index, Template(), settings).mine(anchors))
    assert mined[3] == mined[batch]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"ranks": "50-10"}, "ranks"),
        ({"ranks": "0-10"}, "ranks"),
        ({"ranks": "ten"}, "ranks"),
        ({"ranks": "5-6", "negatives": 3}, "negatives"),
        ({"negatives": 0}, "negatives"),
        ({"negatives": -1}, "negatives"),
        ({"teacher": "none", "max_score": 1.0}, "max_score"),
        ({"teacher": "none", "labels": "teacher"}, "labels"),
        ({"form": "triplet", "labels": "grade"}, "labels"),
        ({"form": "quadruplet"}, "form"),
        ({"relative_margin": 1.5}, "relative_margin"),
        ({"absolute_margin": float("nan")}, "absolute_margin"),
        ({"copies": 0.0}, "copies"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, object], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        MineSettings(**given)  # type: ignore[arg-type]
    assert caught.value.field == field

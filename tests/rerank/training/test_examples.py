from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.template import Template
from resift.rerank.training.examples import (
    Contrast,
    Example,
    LabelledList,
    LabelledPair,
    Pair,
    read_examples,
    read_written,
    write_examples,
)
from resift.retrieval.errors import CorpusError


def read_objects(folder: Path, *objects: Any) -> list[Example]:
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in objects), encoding="utf-8")
    return list(read_examples(path))


EACH_FORM: list[Example] = [
    Pair("who wrote it", "He did."),
    LabelledPair("who wrote it", "He did.", 0.25),
    Contrast("who wrote it", "He did.", ("Rain.",)),
    Contrast("who wrote it", "He did.", ("Rain.", "Snow \U0001f600")),
    LabelledList("who wrote it", ("He did.", "Rain."), (7.25, -3.0)),
    LabelledList("who wrote it", ("He did.", "Rain."), (7.25, -3.0), (1.0, 0.0)),
]


@pytest.mark.parametrize("name", ["data.jsonl", "data.jsonl.gz", "data.parquet"])
@pytest.mark.parametrize("example", EACH_FORM)
def test_what_is_written_in_any_form_is_read_again(tmp_path: Path, name: str, example: Example) -> None:
    assert write_examples(tmp_path / name, iter([example, example])) == 2
    assert list(read_examples(tmp_path / name)) == [example, example]


@pytest.mark.parametrize("name", ["data.jsonl", "data.jsonl.gz"])
def test_texts_that_were_written_are_read_without_another_treatment_of_their_html(tmp_path: Path, name: str) -> None:
    given = [*EACH_FORM, Pair("how is bold written", "Write <b>bold</b> for bold, and &amp; for &.")]
    write_examples(tmp_path / name, given)
    assert list(read_written(tmp_path / name)) == given
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:-20])
    with pytest.raises(CorpusError, match=name):
        list(read_written(tmp_path / name))


def test_a_template_builds_the_texts_whose_parts_are_apart_and_leaves_whole_texts(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    rows = [
        {"query": "q", "document": "A <b>long</b> tail.", "title": "Cats", "label": 1, "kind": "pets"},
        {"query": "q", "document": {"text": "A tail.", "title": "Dogs", "kind": "wolves"}, "label": 1},
        {"query": "q", "document": {"text": "A tail.", "title": "Dogs"}, "kind": "pets", "label": 1},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    template = Template("{kind}, {title}: {text}")
    texts = ["pets, Cats: A long tail.", "wolves, Dogs: A tail.", "pets, Dogs: A tail."]
    assert list(read_examples(path, template)) == [LabelledPair("q", text, 1.0) for text in texts]
    path.write_text(json.dumps({"query": "q", "document": "Cats A <b>long</b> tail.", "negative": "Rain."}) + "\n")
    assert list(read_examples(path, template)) == [Contrast("q", "Cats A long tail.", ("Rain.",))]
    assert list(read_examples(path, Template("{label} {query} {text}", "keep"))) == [
        Contrast("q", "Cats A <b>long</b> tail.", ("Rain.",))
    ]


def test_equal_examples_give_equal_bytes_also_compressed(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_examples(tmp_path / name, EACH_FORM[:1])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert json.loads(gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())) == {
        "query": "who wrote it",
        "document": "He did.",
    }


def test_a_file_is_replaced_only_if_all_examples_were_written(tmp_path: Path) -> None:
    write_examples(tmp_path / "data.jsonl", EACH_FORM[:1])

    def failing() -> Any:
        yield EACH_FORM[0]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        write_examples(tmp_path / "data.jsonl", failing())
    assert list(read_examples(tmp_path / "data.jsonl")) == EACH_FORM[:1]
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"question": "q", "answer": "a"}, [Pair("q", "a")]),
        ({"anchor": "q", "positive": "a"}, [Pair("q", "a")]),
        ({"query": "q", "title": "T", "positive": "a text"}, [Pair("q", "T a text")]),
        ({"query": "q", "document": {"title": "T", "text": "a text"}}, [Pair("q", "T a text")]),
        ({"query": "q", "passage": "a", "score": "0.5"}, [LabelledPair("q", "a", 0.5)]),
        ({"query": "q", "document": "a", "label": True}, [LabelledPair("q", "a", 1.0)]),
        ({"query": "q", "positive": "a", "negative_2": "c", "negative_1": "b"}, [Contrast("q", "a", ("b", "c"))]),
        ({"query": "q", "pos": ["a", "b"], "neg": ["c"]}, [Contrast("q", "a", ("c",)), Contrast("q", "b", ("c",))]),
        (
            {"query": "q", "positive_passages": [{"title": "T", "text": "a"}], "negative_passages": [{"text": "b"}]},
            [Contrast("q", "T a", ("b",))],
        ),
        ({"query": "q", "documents": ["a", "b"], "labels": [2, 0]}, [LabelledList("q", ("a", "b"), (2.0, 0.0))]),
    ],
)
def test_columns_with_other_usual_names_are_known(tmp_path: Path, given: Any, expected: list[Example]) -> None:
    assert read_objects(tmp_path, given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"query": "q"}, "line 2: 'document' is missing; expected a text"),
        ({"query": " ", "document": "a"}, "line 2: 'query' is empty; expected a text"),
        ({"query": "q", "document": "\u200b"}, "line 2: 'document' is empty; expected a text"),
        ({"query": 7, "document": "a"}, "line 2: 'query' is 7; expected a text"),
        ([1], "line 2: a JSON array; expected one JSON object per line"),
        ({"query": "q", "document": "a", "label": 0}, "line 2: has 'label', which the first record does not have"),
        ({"query": "q", "document": "a", "negative": "b"}, "line 2: has 'negative', which the first record does not"),
    ],
)
def test_a_bad_example_is_named_with_its_line(tmp_path: Path, given: Any, message: str) -> None:
    with pytest.raises(CorpusError, match="data.jsonl, ") as raised:
        read_objects(tmp_path, {"query": "q", "document": "a"}, given)
    assert message in str(raised.value)


def test_examples_may_have_different_numbers_of_negatives(tmp_path: Path) -> None:
    examples: list[Example] = [Contrast("q", "a", ("b",)), Contrast("r", "c", ("d", "e")), Contrast("s", "f", ("g",))]
    write_examples(tmp_path / "data.jsonl", examples)
    write_examples(tmp_path / "more.parquet", [examples[1], examples[0]])
    assert list(read_examples(tmp_path / "data.jsonl")) == examples
    assert list(read_examples(tmp_path / "more.parquet")) == [examples[1], examples[0]]


def test_labels_that_are_not_numbers_or_not_as_many_as_documents_are_refused(tmp_path: Path) -> None:
    for label in ("high", None, "nan", 10**400, 1e308):
        with pytest.raises(CorpusError, match="line 1: 'label' is .*; expected a number"):
            read_objects(tmp_path, {"query": "q", "document": "a", "label": label})
    with pytest.raises(CorpusError, match="line 1: 2 documents but 1 labels; expected equally many"):
        read_objects(tmp_path, {"query": "q", "documents": ["a", "b"], "labels": [1]})


def test_bad_examples_are_left_out_if_the_caller_takes_them(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"query": "q", "document": "a"}\n{"query": "q"}\nnothing\n')
    bad: list[CorpusError] = []
    assert list(read_examples(tmp_path / "data.jsonl", on_bad=bad.append)) == [Pair("q", "a")]
    assert [error.line for error in bad] == [2, 3]


def test_lone_surrogates_are_replaced_so_that_the_texts_can_be_written(tmp_path: Path) -> None:
    examples = read_objects(tmp_path, {"query": "a \ud800 b \U0001f600", "document": {"title": "x\udfff", "text": "c"}})
    assert examples == [Pair("a \ufffd b \U0001f600", "x\ufffd c")]
    write_examples(tmp_path / "again.jsonl", examples)
    assert list(read_examples(tmp_path / "again.jsonl")) == examples


def test_a_message_names_no_setting_that_training_data_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("foo,bar\na,b\n")
    with pytest.raises(CorpusError, match="but 'foo', 'bar'; give the file a header row with such names$"):
        list(read_examples(tmp_path / "data.csv"))
    (tmp_path / "latin.csv").write_bytes("query,document\nFüße,b\n".encode("cp1252"))
    with pytest.raises(CorpusError, match="line 2: .*; save it as UTF-8$"):
        list(read_examples(tmp_path / "latin.csv"))


def test_columns_that_make_no_example_are_listed(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"line 1: has no column with the document .* but 'query', 'url'"):
        read_objects(tmp_path, {"query": "q", "url": "x"})
    with pytest.raises(CorpusError, match=r"line 1: has 'documents' without labels"):
        read_objects(tmp_path, {"query": "q", "documents": ["a"]})


def test_tables_are_read_with_and_without_a_header_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('question,answer\nwho,"he, or she"\n')
    (tmp_path / "triples.tsv").write_text("what is rain\twater that falls\tdry sand\n")
    (tmp_path / "labelled.tsv").write_text("what is rain\twater that falls\t1\nwhat is rain\tdry sand\t0\n")
    assert list(read_examples(tmp_path / "a.csv")) == [Pair("who", "he, or she")]
    assert list(read_examples(tmp_path / "triples.tsv")) == [
        Contrast("what is rain", "water that falls", ("dry sand",))
    ]
    assert list(read_examples(tmp_path / "labelled.tsv")) == [
        LabelledPair("what is rain", "water that falls", 1.0),
        LabelledPair("what is rain", "dry sand", 0.0),
    ]


def test_a_folder_and_standard_input_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_examples(tmp_path / "b.parquet", [Pair("q2", "b")])
    write_examples(tmp_path / "a.jsonl.gz", [Pair("q1", "a")])
    (tmp_path / "notes.txt").write_text("not examples")
    assert list(read_examples(tmp_path)) == [Pair("q1", "a"), Pair("q2", "b")]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"query": "q", "document": "a"}\n')))
    assert list(read_examples("-")) == [Pair("q", "a")]


def test_a_source_that_is_missing_empty_or_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "data.xlsx").write_text("")
    (tmp_path / "folder").mkdir()
    for name, message in {
        "none.jsonl": "does not exist",
        "empty.jsonl": "contains no training examples",
        "data.xlsx": r"the extension '.xlsx' is not known; expected JSON lines",
        "folder": "is a folder without training examples",
    }.items():
        with pytest.raises(CorpusError, match=message):
            list(read_examples(tmp_path / name))

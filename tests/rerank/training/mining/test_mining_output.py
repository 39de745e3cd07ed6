"""The forms of the output, and that a mine which was stopped ends with the same bytes as one that was not."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from resift.rerank.template import Template
from resift.rerank.training.examples import read_examples
from resift.rerank.training.mining.anchors import Anchor, Known
from resift.rerank.training.mining.found import Text
from resift.rerank.training.mining.mined import Labelled, Mined, to_examples
from resift.rerank.training.mining.miner import Miner
from resift.rerank.training.mining.output import MiningOutput
from resift.rerank.training.mining.run import mine_to_file
from resift.rerank.training.mining.settings import MineSettings
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.errors import CorpusError, ModelError, SettingsError
from resift.retrieval.types import Query
from tests.rerank.training.mining.mined import WordTeacher, indexed, soups

FACTS = {"ranks": "1-100"}


def labelled(text: str, kind: str, logit: float, grade: float = 0.0) -> Labelled:
    return Labelled(Text(text, grade=grade), kind, logit)


MINED = Mined(
    Query("q", "soup"),
    (labelled("best", "positive", 5.123456, 2), labelled("good", "positive", 4.0, 1)),
    (labelled("bad", "mined", -1.5), labelled("worse", "random", -8.0)),
)


def made(**settings: object) -> list[dict[str, object]]:
    chosen = MineSettings(**{"negatives": 2, **settings})  # type: ignore[arg-type]
    return [example.to_json() for example in to_examples(MINED, chosen)]


def test_the_forms_are_those_of_sentence_transformers() -> None:
    assert made(form="labeled-pair") == [
        {"query": "soup", "document": "best", "label": 1},
        {"query": "soup", "document": "good", "label": 1},
        {"query": "soup", "document": "bad", "label": 0},
        {"query": "soup", "document": "worse", "label": 0},
    ]
    assert made(form="labeled-list", labels="grade") == [
        {"query": "soup", "documents": ["best", "good", "bad", "worse"], "labels": [2, 1, 0, 0]}
    ]
    assert made(form="triplet") == [
        {"query": "soup", "positive": positive, "negative": negative}
        for positive in ("best", "good")
        for negative in ("bad", "worse")
    ]
    assert made(form="n-tuple") == [
        {"query": "soup", "positive": positive, "negative_1": "bad", "negative_2": "worse"}
        for positive in ("best", "good")
    ]
    assert made(form="n-tuple", negatives=3) == []


def test_the_labels_of_a_distillation_are_raw_logits_beside_the_judgements() -> None:
    assert made(form="labeled-list", labels="teacher") == [
        {
            "query": "soup",
            "documents": ["best", "good", "bad", "worse"],
            "labels": [5.1235, 4, -1.5, -8],
            "relevance": [2, 1, 0, 0],
        }
    ]


def anchors(count: int = 8) -> list[Anchor]:
    return [Anchor(Query(str(n), f"soup bowl{n}"), (Known(f"s{n:02}"),)) for n in range(count)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Bm25Retriever:
    return indexed(tmp_path_factory.mktemp("soups"), *soups(20))


def run(index: Bm25Retriever, path: Path, given: list[Anchor], *, overwrite: bool = False) -> MiningOutput:
    output = MiningOutput(path, FACTS)
    miner = Miner(index, Template(), MineSettings(teacher="none", negatives=2))
    with output.opened(overwrite=overwrite):
        mine_to_file(given, miner, output)
    return output


class Stopping(list[Anchor]):
    """Anchors of which reading stops before the last ones, as by Ctrl-C."""

    def __iter__(self) -> Iterator[Anchor]:
        yield from self[:5]
        raise KeyboardInterrupt


def test_a_mine_that_was_interrupted_continues_and_ends_with_the_same_bytes(
    index: Bm25Retriever, tmp_path: Path
) -> None:
    whole = run(index, tmp_path / "whole.jsonl", anchors())
    output = MiningOutput(tmp_path / "stopped.jsonl", FACTS)
    settings = MineSettings(teacher="none", negatives=2, batch_queries=2)
    with pytest.raises(KeyboardInterrupt), output.opened():
        mine_to_file(Stopping(anchors()), Miner(index, Template(), settings), output)
    assert not (tmp_path / "stopped.jsonl").exists()
    with (tmp_path / "stopped.jsonl.part.jsonl").open("a") as file:
        file.write('{"query": "half a li')  # written after the last checkpoint, as before a kill
    resumed = run(index, tmp_path / "stopped.jsonl", anchors())
    assert (tmp_path / "stopped.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert resumed.tally == whole.tally
    assert sorted(file.name for file in tmp_path.iterdir()) == ["stopped.jsonl", "whole.jsonl"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.rerank.training.mining.mined import WordTeacher
from tests.rerank.training.mining.test_mining_output import FACTS, MineSettings, Miner, MiningOutput, Template, anchors
from tests.rerank.training.mining.test_mining_output import Bm25Retriever, mine_to_file

def done(count):
    if count == 3:
        output.save()
    if count == 5:
        os.kill(os.getpid(), signal.SIGKILL)

output = MiningOutput(Path(sys.argv[2]), FACTS)
miner = Miner(Bm25Retriever.open(Path(sys.argv[1])), Template(), MineSettings(teacher="none", negatives=2))
with output.opened():
    mine_to_file(anchors(), miner, output, done)
"""


def test_a_mine_that_was_killed_continues_after_its_last_checkpoint(index: Bm25Retriever, tmp_path: Path) -> None:
    run(index, tmp_path / "whole.jsonl", anchors())
    target = tmp_path / "killed.jsonl"
    done = subprocess.run([sys.executable, "-c", KILLED, str(index.path), str(target)], check=False)
    assert done.returncode == -9
    assert json.loads((tmp_path / "killed.jsonl.part.json").read_text())["done"] == 3
    assert run(index, target, anchors()).tally.anchors == 8
    assert target.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


class Failing(WordTeacher):
    """A teacher that fails at its fourth query."""

    def score(self, pairs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        if len(self.calls) > 6:
            raise ModelError("out of order")
        return super().score(pairs)


def test_what_was_mined_survives_an_error_of_the_teacher(index: Bm25Retriever, tmp_path: Path) -> None:
    settings = MineSettings(negatives=2, absolute_margin=None)
    outputs = [MiningOutput(tmp_path / name, FACTS) for name in ("a.jsonl", "b.jsonl")]
    with pytest.raises(ModelError), outputs[0].opened():
        mine_to_file(anchors(), Miner(index, Template(), settings, Failing()), outputs[0])
    assert outputs[0].done == 3
    for output in (MiningOutput(tmp_path / "a.jsonl", FACTS), outputs[1]):
        with output.opened():
            mine_to_file(anchors(), Miner(index, Template(), settings, WordTeacher()), output)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def stopped(index: Bm25Retriever, path: Path) -> None:
    output = MiningOutput(path, FACTS)
    settings = MineSettings(teacher="none", negatives=2, batch_queries=1)
    with pytest.raises(KeyboardInterrupt), output.opened():
        mine_to_file(Stopping(anchors()), Miner(index, Template(), settings), output)


def test_a_stopped_mine_is_not_continued_with_another_input_or_other_settings(
    index: Bm25Retriever, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    stopped(index, path)
    with pytest.raises(SettingsError, match="the first 5 queries are not those of .*: the input has changed"):
        run(index, path, anchors()[1:])
    with pytest.raises(SettingsError, match="the input has changed"):
        run(index, path, anchors()[:4])
    with pytest.raises(SettingsError, match="was begun with ranks '1-100', not '5-9'; use the same"):
        with MiningOutput(path, {"ranks": "5-9"}).opened():
            pass
    run(index, path, anchors()[1:], overwrite=True)
    assert len(path.read_text().splitlines()) == 7 * 3


def test_a_damaged_checkpoint_is_reported_and_nothing_is_lost(index: Bm25Retriever, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    stopped(index, path)
    before = (tmp_path / "a.jsonl.part.jsonl").read_bytes()
    for content in (
        "",
        "{}",
        '{"done": 3}',
        "[1]",
        '{"done": 2, "bytes": 99999999, "digest": "", "tally": {}, "facts": {"ranks": "1-100"}}',
    ):
        (tmp_path / "a.jsonl.part.json").write_text(content)
        with pytest.raises(SettingsError, match="to begin anew"):
            run(index, path, anchors())
        assert (tmp_path / "a.jsonl.part.jsonl").read_bytes() == before


def test_an_output_that_exists_is_not_replaced_without_being_asked(index: Bm25Retriever, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("mine\n")
    with pytest.raises(SettingsError, match="exists; name another file, or set `overwrite`"):
        run(index, path, anchors())
    assert path.read_text() == "mine\n"
    run(index, path, anchors(), overwrite=True)
    assert len(path.read_text().splitlines()) == 8 * 3


def test_two_mines_do_not_write_the_same_file(index: Bm25Retriever, tmp_path: Path) -> None:
    with MiningOutput(tmp_path / "a.jsonl", FACTS).opened():
        with pytest.raises(CorpusError, match="another process is mining into this file"):
            run(index, tmp_path / "a.jsonl", anchors())


def test_compressed_and_parquet_outputs_have_the_same_examples(index: Bm25Retriever, tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.jsonl.gz", "b.jsonl.gz", "a.parquet"):
        run(index, tmp_path / name, anchors())
    plain = (tmp_path / "a.jsonl").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == plain
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    rows = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert rows == [json.loads(line) for line in plain.decode().splitlines()]
    assert len(list(read_examples(tmp_path / "a.jsonl.gz"))) == 24


def test_a_mine_without_any_example_is_an_error_with_the_reasons(index: Bm25Retriever, tmp_path: Path) -> None:
    lost = [Anchor(Query("1", "soup"), (Known("elsewhere"),))]
    with pytest.raises(
        CorpusError, match=r"no example was made of 1 queries: none of its positives is in the index \(1\)"
    ):
        run(index, tmp_path / "a.jsonl", lost)

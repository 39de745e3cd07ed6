"""Which index a load replaces: one that resift made, and any other only if its name is given twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.engines import ask, is_opensearch
from tests.engine.searching import Fill
from tests.engine.test_load import corpus, count, load, many

pytestmark = pytest.mark.engine


def carried(target: str) -> dict[str, Any]:
    """Return what an index of resift carries in its mapping."""
    [mapping] = ask("GET", f"{target}/_mapping").values()
    assert isinstance(mapping, dict)
    found: dict[str, Any] = mapping["mappings"]["_meta"]["resift"]
    return found


def test_an_index_that_resift_did_not_make_is_left_as_it_is_by_overwrite(
    filled: Fill, name: str, tmp_path: Path
) -> None:
    target = filled({"1": {"sku": "precious"}, "2": {"sku": "dear"}})
    before = ask("GET", target)
    done, _ = load(corpus(tmp_path, many(3)), target, tmp_path, "--overwrite")
    assert done.code == 1 and done.out == ""
    assert "was not made by resift" in done.error_line and "holds 2 documents" in done.error_line
    assert f"--overwrite-foreign {name}" in done.error_line
    assert ask("GET", target) == before and count(target) == 2
    assert ask("GET", f"{target}/_doc/1")["_source"] == {"sku": "precious"}


def test_a_foreign_index_is_replaced_if_its_own_name_is_repeated(filled: Fill, name: str, tmp_path: Path) -> None:
    target = filled({"1": {"sku": "precious"}, "2": {"sku": "dear"}})
    source = corpus(tmp_path, many(3))
    done, _ = load(source, target, tmp_path, "--overwrite-foreign", f"{name}x")
    assert done.code == 1 and "nothing was changed" in done.error_line and count(target) == 2
    done, report = load(source, target, tmp_path, "--overwrite-foreign", name)
    assert done.code == 0, done.err
    assert (report["documents"], report["replaced"], count(target)) == (3, 2, 3)
    assert f"the earlier index {name} was removed with 2 documents" in done.err


def test_a_copy_of_a_loaded_index_is_not_taken_for_it(engine: str, name: str, target: str, tmp_path: Path) -> None:
    load(corpus(tmp_path, many(4)), target, tmp_path, "--replicas", "0")
    ask("PUT", f"{target}/_settings", {"index.blocks.write": True})
    ask("POST", f"{target}/_clone/{name}-copy")
    done, _ = load(corpus(tmp_path, many(3)), f"{target}-copy", tmp_path, "--overwrite")
    assert done.code == 1 and "was not made by resift" in done.error_line and count(f"{target}-copy") == 4
    done, report = load(corpus(tmp_path, many(3)), target, tmp_path, "--overwrite")
    assert done.code == 0 and report["replaced"] == 4


def test_an_index_of_an_earlier_version_is_replaced(engine: str, name: str, target: str, tmp_path: Path) -> None:
    ask("PUT", target, {"mappings": {"_meta": {"resift": {"language": "english", "alias": None, "load": "0f3a"}}}})
    done, report = load(corpus(tmp_path, many(3)), target, tmp_path, "--overwrite")
    assert done.code == 0 and report["replaced"] == 0 and count(target) == 3


def test_the_index_carries_who_made_it_when_and_from_what(target: str, name: str, tmp_path: Path) -> None:
    load(corpus(tmp_path, many(3)), target, tmp_path, "--language", "german")
    facts = carried(target)
    assert facts["source"] == "corpus.jsonl" and facts["language"] == "german" and facts["index"] == name
    assert facts["created"].endswith("Z") and facts["created"][:2] == "20" and facts["version"]


def test_the_aliases_of_a_replaced_index_point_to_the_new_one(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    load(corpus(tmp_path, many(5)), target, tmp_path)
    add = {"index": name, "alias": f"{name}-front", "filter": {"term": {"year": 1}}}
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": add}]})
    assert load(corpus(tmp_path, many(3)), target, tmp_path, "--overwrite")[0].code == 0
    assert count(f"{engine}/{name}-front") == 1  # the filter is still applied


def test_an_alias_is_never_replaced(engine: str, name: str, filled: Fill, tmp_path: Path) -> None:
    target = filled({"1": {"sku": "precious"}})
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": {"index": name, "alias": f"{name}-front"}}]})
    options = ["--overwrite", "--overwrite-foreign", f"{name}-front"]
    done, _ = load(corpus(tmp_path, many(3)), f"{target}-front", tmp_path, *options)
    assert done.code == 1 and f"is an alias of {name}" in done.error_line and count(target) == 1


def test_a_data_stream_and_its_indices_are_never_replaced(engine: str, stream: str, tmp_path: Path) -> None:
    for one in (stream.rsplit("/", 1)[1], *ask("GET", stream)):
        done, _ = load(corpus(tmp_path, many(3)), f"{engine}/{one}", tmp_path, "--overwrite-foreign", one)
        assert done.code == 1 and "data stream" in done.error_line, done.err
    assert count(stream) == 1


def test_a_closed_index_is_left_as_it_is(filled: Fill, name: str, tmp_path: Path) -> None:
    target = filled({"1": {"sku": "precious"}})
    ask("POST", f"{target}/_close")
    done, _ = load(corpus(tmp_path, many(3)), target, tmp_path, "--overwrite")
    assert done.code == 1 and "an unknown number of documents" in done.error_line
    ask("POST", f"{target}/_open?wait_for_active_shards=1")
    assert count(target) == 1


def test_moving_an_alias_removes_only_indices_that_it_loaded_and_nobody_else_uses(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    alias = f"{name}-live"
    first, second = (
        load(corpus(tmp_path, many(size)), target, tmp_path, "--alias", alias, "--replicas", "0")[1]["index"]
        for size in (3, 4)
    )
    ask("PUT", f"{engine}/{first}/_settings", {"index.blocks.write": True})
    ask("POST", f"{engine}/{first}/_clone/{name}-backup")
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": {"index": second, "alias": f"{name}-reports"}}]})
    done, report = load(corpus(tmp_path, many(5)), target, tmp_path, "--alias", alias, "--keep", "0")
    assert done.code == 0 and report["removed"] == [first]
    assert f"older indices of {alias} were removed: {first}" in done.err
    assert count(f"{engine}/{name}-backup") == 3 and count(f"{engine}/{name}-reports") == 4


def test_an_alias_of_an_index_of_another_program_is_moved_only_if_that_index_is_named(
    filled: Fill, engine: str, name: str, tmp_path: Path
) -> None:
    target, alias = filled({"1": {"sku": "precious"}, "2": {"sku": "dear"}}), f"{name}-live"
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": {"index": name, "alias": alias}}]})
    source = corpus(tmp_path, many(3))
    done, _ = load(source, f"{target}-new", tmp_path, "--alias", alias)
    assert done.code == 1 and "serves 2 documents now" in done.error_line
    assert f"--alias-from {name}" in done.error_line and list(ask("GET", f"{engine}/{name}*")) == [name]
    done, _ = load(source, f"{target}-new", tmp_path, "--alias", alias, "--alias-from", f"{name}x")
    assert done.code == 1 and "nothing was changed" in done.error_line and count(f"{engine}/{alias}") == 2
    done, report = load(source, f"{target}-new", tmp_path, "--alias", alias, "--alias-from", name)
    assert done.code == 0 and report["before"] == [name], done.err
    assert count(f"{engine}/{alias}") == 3 and count(target) == 2


def test_a_load_that_was_stopped_before_it_created_its_index_keeps_the_aliases(
    engine: str, name: str, target: str, tmp_path: Path
) -> None:
    source = corpus(tmp_path, many(5))
    load(source, target, tmp_path)
    ask("POST", f"{engine}/_aliases", {"actions": [{"add": {"index": name, "alias": f"{name}-front"}}]})
    (tmp_path / "bad.jsonl").write_text('{"id": "1", "text": "x"}\n' + "not json\n")
    done, _ = load(str(tmp_path / "bad.jsonl"), target, tmp_path, "--overwrite", "--bulk-documents", "1")
    assert done.code == 1
    [state] = (tmp_path / "state").glob("*.load.json")
    state.write_text(json.dumps({**json.loads(state.read_text()), "done": 0, "created": 0}))
    ask("DELETE", target)
    done, _ = load(str(tmp_path / "bad.jsonl"), target, tmp_path, "--resume", "--skip-bad")
    assert done.code == 0 and count(f"{engine}/{name}-front") == 1, done.err
    assert is_opensearch(engine) or carried(target)["source"] == "bad.jsonl"

"""The most frequent reasons for which an engine refused documents."""

from __future__ import annotations

import json
from pathlib import Path

from resift.indexer.engine.refusals import most_frequent_reasons


def test_reasons_are_counted_without_what_differs_between_documents(tmp_path: Path) -> None:
    reasons = [
        "[1:7] failed to parse field [year] of type [long] in document with id 'a'",
        "[1:9] failed to parse field [year] of type [long] in document with id 'b'",
        "failed to parse",
        "no space",
        "no space",
        "no space",
    ]
    file = tmp_path / "refused.jsonl"
    file.write_text("".join(json.dumps({"doc_id": "d", "reason": reason}) + "\n" for reason in reasons))
    parse = "failed to parse field [year] of type [long]"
    assert most_frequent_reasons(file) == [("no space", 3), (parse, 2)]
    assert most_frequent_reasons(file, 1) == [("no space", 3)]

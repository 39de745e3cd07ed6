"""`resift run` and `resift evaluate` with queries and judgements as people have them; the right figure is known."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.rerank.cli.invoke import Done, assert_one_line, invoke

WORDS = ["lentil", "tomato", "copper", "violin", "glacier", "harbour"]
TOPICS = "\n".join(
    f'  <topic number="{number}" type="single">\n    <query>{word}</query>\n    <description>On the topics of {word}.</description>\n'
    "  </topic>"
    for number, word in enumerate(WORDS, start=1)
)
WEB = f'<?xml version="1.0" encoding="UTF-8"?>\n<topics task="web">\n{TOPICS}\n</topics>\n'
ROBUST = "".join(
    f"<top>\n\n<num> Number: {number}\n<title> {word}\n\n<desc> Description:\nAbout {word}.\n</top>\n\n"
    for number, word in enumerate(WORDS, start=1)
)
QRELS = "".join(f"{number} 0\td{number}\t1\n" for number in range(1, len(WORDS) + 1))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An index in which document dN alone has the word of query N; the words of the tags are in others."""
    folder = tmp_path_factory.mktemp("words")
    texts = [f"The {word} of query {number}" for number, word in enumerate(WORDS, start=1)]
    texts += [
        "topics of a task on the web",
        "topic number type single",
        "query",
        "description of the number",
        "top num",
    ]
    lines = [json.dumps({"id": f"d{number}", "text": text}) + "\n" for number, text in enumerate(texts, start=1)]
    (folder / "words.jsonl").write_text("".join(lines))
    assert invoke("index", str(folder / "words.jsonl"), "--to", f"bm25:{folder / 'index'}").code == 0
    return f"bm25:{folder / 'index'}"


def evaluate(index: str, folder: Path, name: str, queries: str, qrels: str = QRELS) -> Done:
    (folder / name).write_text(queries)
    (folder / "qrels").write_text(qrels)
    files = ["--queries", str(folder / name), "--qrels", str(folder / "qrels")]
    return invoke("evaluate", index, *files, "--model", "none", "--json")


@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("topics.xml", WEB),
        ("topics.txt", WEB),
        ("topics.txt", ROBUST),
        ("topics.txt", '<?xml version="1.0"?>\n' + ROBUST),
        ("queries.txt", json.dumps(WORDS)),
        ("queries.txt", json.dumps([{"id": n, "query": word} for n, word in enumerate(WORDS, start=1)], indent=1)),
        ("queries.tsv", "".join(f"{number}\t{word}\n" for number, word in enumerate(WORDS, start=1))),
        ("queries.txt", "".join(f"{number}:{word}\n" for number, word in enumerate(WORDS, start=1))),
    ],
)
def test_every_query_finds_its_document_whatever_the_form_of_the_queries(
    index: str, tmp_path: Path, name: str, queries: str
) -> None:
    done = evaluate(index, tmp_path, name, queries)

    assert done.code == 0, done.err
    assert json.loads(done.out)["sets"][0]["first_stage"]["ndcg@10"] == 1.0


def test_what_was_assumed_is_said_and_can_be_changed(index: str, tmp_path: Path) -> None:
    (tmp_path / "topics.xml").write_text(WEB)
    run = ["run", index, "--queries", str(tmp_path / "topics.xml"), "--model", "none", "--output", "-"]
    done, other = invoke(*run), invoke(*run, "--query-field", "description")
    refused = invoke(*run, "--query-field", "narrative")

    assert f"note: {tmp_path / 'topics.xml'}: the queries are the <query> of the topics, which also have <d" in done.err
    assert done.out != other.out and "the queries are" not in other.err
    assert_one_line(refused, 1, "line 3", "the topic has no <narrative>; expected one; it has <description>, <query>")


def test_an_error_of_a_table_names_options_of_the_queries(index: str, tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("1\tlentil\tsoup\n")
    done = invoke("run", index, "--queries", str(tmp_path / "q.tsv"), "--model", "none", "--output", "-")

    assert_one_line(done, 1, "line 1", "--query-id-field and --query-field", "name the columns with --query-columns")


def test_queries_and_judgements_come_from_standard_input_one_at_a_time(index: str, tmp_path: Path) -> None:
    (tmp_path / "queries.json").write_text(json.dumps(WORDS))
    (tmp_path / "qrels").write_text(QRELS)
    files = {"--queries": str(tmp_path / "queries.json"), "--qrels": str(tmp_path / "qrels")}
    for option, path in files.items():
        given = [part for pair in (files | {option: "-"}).items() for part in pair]
        done = invoke("evaluate", index, *given, "--model", "none", "--json", stdin=Path(path).read_bytes())
        assert json.loads(done.out)["sets"][0]["first_stage"]["ndcg@10"] == 1.0

    both = invoke("evaluate", index, "--queries", "-", "--qrels", "-", "--model", "none", stdin=b"")
    assert_one_line(both, 2, "queries and judgements cannot both be read from standard input")


def test_a_run_of_standard_input_goes_to_standard_output(index: str) -> None:
    done = invoke("run", index, "--queries", "-", "--model", "none", "--output", "-", stdin=b"7\tlentil\n8\tviolin\n")
    twice = invoke("run", index, "--queries", "-", "--output", "-", "--first-stage-output", "-", stdin=b"lentil\n")

    assert [line.split()[:4] for line in done.out.splitlines()] == [["7", "Q0", "d1", "1"], ["8", "Q0", "d4", "1"]]
    assert "-: has no header row that is known, so its 2 columns were read as id, text" in done.err
    assert_one_line(twice, 2, "both runs would be written to standard output")


def test_what_search_prints_is_reranked_to_the_same_order_also_if_it_is_a_part(index: str) -> None:
    found = invoke("search", index, "the topics of a query number", "--json", "--top", "4")
    hits = json.loads(found.out)["hits"]
    for packed in (
        found.out.encode(),
        gzip.compress(found.out.encode()),
        json.dumps(json.loads(found.out), indent=1).encode(),
    ):
        reply = json.loads(invoke("rerank", stdin=packed).out)

        assert [one["doc_id"] for one in reply["results"]] == [hit["doc_id"] for hit in hits]
        assert [one["fused"] for one in reply["results"]] == pytest.approx([hit["fused"] for hit in hits], abs=1e-6)


def test_an_engines_response_is_reranked_with_the_query_of_the_command_line() -> None:
    hits = [{"_id": word, "_score": 1.0, "_source": {"text": f"A {word}."}} for word in WORDS]
    done = invoke("rerank", "-", "--query", "violin", stdin=json.dumps({"hits": {"hits": hits}}).encode())

    assert json.loads(done.out)["results"][0]["doc_id"] == "violin"

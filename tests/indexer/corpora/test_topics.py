"""Topics in the layouts in which tracks publish them; the texts are our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.indexer.corpora import QuerySettings, Reading, read_queries
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Query

RIGHT = [Query("1", "cat food"), Query("2", "dog & cow toys")]

ROBUST = """
<top>

<num> Number: 1
<title> cat food

<desc> Description:
What do cats eat?

<narr> Narrative:
A relevant document names a food.

</top>

<top>

<num> Number: 2
<title> dog
& cow toys

<desc> Description:
Which toys?

</top>
"""
TIPSTER = """<top>
<head> Topic Description
<num> Number:  1
<dom> Domain: Pets
<title> Topic:  cat food

<desc> Description:

What do cats eat?
</top>
<top>
<head> Topic Description
<num> Number:  2
<dom> Domain: Pets
<title> Topic:  dog &amp; cow
toys
<desc> Description:
Which toys?
</top>
"""
DESCRIPTION_ONLY = """<top>
<num> Number: 1
<desc> Description:
cat
food
</top>
<top>
<num> Number: 2
<desc> Description:
dog &amp; cow toys
</top>
"""
MICROBLOG = """<top>
<num> Number: 1 </num>
<query> cat food </query>
<querytime> Tue Feb 08 12:30:27 +0000 2011 </querytime>
</top>

<top>
<num> Number: 2 </num>
<query> dog &amp; cow toys </query>
</top>
"""
FIRE = """<topics>
<top lang='en'>
<num>1</num>
<title>cat food</title>
<desc>What do cats eat?</desc>
</top>
<top lang='en'>
<num>2</num>
<title>dog &amp; cow toys</title>
<desc>Which toys?</desc>
</top>
</topics>
"""
CLEF = """<top>
<num> 1 </num>
<EN-title> cat food </EN-title>
<EN-desc> What do cats eat? </EN-desc>
</top>
<top>
<num> 2 </num>
<EN-title> dog &amp; cow toys </EN-title>
<EN-desc> Which toys? </EN-desc>
</top>
"""
OPENED_TWICE = """<top>
<topics>
<top lang='en'>
<num>1</num>
<title>cat food</title>
<top>

<top>
<num> Number: 2
<title> dog & cow toys
</top>
"""
XML_DECLARATION = f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- two topics -->\n{ROBUST.lstrip()}'
WEB = """<webtrack2009>
<!-- Please note that <topic number="7"> is not
     used -->
<topic number="1" type="faceted">
  <query>cat food</query>
  <description>What do cats eat?</description>
  <subtopic number="1" type="inf">Find dry food.</subtopic>
  <subtopic number="2" type="nav">Find a shop.</subtopic>
</topic>
<topic number="2" type="ambiguous">
  <query>dog &amp; cow toys</query>
  <description>Which toys?</description>
</topic>
</webtrack2009>
"""
CDS = """<?xml version="1.0" encoding="utf-8"?>
<topics task="2014 CDS">
  <topic number="1" type="diagnosis">
    <description>A woman who asks for the food of a cat.</description>
    <summary>cat food</summary>
  </topic>
  <topic number="2" type="test">
    <description>A man who asks for toys of dogs.</description>
    <summary>dog &amp; cow toys</summary>
  </topic>
</topics>
"""
COVID = """<topics task="Search" batch="1">
  <topic number="1"><query>cat food</query><question>what do cats eat</question><narrative>Food.</narrative></topic>
  <topic number="2"><query>dog &amp; cow toys</query><question>which toys</question><narrative>Toys.</narrative></topic>
</topics>"""
TRIALS = """<topics task="2021 TREC Clinical Trials">
  <topic number="1">
    cat
    food
  </topic>
  <topic number="2">
    dog &amp; cow toys
  </topic>
</topics>
"""
MISINFO = """<topics>
<topic>
<number>1</number>
<query>cat food</query>
<description>What do cats eat?</description>
</topic>
<topic>
<number>2</number>
<query>dog &amp; cow toys</query>
<description>Which toys?</description>
</topic>
</topics>
"""
GENOMICS = """<TOPICS><TOPIC><ID>1</ID><TITLE>cat food</TITLE><NEED>Find food.</NEED></TOPIC>
<TOPIC><ID>2</ID><TITLE>dog &amp; cow toys</TITLE><NEED>Find toys.</NEED></TOPIC></TOPICS>"""
NTCIR_QUESTIONS = """<TOPICS>
<TOPIC ID="1"><QUESTION LANG="EN"><![CDATA[cat food]]></QUESTION></TOPIC>
<TOPIC ID="2"><QUESTION LANG="EN"><![CDATA[dog & cow toys]]></QUESTION></TOPIC>
</TOPICS>"""
NTCIR_WEB = """<queries>
<query><qid>1</qid><content>cat food</content><description>What do cats eat?</description></query>
<query><qid>2</qid><content>dog &amp; cow toys</content><description>Which toys?</description></query>
</queries>"""
FEDERATED = """<topics>
<topic id=1><query>cat <b>food</b></query></topic>
<topic id=2><query>dog &amp; cow toys</query></topic>
</topics>"""

LAYOUTS = {
    "robust": ROBUST,
    "tipster": TIPSTER,
    "description only": DESCRIPTION_ONLY,
    "microblog": MICROBLOG,
    "fire": FIRE,
    "clef": CLEF,
    "opened twice": OPENED_TWICE,
    "declaration": XML_DECLARATION,
    "web": WEB,
    "cds": CDS,
    "covid": COVID,
    "trials": TRIALS,
    "misinfo": MISINFO,
    "genomics": GENOMICS,
    "ntcir questions": NTCIR_QUESTIONS,
    "ntcir web": NTCIR_WEB,
    "federated": FEDERATED,
}


def read(path: Path, content: str | bytes, **settings: str) -> tuple[list[Query], list[str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reading = Reading()
    queries = list(read_queries(path, QuerySettings(**settings), reading))
    return queries, [note.removeprefix(f"{path}: ") for note in reading.notes]


@pytest.mark.parametrize("name", ["topics.txt", "topics.xml", "topics", "queries.tsv"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_topics_are_read_in_the_layout_of_their_track(tmp_path: Path, layout: str, name: str) -> None:
    assert read(tmp_path / name, LAYOUTS[layout])[0] == RIGHT
    assert read(tmp_path / name, "\ufeff" + LAYOUTS[layout].replace("\n", "\r\n"))[0] == RIGHT


@pytest.mark.parametrize(
    ("layout", "note"),
    [
        ("robust", "the queries are the <title> of the topics, which also have <desc>"),
        ("cds", "the queries are the <summary> of the topics, which also have <description>"),
        ("covid", "the queries are the <query> of the topics, which also have <question>"),
    ],
)
def test_which_field_was_taken_is_said_if_there_were_several(tmp_path: Path, layout: str, note: str) -> None:
    assert read(tmp_path / "topics", LAYOUTS[layout])[1] == [note]
    assert read(tmp_path / "topics", TRIALS)[1] == []


def test_named_fields_are_joined(tmp_path: Path) -> None:
    queries, notes = read(tmp_path / "topics", COVID, query_field="query,narrative")

    assert queries == [Query("1", "cat food Food."), Query("2", "dog & cow toys Toys.")]
    assert notes == []


def test_a_word_in_angle_brackets_and_a_lone_bracket_stay_in_the_title(tmp_path: Path) -> None:
    content = "<top>\n<num> 1\n<title> use of <stdio.h> if a<b & c>d &copy that\n<desc> d\n</top>\n"

    assert read(tmp_path / "topics", content)[0] == [Query("1", "use of <stdio.h> if a<b & c>d &copy that")]


def test_topics_without_ids_are_numbered_and_it_is_said(tmp_path: Path) -> None:
    queries, notes = read(tmp_path / "t.xml", "<topics><topic>cats</topic>\n<topic>dogs</topic></topics>")

    assert queries == [Query("1", "cats"), Query("2", "dogs")]
    assert notes == ["the queries have no ids, so they are numbered from 1 in the order of the file"]


def test_the_encoding_of_an_xml_declaration_is_used(tmp_path: Path) -> None:
    content = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<topics><topic id="1"><title>Käse</title></topic></topics>'

    assert read(tmp_path / "t.xml", content.encode("latin-1"))[0] == [Query("1", "Käse")]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (
            "<!DOCTYPE html>\n<html><body>404</body></html>",
            None,
            "is an HTML page; expected topics in <top> or <topic>",
        ),
        ("<DOC>\n<DOCNO>1</DOCNO>\n</DOC>\n", None, "has documents in <DOC>, not queries"),
        ("<topics>\n<!-- no end\n<topic>x</topic>", None, "has <!-- without -->; is the file complete?"),
        ("<topic><![CDATA[" * 100_000, None, "has <![CDATA[ without ]]>; is the file complete?"),
        ("<160>what is it\n<161>and that\n", None, "begins with a tag, but has no topics that can be read"),
        (TIPSTER.replace("</top>", ""), 11, "the topic has no </top>; is the file complete?"),
        (WEB.replace("<query>dog &amp; cow toys</query>", ""), 10, "the topic has no <query>; expected one; it has"),
        (COVID.replace("</query>", "</query><query>x</query>", 1), 2, "the topic has more than one <query>"),
        (FIRE.replace("<num>2", "<num>1"), 7, "the query id '1' was already used in line 2 for another text"),
        (FIRE.replace("<num>2</num>", ""), 7, "some queries have an id and some have none; expected all or none"),
        (
            "<topics>\n<topic number='1'><disease>flu</disease><gene>A</gene></topic></topics>",
            2,
            "the topic has <disease>, <gene> but none of <query>, <title>",
        ),
    ],
)
def test_tags_that_are_not_understood_are_refused(tmp_path: Path, content: str, line: int | None, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read(tmp_path / "topics.txt", content)

    assert caught.value.line == line
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_thousands_of_topics_are_read_in_their_order(tmp_path: Path) -> None:
    content = "".join(f"<top>\n<num>{number}</num>\n<title>cat {number}</title>\n</top>\n" for number in range(3_000))
    queries, _ = read(tmp_path / "topics", content)

    assert queries == [Query(str(number), f"cat {number}") for number in range(3_000)]

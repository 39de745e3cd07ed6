"""Read topics: queries in the tags of TREC, CLEF, FIRE or NTCIR, as SGML with unclosed tags or as XML.

The tags are read by their names, not by an XML parser, because TREC's classic topics do not close them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from resift.indexer.corpora.columns import split_names
from resift.indexer.corpora.query_fields import FoundQuery
from resift.indexer.corpora.query_settings import QuerySettings
from resift.indexer.corpora.reading import Reading
from resift.retrieval.errors import CorpusError

_OTHER = re.compile(r"<!--.*?-->|<\?[^<>]*\?>|<![A-Za-z][^<>]*>", re.DOTALL)  # comments and declarations
_PAIRS = {"<!--": "-->", "<![CDATA[": "]]>"}
_TOKEN = re.compile(
    r"<!\[CDATA\[(?P<data>.*?)\]\]>"
    r"|<(?P<close>/?)(?P<name>[A-Za-z][\w.-]*)(?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>=]+))*)\s*/?>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>=]+))")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{2,31});")
_LABELS = {  # that TREC's classic topics have in their fields
    name: re.compile(rf"\s*{label}\s*:", re.IGNORECASE)
    for name, label in (("num", "(?:Number|Topic)"), ("title", "Topic"), ("desc", "Description"), ("narr", "Narrative"))
}
_LANGUAGE = re.compile(r"[a-z]{2}-(?=title$|desc$|narr$)")  # <EN-title> of CLEF
_TOPIC_TAGS = ("top", "topic", "inex_topic")
_INLINE = ("b", "i", "u", "em", "strong", "sub", "sup", "br", "p", "font", "a")
_ID_ATTRIBUTES = ("number", "id", "topic_id", "num", "qid", "query_id")
_ID_FIELDS = ("num", "number", "id", "identifier", "qid", "query_id", "topic_id", "topicid")
_TEXT_FIELDS = ("query", "title", "question", "summary", "content", "description", "desc", "")
"""The fields that can be the query, best first; the last is the text of the topic itself, outside its fields."""
_FIELDS = frozenset({*_ID_FIELDS, *_TEXT_FIELDS, "narr", "narrative", "note", "type", "subtopic", "con", "smry", "fac"})


@dataclass(slots=True)
class _Topic:
    """One topic: its first line, the id in its tag, and the texts of each of its fields, one per occurrence.

    The field "" is the text outside of fields; `current` is the one that is open.
    """

    line: int
    attribute_id: str = ""
    fields: dict[str, list[str]] = field(default_factory=lambda: {"": [""]})
    current: str = ""

    def open(self, name: str) -> None:
        """Begin a field."""
        self.current = _LANGUAGE.sub("", name)
        self.fields.setdefault(self.current, []).append("")

    def add(self, text: str) -> None:
        """Add `text` to the open field."""
        self.fields[self.current][-1] += text

    @property
    def is_empty(self) -> bool:
        """True if it has nothing but tags."""
        return not self.attribute_id and not any(text.strip() for texts in self.fields.values() for text in texts)

    @property
    def query_id(self) -> str | None:
        """The id: an attribute of the topic's tag, or the first word of a field."""
        element = next((name for name in _ID_FIELDS if self.text(name)), None)
        if self.attribute_id or element is None:
            return self.attribute_id or None
        return self.text(element).split()[0]

    def text(self, name: str) -> str:
        """Return the first text of a field without its label, on one line; "" if there is none."""
        return next(iter(self.texts(name)), "")

    def texts(self, name: str) -> list[str]:
        """Return the different texts of a field that are not empty."""
        label = _LABELS.get(name)
        found = (
            label.sub("", text, count=1) if label and label.match(text) else text for text in self.fields.get(name, ())
        )
        return list(dict.fromkeys(" ".join(text.split()) for text in found if text.strip()))


def read_topics(
    lines: Sequence[tuple[int, str]], path: str, settings: QuerySettings, reading: Reading
) -> Iterator[FoundQuery]:
    """Yield the query of each topic, given as (line, text without line break).

    The text is the field that `settings.query_field` names (or several, separated by commas), else the first of the
    usual fields that at least half of the topics have; `reading` gets a note on it if they have several. Raises
    CorpusError if there are no topics, if one is not closed or lacks the field, and on an HTML page or documents.
    """
    whole = "\n".join(text for _, text in lines)
    topics = [topic for topic in _split(whole, [line for line, _ in lines], path) if not topic.is_empty]
    if not topics:
        raise CorpusError(f"{_what(whole)}; expected topics in <top> or <topic>", path)
    names = _field_names(topics, path, settings, reading)
    for topic in topics:
        for name in names:
            if len(topic.texts(name)) != 1:
                how = "more than one" if topic.texts(name) else "no"
                has = ", ".join(sorted(f"<{there}>" for there in topic.fields if topic.text(there) and there))[:200]
                raise CorpusError(f"the topic has {how} <{name}>; expected one; it has {has}", path, topic.line)
        yield FoundQuery(topic.line, topic.query_id, " ".join(topic.text(name) for name in names))


def _what(text: str) -> str:
    if re.match(r"\s*<(?:!doctype\s+html|html)\b", text, re.IGNORECASE):
        return "is an HTML page"
    if re.search(r"<doc\b", text, re.IGNORECASE):
        return "has documents in <DOC>, not queries"
    return "begins with a tag, but has no topics that can be read"


def _field_names(topics: Sequence[_Topic], path: str, settings: QuerySettings, reading: Reading) -> list[str]:
    """Return the fields that are the queries of all topics. Raises CorpusError if none is usual."""
    if settings.query_field:
        return split_names(settings.query_field.lower())
    there = [name for name in _TEXT_FIELDS if any(topic.text(name) for topic in topics)]
    if not there:
        found = sorted({f"<{name}>" for topic in topics for name in topic.fields if name})
        wanted = ", ".join(f"<{name}>" for name in _TEXT_FIELDS if name)
        message = f"the topic has {', '.join(found)[:200] or 'no fields'} but none of {wanted}"
        raise CorpusError(f"{message}; name the field of the query with `query_field`", path, topics[0].line)
    counts = {name: sum(bool(topic.text(name)) for topic in topics) for name in there}
    chosen = next(
        (name for name in there if 2 * counts[name] >= len(topics)), max(there, key=lambda name: counts[name])
    )
    others = [f"<{name}>" for name in there if name and name != chosen]
    if others and chosen:
        reading.note(f"{path}: the queries are the <{chosen}> of the topics, which also have {', '.join(others)}")
    return [chosen]


def _split(whole: str, numbers: Sequence[int], path: str) -> Iterator[_Topic]:
    """Yield the topics of a text; `numbers` has the number of each of its lines. Raises CorpusError."""
    for begin, end in _PAIRS.items():
        if whole.count(begin) > whole.count(end):  # looking for the end again and again would take quadratic time
            raise CorpusError(f"has {begin} without {end}; is the file complete?", path)
    whole = _OTHER.sub(lambda match: "\n" * match.group().count("\n"), whole)
    tag = _topic_tag(whole)
    topic: _Topic | None = None
    place, breaks = 0, 0
    for token in _TOKEN.finditer(whole):
        breaks += whole.count("\n", place, token.start())
        if topic is not None:
            topic.add(_decoded(whole[place : token.start()]))
        name = (token["name"] or "").lower()
        if name != tag and topic is not None:
            _take(topic, token, name, whole[place : token.start()])
        elif name == tag:
            if topic is not None:
                yield topic
            topic = None if token["close"] else _Topic(numbers[breaks], _attribute_id(token["attributes"]))
        breaks += token.group().count("\n")
        place = token.end()
    _check_root(whole, tag, path)
    if topic is not None:
        topic.add(_decoded(whole[place:]))
        if not topic.is_empty:
            raise CorpusError(f"the topic has no </{tag}>; is the file complete?", path, topic.line)


def _check_root(whole: str, tag: str, path: str) -> None:
    """Raise CorpusError if the tag around all topics, such as <topics>, is not closed; TREC's own have none."""
    tokens = [token for token in _TOKEN.finditer(whole) if token["name"]]
    root = tokens[0]["name"].lower() if tokens else tag
    if root == tag or tokens[0]["close"] or tokens[0].group().endswith("/>"):
        return
    if not any(token["close"] and token["name"].lower() == root for token in tokens):
        raise CorpusError(f"has <{root}> without </{root}>; is the file complete?", path)


def _take(topic: _Topic, token: re.Match[str], name: str, before: str) -> None:
    """Add a tag or CDATA to `topic`; `before` is the text between it and the last one."""
    begins_line = "\n" in before and not before.rpartition("\n")[2].strip()
    inside = topic.current and topic.fields[topic.current][-1].strip()
    if token["data"] is not None:
        topic.add(token["data"])
    elif name in _INLINE:
        topic.add(" ")
    elif inside and not begins_line and name != topic.current and _LANGUAGE.sub("", name) not in _FIELDS:
        topic.add(token.group())  # a word such as <stdio.h>, not a field
    elif token["close"]:
        topic.current = ""
    else:
        topic.open(name)


def _topic_tag(whole: str) -> str:
    """Return the name of the tag around a topic, in lower case."""
    names = [token["name"].lower() for token in _TOKEN.finditer(whole) if token["name"]]
    found = next((name for name in names if name in _TOPIC_TAGS), None)
    return found or "query"  # <queries><query><qid>… of NTCIR and CLEF


def _attribute_id(attributes: str) -> str:
    found = {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(attributes)}
    return next((" ".join(_decoded(found[name]).split()) for name in _ID_ATTRIBUTES if name in found), "")


def _decoded(text: str) -> str:
    return _ENTITY.sub(lambda match: html.unescape(match.group()), text)

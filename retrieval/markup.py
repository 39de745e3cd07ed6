"""Remove HTML from a text: only real tags of HTML go, so that code, comparisons and addresses keep their words.

The decision is made once per text. A text is HTML if it has a tag that nothing else would contain: one with an
attribute that has a value, a pair of an opening and a closing tag, a comment, or a `<br>` or `<p>` that is not only
mentioned. The code of a Markdown text, in fences or between backticks, is literal: no tag is found in it. The time is
linear in the length of the text, whatever it contains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import NamedTuple

from resift.retrieval.markdown_code import code_parts

HTML_MODES = ("auto", "strip", "keep")
"""auto: remove tags from texts that are HTML, but not from code in Markdown; strip: from all texts; keep: from none."""

_ELEMENTS = frozenset(
    """a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br
    button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em
    embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr
    html i iframe img input ins kbd label legend li link main map mark marquee menu meta meter nav nobr noframes
    noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp script search
    section select slot small source span strike strong style sub summary sup svg table tbody td template
    textarea tfoot th thead time title tr track tt u ul var video wbr circle defs ellipse g line path polygon
    polyline rect symbol use""".split()
)
_FORMATTING = frozenset(
    "abbr acronym b bdi bdo big del dfn em font i ins mark nobr s small strike strong sub sup tt u".split()
)
"""Elements inside words: their tags are removed without a space, as in H<sub>2</sub>O."""
_INLINE = frozenset("a cite code data kbd label output q samp span time var".split())
"""Elements inside lines: there is a space only between two of them, as in a list of links."""
_UNCLOSED = frozenset("body br dd dt head hr html img li p tbody td tfoot th thead tr wbr".split())
"""Elements that are usual without attributes and without a closing tag."""
_BARE = frozenset(
    """allowfullscreen async autofocus autoplay checked compact controls default defer disabled hidden inert ismap
    itemscope loop multiple muted nohref nomodule noshade novalidate nowrap open playsinline readonly required reversed
    selected""".split()
)
"""Attributes that have no value."""
_FRAMEWORKS = ("data-", "aria-", "v-", "x-", "ng-", "@", "#", "*", "(", "[", ":")
"""How attributes of scripts and frameworks begin; they may have no value."""

_NAME = r"[A-Za-z_:@*#.(\[][^\s\"'<>/=]*+"
_SIMPLE = rf"{_NAME}(?:\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>=`]++)|(?!\s*+=))"
_WITH_BRACKETS = rf"{_NAME}\s*+=\s*+(?:\"[^\"]{{0,500}}+\"|'[^']{{0,500}}+')"  # few and short: keeps the time linear
_MARK = re.compile(
    r"<(?:(?P<comment>!--)|(?P<declaration>!doctype\s[^<>]{0,500}>|\?xml\s[^<>]{0,500}>)"
    r"|(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]*+(?:[:-][A-Za-z0-9]++)*+)"
    rf"(?P<attributes>(?:[\s/]++{_SIMPLE})*+(?:[\s/]++{_WITH_BRACKETS}(?:[\s/]++{_SIMPLE})*+){{0,4}}+)"
    r"(?P<end>[\s/]*+)>)",
    re.IGNORECASE,
)
_VALUED = re.compile(rf"{_NAME}\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>=`]++)")
_SPACE = re.compile(r"\s+")
_COMMENT_END = re.compile("-->")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_HIDDEN_ENDS = {name: re.compile(rf"</{name}\s*+>", re.IGNORECASE) for name in ("script", "style", "template")}
_BEFORE_MENTION = frozenset(" \t`'\"([\u2018\u201c")
_AFTER_MENTION = frozenset(" \t`'\")].,;:?!\u2019\u201d")


class _Tag(NamedTuple):
    """A part of a text, from `start` to `end`, that has the form of an HTML tag, or a part that is never shown."""

    start: int
    end: int
    name: str = ""  # in lower case; empty for a comment, a declaration, or a script with its content
    closes: bool = False
    valued: bool = False  # has an attribute with a value, or is written <br/>
    mixed: bool = False  # is neither in lower nor in upper case, as in code


def plain_text(text: str, mode: str = "auto") -> str:
    """Return `text` without HTML; a text that is not HTML is returned unchanged. `mode` is one of `HTML_MODES`.

    Tags, comments, scripts and style sheets go, entities are decoded, and runs of white space become one space. Names
    in angle brackets that are not HTML's stay, and so does a name that needs a closing tag and has none. In the mode
    "auto", code in Markdown's fences or backticks stays as it is, with its line breaks.

    >>> plain_text("<p>Red &amp; green</p><p>H<sub>2</sub>O</p>")
    'Red & green H2O'
    >>> plain_text("if a<b and c>d then List<String>, mail to <a@b.example>")
    'if a<b and c>d then List<String>, mail to <a@b.example>'
    """
    if mode == "keep" or "<" not in text:
        return text
    code = code_parts(text) if mode == "auto" else []
    searched = _hidden(text, code)
    tags = list(_tags(searched))
    if mode == "auto" and not _is_html(searched, tags):
        return text
    closed = {tag.name for tag in tags if tag.closes}
    return _without(text, [tag for tag in tags if mode == "strip" or _removable(tag, closed)], code)


def _hidden(text: str, code: Sequence[tuple[int, int]]) -> str:
    """Return `text` with backticks in place of its `code`, so that no tag is found there."""
    parts, done = [], 0
    for start, end in code:
        parts += [text[done:start], "`" * (end - start)]
        done = end
    return "".join([*parts, text[done:]])


def _without(text: str, tags: Sequence[_Tag], code: Sequence[tuple[int, int]]) -> str:
    """Return `text` without `tags`; `code` stays, but for what is inside of a tag, which is a script or a comment."""
    parts, done, after_end = [], 0, False  # after_end: whether the last removed tag is a closing one
    words: list[str] = []  # parts since the last code
    waiting = iter([*code, (len(text), len(text))])
    start, end = next(waiting)
    for tag in [*tags, _Tag(len(text), len(text))]:
        while start < tag.start:
            if start >= done:
                parts += [_in_one_line([*words, _decoded(text[done:start])]), text[start:end]]
                words, done, after_end = [], end, False
            start, end = next(waiting)
        words.append(_decoded(text[done : tag.start]))
        between = after_end and not tag.closes and done == tag.start
        words.append("" if tag.name in _FORMATTING or (tag.name in _INLINE and not between) else " ")
        done, after_end = tag.end, tag.closes
    return "".join([*parts, _in_one_line(words)]).strip()


def _in_one_line(words: Sequence[str]) -> str:
    return _SPACE.sub(" ", "".join(words))


def _tags(text: str) -> Iterator[_Tag]:
    """Yield the tags of `text` in order; they do not overlap."""
    position = 0
    unending: set[str] = set()  # what has no end in the rest of the text, so that it is searched for once
    while found := _MARK.search(text, position):
        position = found.end()
        name = (found["name"] or "").lower()
        if found["declaration"]:
            yield _Tag(found.start(), position)
        elif found["comment"] or (name in _HIDDEN_ENDS and not found["close"]):
            stop = None if name in unending else (_HIDDEN_ENDS.get(name) or _COMMENT_END).search(text, position)
            if stop:
                position = stop.end()
                yield _Tag(found.start(), position)
            else:
                unending.add(name)
        elif (name in _ELEMENTS or not name.isalnum()) and _are_attributes(found["attributes"]):
            yield _tag(found, name)


def _tag(found: re.Match[str], name: str) -> _Tag:
    close, written, attributes, end = found.group("close", "name", "attributes", "end")
    valued = bool(attributes and _VALUED.search(attributes)) or (not close and "/" in end)
    return _Tag(found.start(), found.end(), name, bool(close), valued, written != name and written != name.upper())


def _are_attributes(text: str) -> bool:
    """Return whether what follows a tag's name is attributes: `b and c` in `a<b and c>d` are not."""
    if not text:
        return True
    bare = _VALUED.sub(" ", text).replace("/", " ").split()
    return all(name.lower() in _BARE or name.startswith(_FRAMEWORKS) for name in bare)


def _is_html(text: str, tags: Sequence[_Tag]) -> bool:
    """Return whether one of `tags` shows that `text` is HTML."""
    opened: set[str] = set()
    mentions = 0
    for tag in tags:
        if not tag.name:
            return True
        if tag.mixed or tag.name not in _ELEMENTS:
            continue
        if tag.valued or (tag.closes and tag.name in opened):
            return True
        if tag.closes or tag.name in _UNCLOSED:
            mentions += 1
            if mentions > 1 or not _is_mentioned(text, tag):
                return True
        opened.add(tag.name)
    return False


def _is_mentioned(text: str, tag: _Tag) -> bool:
    """Return whether a tag is only mentioned, as in: use <br> to break a line."""
    return text[tag.start - 1 : tag.start] in _BEFORE_MENTION and text[tag.end : tag.end + 1] in _AFTER_MENTION


def _removable(tag: _Tag, closed: set[str]) -> bool:
    """Return whether a tag of an HTML text is one, and not a name in angle brackets; `closed` have a closing tag."""
    return not tag.name or tag.valued or tag.name in closed or (tag.name in _UNCLOSED and not tag.mixed)


def _decoded(text: str) -> str:
    return _ENTITY.sub(lambda found: unescape(found[0]), text) if "&" in text else text

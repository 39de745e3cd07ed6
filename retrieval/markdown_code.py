"""Find the code in a Markdown text: what stands in fences and between backticks is literal, so it is never HTML.

The rules are CommonMark's (0.31, sections 4.5, 4.6 and 6.1), without its indented code, which cannot be told apart from
indented HTML. A fence that is not closed ends with the text, or with its quotation. The time is linear in the length of
the text, whatever it contains.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r"[ \t]*+(?P<quote>>?)[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)?(?P<fence>`{3,}+(?![^\n]*`)|~{3,}+)")
_STARTS_BLOCK = re.compile(r"[ \t>]*+(?:[-*+|]|\d{1,9}[.)]|#{1,6})(?:\s|(?<=\|))")
_LITERAL_HTML = re.compile(r"[ \t]*(?:<(script|pre|style|textarea)(?=[\s>])|(<!--))", re.IGNORECASE)
_HTML_BLOCK = re.compile(
    r"""[ \t]*(?:</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|
    dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|
    link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|
    title|tr|track|ul)(?=[\s>]|/>)
    |</?[a-z][a-z0-9-]*+(?:\s[^<>\n`]*)?/?>[ \t]*\r?$)""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_INLINE = re.compile(r"(?P<comment><!--)|<[a-z/][^<>]*+>|(?<!\\)(?P<escapes>\\*+)(?P<ticks>`++)", re.IGNORECASE)


def code_parts(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each part of `text` that is code in Markdown, with its fences or backticks, in order.

    A part in fences has its whole lines, and the line break before them.

    >>> [text[start:end] for text in ["Use `<b>`, not <b>."] for start, end in code_parts(text)]
    ['`<b>`']
    """
    if "`" not in text and "~~~" not in text:
        return []
    return _Scan(text).parts


class _Scan:
    """One pass over the lines of a text: fences and blocks of HTML are kept apart from paragraphs, which have spans."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._unending: set[str] = set()  # ends that the rest of the text does not have
        self.parts: list[tuple[int, int]] = []
        begin = place = 0  # of the paragraph, of the line
        in_html = False
        while place < len(text):
            end = self._line_end(place)
            if fence := _FENCE.match(text, place, end):
                self._spans(begin, place)
                end = self._fenced(place, end, fence)
                begin, in_html = end, False
            elif not text[place:end].strip(" \t>\r\n"):
                self._spans(begin, place)
                begin, in_html = end, False
            elif in_html or (literal := self._literal_html(place)) or _HTML_BLOCK.match(text, place, end):
                self._spans(begin, place)
                end = end if in_html or not literal else self._line_end(literal)
                begin, in_html = end, in_html or not literal
            elif _STARTS_BLOCK.match(text, place, end):
                self._spans(begin, place)
                begin = place
            place = end
        self._spans(begin, place)

    def _line_end(self, place: int) -> int:
        return self._text.find("\n", place) + 1 or len(self._text)

    def _fenced(self, place: int, end: int, fence: re.Match[str]) -> int:
        """Add the block in fences whose first line is from `place` to `end`; return its end."""
        mark, size = fence["fence"][0], len(fence["fence"])
        start = place - 1 if place and (not self.parts or self.parts[-1][1] < place) else place
        while end < len(self._text):
            begin, after = end, self._line_end(end)
            line = self._text[begin:after]
            if fence["quote"] and not line.lstrip(" \t").startswith(">"):
                break
            end = after
            line = line.strip(" \t>\r\n")
            if len(line) >= size and not line.strip(mark):
                break
        self.parts.append((start, end))
        return end

    def _literal_html(self, place: int) -> int:
        """Return where the comment, script, or text with its own line breaks that begins in a line ends; 0 if none."""
        found = _LITERAL_HTML.match(self._text, place)
        return self._end_of(f"</{found[1].lower()}>" if found[1] else "-->", found.end()) if found else 0

    def _end_of(self, end: str, place: int) -> int:
        """Return the place after the next `end`; 0 if there is none."""
        if end in self._unending:
            return 0
        found = re.compile(re.escape(end), re.IGNORECASE).search(self._text, place)
        if found is None:
            self._unending.add(end)
            return 0
        return found.end()

    def _spans(self, begin: int, end: int) -> None:
        """Add the code between equally many backticks in the paragraph from `begin` to `end`."""
        if self._text.find("`", begin, end) < 0:
            return
        marks = list(_INLINE.finditer(self._text, begin, end))
        closing: list[int] = [0] * len(marks)  # the place in `marks` of the next run of as many backticks; 0 if none
        later: dict[int, int] = {}
        for place in range(len(marks) - 1, -1, -1):
            size = len(marks[place]["ticks"] or "")
            escaped = len(marks[place]["escapes"] or "") % 2
            closing[place] = later.get(size - escaped, 0) if size > escaped else 0
            later[size] = place
        done, last = begin, self._text.rfind("-->", begin, end)
        for place, mark in enumerate(marks):
            if mark.start() < done:
                continue
            if mark["comment"]:
                done = self._text.find("-->", mark.end()) if mark.end() <= last else done
            elif closing[place]:
                done = marks[closing[place]].end()
                self.parts.append((mark.start("ticks"), done))

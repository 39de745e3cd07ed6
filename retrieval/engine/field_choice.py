"""Choose which text fields of an existing index are searched and read, by their names and by samples of their texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from resift.retrieval.language import code_of, detect, name_of

TITLE_NAMES = (
    *("title", "name", "headline", "subject", "heading"),
    *(
        "titel",
        "bezeichnung",
        "überschrift",
        "ueberschrift",
        "betreff",
        "produktname",
        "product_name",
        "titre",
        "título",
    ),
    *("titulo", "titolo"),
)
"""Names of fields with a document's title, the most certain first."""
BODY_NAMES = frozenset(
    "text body content contents description summary abstract message article passage document answer question plot "
    "overview snippet paragraph section story review_text beschreibung langbeschreibung kurzbeschreibung inhalt "
    "contenu contenido descripción descripcion descrizione omschrijving inhoud".split()
)
"""Names of fields that are searched and read without a sample of their texts."""
_ABOUT = frozenset(
    "author authors creator creators byline editor editors publisher publishers contributor contributors user users "
    "username owner owners comment comments reply replies tag tags keyword keywords category categories label labels "
    "sender recipient".split()
)
"""Parts of names of fields about a document that are not its text, wherever in a path they are."""
_DATA = frozenset(
    "url urls uri link links href slug path filename filepath id ids uuid guid hash sku isbn issn doi status type kind "
    "lang language locale country city email phone date time version host hostname ip mimetype format".split()
)
"""Last parts of names of fields that hold data, not text."""
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])|[^\W\d_]+")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_DATA_SIGNS = re.compile(r"[\d/:@_-]")
_WORDS = re.compile(r"[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e01-\u0e4e]|[^\s\u3041-\u30ff\u3400-\u9fff]+")
_SHORT = 3  # words; no sampled text of a field of short values has more
_LONG = 6  # words; the median of the sampled texts of a field of prose
_CODES = frozenset("de en fr es it nl pt ru zh ja ko ar pl sv da fi tr cs hu ro el he th hi uk vi".split())


@dataclass(frozen=True, slots=True)
class Choice:
    """The fields that are used, and why others are not.

    `used`: their names, in their given order. `left_out`: field -> the reason in a few words. `languages`: field -> the
    ISO 639-1 code of its language, for the used fields whose language is known.
    """

    used: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    languages: Mapping[str, str] = field(default_factory=dict)

    def title(self) -> str:
        """Return the field with a document's title, "" if there is none.

        >>> Choice(("body_en", "title_en")).title()
        'title_en'
        """
        if plain := next((name for name in TITLE_NAMES if name in self.used), ""):
            return plain
        titles = [name for name in self.used if "." not in name and _without_language(name) in TITLE_NAMES]
        return titles[0] if len(titles) == 1 else ""

    def describe(self) -> str:
        """Return which fields are left out, and why, in a few words; "" if none are."""
        reasons: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            reasons.setdefault(reason, []).append(name)
        return "; ".join(f"{', '.join(names)} ({reason})" for reason, names in reasons.items())

    def describe_languages(self) -> str:
        """Return the language of each field that has a known one, if they have several; else "".

        >>> Choice(("body",), {"body_de": "German", "tags": "by its name"}, {"body": "en"}).describe_languages()
        'body: English; body_de: German, not read by the model'
        """
        spoken = [f"{name}: {name_of(code)}" for name, code in self.languages.items()]
        other = [
            f"{name}: {reason}, not read by the model" for name, reason in self.left_out.items() if code_of(reason)
        ]
        languages = {part.partition(": ")[2] for part in [*spoken, *other]}
        return "; ".join([*spoken, *other]) if len(languages) > 1 else ""

    def mixed(self) -> str:
        """Return the languages of the used fields, if there are several; else ""."""
        if len(set(self.languages.values())) < 2:
            return ""
        return ", ".join(f"{name} ({name_of(code)})" for name, code in self.languages.items())


def is_obvious(names: Sequence[str]) -> bool:
    """Return True if all fields are used because of their names alone: a title, and fields of text."""
    return all(name in TITLE_NAMES or name in BODY_NAMES for name in names)


def choose(samples: Mapping[str, Sequence[str]], languages: Sequence[str] = ()) -> Choice:
    """Choose among fields, given with texts of some documents that have them; the texts may be missing.

    Left out are fields whose names say that they hold authors, comments, tags, addresses or ids, fields whose texts
    are ids or addresses, fields of short values beside fields of prose, and, if the fields have several languages and
    some of them are among `languages`, the fields of the others. If nothing would be left, all are used.

    >>> choose({"body": [], "author": [], "body_de": []}, ["en"]).left_out
    {'author': 'by its name'}
    """
    left_out: dict[str, str] = {}
    for name, texts in samples.items():
        if reason := _unlike_text(name, texts):
            left_out[name] = reason
    if any(_is_prose(texts) for name, texts in samples.items() if name not in left_out):
        short = (name for name, texts in samples.items() if name not in left_out and _is_short(name, texts))
        left_out |= dict.fromkeys(list(short), "short values")
    if len(left_out) == len(samples):
        left_out = {}
    spoken = {
        name: code for name, texts in samples.items() if name not in left_out and (code := _language(name, texts))
    }
    wanted = {code for code in spoken.values() if code in languages}
    if wanted:
        left_out |= {name: name_of(code) for name, code in spoken.items() if code not in wanted}
    used = tuple(name for name in samples if name not in left_out)
    return Choice(used, left_out, {name: code for name, code in spoken.items() if name in used})


def _parts(name: str) -> list[str]:
    """Return the words of a field's path in lower case.

    >>> _parts("meta.authorName"), _parts("body_en")
    (['meta', 'author', 'name'], ['body', 'en'])
    """
    return [part.lower() for part in _PART.findall(name.replace("_", " "))]


def _unlike_text(name: str, texts: Sequence[str]) -> str:
    """Return why a field is not text, "" if it may be."""
    parts = _parts(name)
    if _ABOUT.intersection(parts) or (parts and parts[-1] in _DATA):
        return "by its name"
    tokens = [text.strip() for text in texts if text.strip()]
    if tokens and all(_TOKEN.fullmatch(token) and _DATA_SIGNS.search(token) for token in tokens):
        return "ids or addresses"
    return ""


def _is_title_or_body(name: str) -> bool:
    last = _without_language(name.rpartition(".")[2])
    return last in TITLE_NAMES or last in BODY_NAMES


def _is_prose(texts: Sequence[str]) -> bool:
    counts = _word_counts(texts)
    return bool(counts) and median(counts) >= _LONG


def _is_short(name: str, texts: Sequence[str]) -> bool:
    counts = _word_counts(texts)
    return bool(counts) and max(counts) <= _SHORT and not _is_title_or_body(name)


def _word_counts(texts: Sequence[str]) -> list[int]:
    """Return the number of words of each text; a character of a script without spaces counts as one."""
    return [len(_WORDS.findall(text)) for text in texts if text.strip()]


def _language(name: str, texts: Sequence[str]) -> str | None:
    """Return the language of a field's texts, or the one that its name ends or begins with if they leave it open."""
    return detect(texts) or _named_language(name)[0]


def _named_language(name: str) -> tuple[str | None, str]:
    """Return the language that a name gives, and the rest of the name.

    >>> _named_language("title_de"), _named_language("english.body"), _named_language("title")
    (('de', 'title'), ('en', 'body'), (None, 'title'))
    """
    parts = [part for part in re.split(r"[._-]", name) if part]
    for place in (-1, 0) if len(parts) > 1 else ():
        word = parts[place].lower()
        if code := word if word in _CODES else code_of(word):
            del parts[place]
            return code, ".".join(parts)
    return None, name


def _without_language(name: str) -> str:
    return _named_language(name)[1]

"""Detect the language of texts by their script and their most frequent words, without a dependency.

It is a check, not a classifier: `detect` returns a language only if the texts leave little doubt, and None for short
texts, code, numbers, lists of names, and languages that it does not know.
"""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from resift.retrieval.stop_words import STOP_WORDS

_LONGEST = 2000  # characters of a text
_MOST_TEXTS = 50
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"[{};=<>\[\]\\|$#@*+~^]|\w[._]\w|\(\)")  # signs that prose hardly has
_MOST_CODE = 0.2  # signs of code for each word
_FEWEST = 3  # function words
_LEAST_SHARE = 0.12  # of all words; prose of the languages here has 0.25 to 0.5
_LEAD = 1.2  # how many times the next language's score the best one must have
_AGREE = 0.6  # of the texts whose language is known

_FREQUENT = {
    "english": (
        "the of and to in is was that for it with as his on be at by he had not are but from or have an they which one "
        "you were all her she there would their we him been has when who will no if out so up into than them can only "
        "other do its about what some could these two may then such this your how where does did my me our should also "
        "use used using any more most over after before while because very just each between"
    ),
    "polish": (
        "i w na z się nie do że jest o jak to po co ale za od przez dla czy tak jego już jej tylko był może oraz "
        "przy także które który która jako być są było była ich tego te ten ta pod bez nad jeśli można lub aby tym"
    ),
    "czech": (
        "a v se na je že o s z do i to k ve pro za by ale si po jako za který která které jsou byl bylo byla tak jeho "
        "nebo od při už jen být také ze po než jak však až aby má může jejich"
    ),
    "slovak": (
        "a v sa na je že o s z do i to k vo pre za by ale si po ako ktorý ktorá ktoré sú bol bolo bola tak jeho alebo "
        "od pri už len byť tiež zo než však až aby má môže ich nie"
    ),
    "hungarian": (
        "a az és hogy nem is egy ez volt van meg de csak mint ha már el még vagy azt ki mert sem minden fel "
        "után lehet be volna aki amely majd kell pedig ezt között által lett"
    ),
    "finnish": (
        "ja on ei se että oli hän en mutta ovat joka kun niin kuin myös mukaan jos sen mitä ole tai sekä vain jo "
        "nyt hänen olla voi siitä sitä olisi ovat jonka kanssa noin vuonna ennen"
    ),
    "romanian": (
        "și de a în la cu nu pe o că să un din este care mai pentru sunt ca au fost prin sau fi dar după lui ale "
        "această acest despre până iar când fiind dintre fără între cel cea"
    ),
    "catalan": (
        "el la de que i en a per un una amb és no els les del al com més van va ser però també dels pel seva seu "
        "són aquest aquesta entre quan fins sense sobre molt ha era on perquè als"
    ),
    "indonesian": (
        "yang dan di ini dengan untuk dari dalam pada adalah itu tidak akan juga ke oleh saya ada mereka sebagai "
        "telah atau karena dapat bisa lebih tersebut secara anda kita seperti bahwa hanya sudah antara"
    ),
    "vietnamese": (
        "và của là có không được trong cho một các với đã người này những để khi từ đến về tại như cũng theo ra "
        "đó vào còn nhưng sẽ bị do nhiều trên phải thì năm"
    ),
    "croatian": (
        "i u je se na da su za od s a o kao ne što to koji koja koje iz bio bila ali ili te će nije biti nakon do po "
        "samo već bi još ova ovaj između svoje"
    ),
    "ukrainian": (
        "і в на не що з до у та як це за від його для але про є був він по або вони їх також який яка які було бути "
        "при ще так коли під через після може"
    ),
    "bulgarian": (
        "и на за в да се от е с не са по като до че при си или това които той към през след има който която ще "
        "бъде но във със един една също може само между"
    ),
    "serbian": (
        "и у је се на да су за од са о као не што то који која које из био била али или ће није бити након до по "
        "само већ би још"
    ),
    "hindi": "है के में की का को से और हैं यह कि पर ने भी एक नहीं था लिए इस हो तो वह कर जो या होता",
    "marathi": "आहे आणि या हे च्या तो ते ही मध्ये आहेत होते होता नाही साठी असे एक व किंवा झाला करण्यात",
    "nepali": "छ र को मा छन् यो पनि हो गर्न भएको लागि थियो छैन गरेको तथा एक हुन्छ यस",
}

_CODES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl", "danish": "da", "norwegian": "no", "swedish": "sv", "finnish": "fi", "turkish": "tr",
    "polish": "pl", "czech": "cs", "slovak": "sk", "hungarian": "hu", "romanian": "ro", "catalan": "ca",
    "indonesian": "id", "vietnamese": "vi", "croatian": "hr", "russian": "ru", "ukrainian": "uk", "bulgarian": "bg",
    "serbian": "sr", "hindi": "hi", "marathi": "mr", "nepali": "ne", "chinese": "zh", "japanese": "ja",
    "korean": "ko", "greek": "el", "arabic": "ar", "persian": "fa", "hebrew": "he", "thai": "th", "armenian": "hy",
    "georgian": "ka", "bengali": "bn", "tamil": "ta", "telugu": "te", "basque": "eu", "brazilian": "pt", "cjk": "zh",
    "estonian": "et", "galician": "gl", "irish": "ga", "latvian": "lv", "lithuanian": "lt", "sorani": "ckb",
    "urdu": "ur", "yiddish": "yi",
}  # fmt: skip
_NAMES = {code: name for name, code in reversed(_CODES.items())}

_SCRIPTS = {
    "latin": "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ",
    "kana": "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d",
    "han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "hangul": "\u1100-\u11ff\uac00-\ud7a3",
    "cyrillic": "\u0400-\u04ff",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "arabic": "\u0620-\u064a\u066e-\u06d3",
    "hebrew": "\u05d0-\u05ea",
    "thai": "\u0e01-\u0e4e",
    "devanagari": "\u0900-\u097f",
    "armenian": "\u0531-\u0587",
    "georgian": "\u10d0-\u10ff",
    "bengali": "\u0980-\u09ff",
    "tamil": "\u0b80-\u0bff",
    "telugu": "\u0c00-\u0c7f",
}
_OF_SCRIPT = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}
_ONE_LANGUAGE = {
    "hangul": "ko", "greek": "el", "hebrew": "he", "thai": "th", "armenian": "hy", "georgian": "ka",
    "bengali": "bn", "tamil": "ta", "telugu": "te",
}  # fmt: skip
_BY_WORDS = {
    "cyrillic": ("russian", "ukrainian", "bulgarian", "serbian"),
    "devanagari": ("hindi", "marathi", "nepali"),
    "latin": (
        "danish", "dutch", "english", "french", "german", "italian", "norwegian", "portuguese", "spanish", "swedish",
        "turkish", "polish", "czech", "slovak", "hungarian", "finnish", "romanian", "catalan", "indonesian",
        "vietnamese", "croatian",
    ),
}  # fmt: skip
_MARKS = {"uk": "іїєґ", "sr": "ђјљњћџ", "ru": "ыэё"}  # Cyrillic letters that the other three languages do not have
_FEWEST_LETTERS = 8  # of a script that only one language uses


def detect(texts: Iterable[str]) -> str | None:
    """Return the ISO 639-1 code of the language that most of `texts` have; None if that is not sure.

    A text counts by its beginning, and of many texts the first 50. Short ones are also judged together.

    >>> detect(["Die Suppe ist fertig, und der Tisch ist für die Gäste gedeckt."]), detect(["soup"])
    ('de', None)
    """
    parts = [text[:_LONGEST] for text, _ in zip(texts, range(_MOST_TEXTS), strict=False)]
    found = Counter(code for part in parts if (code := _language(part)) is not None)
    if not found:
        return _language("\n".join(parts)) if len(parts) > 1 else None
    [(code, count), *_] = found.most_common(1)
    return code if count >= _AGREE * found.total() else None


def code_of(language: str) -> str | None:
    """Return the ISO 639-1 code of a language's English name, which also names the engines' analyzers; else None.

    >>> code_of("german"), code_of("standard")
    ('de', None)
    """
    return _CODES.get(language.lower())


def name_of(code: str) -> str:
    """Return the English name of a language with a capital letter, or the code itself if it is not known.

    >>> name_of("de"), name_of("xx")
    ('German', 'xx')
    """
    return _NAMES[code].capitalize() if code in _NAMES else code


def _language(text: str) -> str | None:
    """Return the language of one text."""
    letters = {name: len(pattern.findall(text)) for name, pattern in _OF_SCRIPT.items()}
    total = sum(letters.values())
    if not total:
        return None
    east_asian = letters["han"] + letters["kana"]
    if east_asian > total / 3 and east_asian >= _FEWEST_LETTERS:  # an ideograph says more than a letter
        return "ja" if letters["kana"] > east_asian / 10 else "zh"
    script = max(letters, key=lambda name: letters[name])
    if letters[script] < 2 * total / 3:
        return None
    if script in _ONE_LANGUAGE:
        return _ONE_LANGUAGE[script] if letters[script] >= _FEWEST_LETTERS else None
    if script == "arabic":
        return _arabic(text, letters[script])
    words = _WORD.findall(text.lower())
    if script == "devanagari":
        words = re.findall(r"[\u0900-\u097f]+", text)  # with the vowel signs, which are not letters
    if len(_CODE.findall(text)) > _MOST_CODE * len(words):
        return None
    return _by_words(words, script) or (_by_marks(text, letters[script]) if script == "cyrillic" else None)


def _by_words(words: list[str], script: str) -> str | None:
    """Return the language whose frequent words the text has most; a word that several share counts less for each."""
    lists = _word_lists()
    counts = Counter(word for word in words if word in lists)
    scores: dict[str, float] = defaultdict(float)
    found: Counter[str] = Counter()
    for word, count in counts.items():
        languages = [name for name in lists[word] if name in _BY_WORDS[script]]
        for language in languages:
            scores[language] += count / len(languages)
            found[language] += count
    if not scores:
        return None
    best = max(scores, key=lambda language: scores[language])
    score = scores.pop(best)
    second = max(scores.values(), default=0.0)
    sure = found[best] >= _FEWEST and found[best] >= _LEAST_SHARE * len(words) and score >= _LEAD * second
    return _CODES[best] if sure else None


def _by_marks(text: str, letters: int) -> str | None:
    """Return the Cyrillic language with letters of its own in the text, if only one has any."""
    lower = text.lower()
    having = [code for code, marks in _MARKS.items() if any(mark in lower for mark in marks)]
    return having[0] if len(having) == 1 and letters >= 3 * _FEWEST_LETTERS else None


def _arabic(text: str, letters: int) -> str | None:
    """Return the language of a text in Arabic script, by the letters that Urdu, Persian and Arabic alone have."""
    if letters < _FEWEST_LETTERS:
        return None
    if re.search("[ٹڈڑے]", text):
        return "ur"
    return "fa" if re.search("[پچژگ]", text) else "ar"


@functools.cache
def _word_lists() -> Mapping[str, list[str]]:
    """Return for each frequent word the languages that it is frequent in."""
    made: dict[str, list[str]] = {}
    for language, words in [*STOP_WORDS.items(), *_FREQUENT.items()]:
        for word in set(words.split()):
            made.setdefault(word, []).append(language)
    return made

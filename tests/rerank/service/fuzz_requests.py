"""Make malformed requests by a grammar: valid ones, of which a member, a byte or the frame is changed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.rerank.service.raw_http import chunked, request

BASES: dict[str, dict[str, str]] = {
    "/rerank": {"query": '"what do cats eat"', "texts": '["Dogs bark.", "Cats eat fish."]', "top_n": "1"},
    "/v1/rerank": {"query": '"what do cats eat"', "documents": '["Dogs bark.", {"text": "Cats eat fish."}]'},
    "/v2/rerank": {"model": '"a"', "query": '"what do cats eat"', "documents": '["Dogs bark.", "Cats eat fish."]'},
    "/score": {"text_1": '"what do cats eat"', "text_2": '["Dogs bark.", "Cats eat fish."]', "details": "true"},
}

MEMBERS = (
    *("query", "texts", "documents", "text_1", "text_2", "queries", "data_1", "items", "passages", "model", "top_n"),
    *("top_k", "return_text", "return_documents", "rank_fields", "max_chunks_per_doc", "max_tokens_per_doc", "details"),
    *("timeout_ms", "priority", "first_stage_scores", "raw_scores", "truncate", "truncation_direction", "unknown", ""),
    *("\\ud800", "\\u0000", "query ", "__proto__", "__class__", "a" * 300),
)

VALUES: tuple[bytes, ...] = (
    *(b"null", b"true", b"false", b"0", b"-1", b"1", b"1.5", b"-0", b"1.0", b"1e2", b"1e308", b"1e-400", b"2147483648"),
    *(b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1" + b"0" * 400, b'"9"', b'"right"'),
    *(b'""', b'" "', b'"\\t\\n"', b'"a"', b'"\\u0000"', b'"\\ud800"', b'"a\\udfff\\ud800b"', b'"\\ud83d\\ude00"'),
    *(b"[]", b"{}", b"[[]]", b"[null]", b"[1]", b"[{}]", b'[""]', b'["a"]', b'["a", 1]', b'[true, "a"]', b'{"a": 1}'),
    *(b'[{"text": 1}]', b'[{"text": "b"}]', b'[{"text": "\\ud800"}]', b'["\\ud800", "\\udfff"]', b'[{"title": "a"}]'),
    *(
        b'[{"text": "a", "n": ' + b"1" + b"0" * 400 + b"}]",
        b'[{"\\ud800": 1}]',
        b'[{"text": ["a"], "title": {"a": [1]}}]',
    ),
    *(b"[" * 90 + b"]" * 90, b'"' + b"x" * 5000 + b'"', b"[1, 2]", b"[1e308, -1e308]", b"[0.1, 2]", b'"left"'),
    *(b'["' + b"\\\\" * 500 + b'"]', b'["text", "\\ud800"]', b'[{"text": "a", "": {"": []}}, "b"]', b'["a", "a"]'),
)
"""Valid JSON of every type."""

BROKEN: tuple[bytes, ...] = (
    *(b"NaN", b"Infinity", b"-Infinity", b"9" * 5000, b"01", b"1.", b".5", b"+1", b"0x1F", b"1_0", b"undefined", b""),
    *(b'"\\u12"', b'"\\x"', b'"a\nb"', b'"a\x00b"', b'"open', b"'a'", b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b"//"),
    *(b"[" * 20_000, b'{"a":' * 20_000, b"[0.1, NaN]", b"[1,]", b'{"a"}', b"]", b"}", b'{"a": 1,}', b"[1 2]", b"tru"),
    *(b"[" * 200 + b"]" * 200, b"[" * 900 + b"]" * 900, b'{"a":' * 200 + b"1" + b"}" * 200, b"1e400", b"[-1e400]"),
)
"""What is not JSON, or more than is accepted of it."""

RARE: tuple[Callable[[], bytes], ...] = (
    lambda: b"[" * 100_000,
    lambda: b"[" * 100_000 + b"]" * 100_000,
    lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    lambda: b"[" + b'"a",' * 19_999 + b'"a"]',
    lambda: b"[" + b"[]," * 1_100_000 + b"[]]",
    lambda: b'"' + b"x" * 2_100_000 + b'"',
    lambda: b"1" * 900_000,
)


@dataclass(frozen=True)
class Attempt:
    """Bytes to send. `framed`: the connection can be used again; `whole`: there is an answer, else it may be cut."""

    data: bytes
    framed: bool = True
    whole: bool = True


def attempt(random: Random) -> Attempt:
    """Return the next request."""
    kind = random.random()
    path = random.choice(list(BASES))
    if kind < 0.7:
        return Attempt(request(path, broken_body(random, path), odd_headers(random)))
    if kind < 0.701:
        body = joined({**BASES[path], random.choice(MEMBERS[:5]): ""}, random.choice(RARE)())
        return Attempt(request(path, body))
    return random.choice((bad_length, bad_chunks, packed, bad_line, bad_headers, several))(random, path)


def value(random: Random) -> bytes:
    """Return a value, mostly one that is JSON, so that what comes after the parser has work too."""
    return random.choice(VALUES if random.random() < 0.9 else BROKEN)


def joined(members: dict[str, str], last: bytes = b"") -> bytes:
    """Return a JSON object of `members`, which are JSON already; the value of those that are empty is `last`."""
    parts = [b'"%s": %s' % (name.encode(), value.encode() or last) for name, value in members.items()]
    return b"{" + b", ".join(parts) + b"}"


def broken_body(random: Random, path: str) -> bytes:
    """Return the body of a request with one to three changes of its members, or of its bytes."""
    members = [(name.encode(), value.encode()) for name, value in BASES[path].items()]
    for _ in range(random.randint(1, 3)):
        change = random.random()
        if change < 0.45:
            members[random.randrange(len(members))] = (random.choice(members)[0], value(random))
        elif change < 0.85:
            members.insert(random.randrange(2), (random.choice(MEMBERS).encode(), value(random)))
        elif len(members) > 1:
            del members[random.randrange(len(members))]
    body = b"{" + b", ".join(b'"%s": %s' % one for one in members) + b"}"
    return body if random.random() < 0.85 else broken_bytes(random, body)


def broken_bytes(random: Random, body: bytes) -> bytes:
    """Return `body` as it must not be: cut, with other bytes, in another encoding, or with something around it."""
    place = random.randrange(len(body))
    odd = bytes([random.choice((0, 9, 34, 44, 58, 91, 92, 93, 123, 125, 128, 192, 237, 255))])
    return random.choice(
        (
            body[:place],
            body[place:],
            body[:place] + odd + body[place:],
            body[:place] + odd + body[place + 1 :],
            b"[" + body + b"]",
            b"\xef\xbb\xbf" + body,
            body.decode("latin-1").encode("utf-16"),
            body + body,
            body + b"\x00",
            b"",
            b" \r\n",
            b"null",
            value(random),
            random.randbytes(50),
        )
    )


def odd_headers(random: Random) -> dict[str, str]:
    """Return headers that are mostly none, or odd ones that must not matter."""
    if random.random() < 0.7:
        return {}
    return random.choice(
        (
            {"X-Deadline-Ms": random.choice(("0", "-1", "1", "1e3", "9" * 13, "9" * 12, "", " 5 ", "\xb2", "a"))},
            {"X-Request-Id": random.choice(("a b", "\xff", "x" * 129, "", '"', "a\tb", "<script>", "../.."))},
            {"Content-Type": random.choice(("", "text/plain", "application/json; charset=utf-16", "\xff", "a/b/c;;="))},
            {"Authorization": random.choice(("", "Bearer", "Bearer ", "Basic \xff", "Bearer " + "x" * 5000))},
            {"Host": random.choice(("", "[", "a?b", "evil.example", "a/../b", "x:99999999", "\xff"))},
            {"Accept": "*/*;q=x", "Accept-Encoding": "\xff", "Cookie": "=;=;", "X-Forwarded-For": "::::", "Range": "x"},
            {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA"},
            {"Expect": random.choice(("100-continue", "200-ok", "\xff"))},
        )
    )


def bad_length(random: Random, path: str) -> Attempt:
    """Return a request whose Content-Length is not that of its body."""
    body = joined(BASES[path])
    length = random.choice(
        ("-1", "+5", "0x10", "1e2", "", " ", "a", "9" * 25, "5, 5", "\xb2", "0", str(len(body) - 3), str(len(body) + 9))
    )
    too_long = length.isascii() and length.isdigit() and len(body) < int(length) < 1e9
    return Attempt(request(path, body, {"Content-Length": length}), False, not too_long)


def bad_chunks(random: Random, path: str) -> Attempt:
    """Return a request in chunks, some of which are wrong."""
    body = broken_body(random, path)
    parts = [body[start : start + 7] for start in range(0, len(body[:3000]), 7)]
    good = chunked(*parts)
    whole, data = random.choice(
        (
            (True, good),
            (True, b"zz\r\n" + good),
            (True, b"-5\r\n" + good),
            (True, b"ffffffffffffffffff\r\n" + good),
            (True, good.replace(b"\r\n", b"\n", 3)),
            (True, chunked(body[:50])[:-2] + b"X-After: \x00\r\n\r\n"),
            (True, chunked(body[:50])[:-2] + b"X-After: a\r\n\r\n"),
            (False, good[:-5]),
            (False, good[: len(good) // 2]),
            (False, b""),
        )
    )
    coding = random.choice(("chunked", "chunked", "chunked", "gzip, chunked", "chunked, gzip", "gzip", "x", ""))
    return Attempt(request(path, data, {"Transfer-Encoding": coding}), False, whole and coding == "chunked")


def packed(random: Random, path: str) -> Attempt:
    """Return a request whose body is compressed, or is said to be."""
    body = joined(BASES[path]) if random.random() < 0.3 else broken_body(random, path)
    good = gzip.compress(body)
    data = random.choice(
        (
            good,
            good[: len(good) // 2],
            good[:-4] + b"\0\0\0\0",
            good + b"garbage",
            body,
            b"",
            zlib.compress(body),
            zlib.compress(body)[2:-4],
            gzip.compress(good),
            BOMB if random.random() < 0.05 else good[:1],
        )
    )
    encoding = random.choice(("gzip", "gzip", "x-gzip", "deflate", "br", "gzip, gzip", "identity", "", "\xff", "GZIP"))
    return Attempt(request(path, data, {"Content-Encoding": encoding}))


BOMB = gzip.compress(b" " * (40 << 20), 6)
"""40 MB of blanks in 40 kB."""


def bad_line(random: Random, path: str) -> Attempt:
    """Return a request with a wrong or an unusual first line."""
    methods = (
        "GET",
        "PUT",
        "DELETE",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "FOO",
        "",
        "post",
        "CONNECT",
        "PRI",
        "\xff",
        "G\0ET",
    )
    targets = (
        path,
        "/nowhere",
        "*",
        "",
        "//",
        "/../../etc/passwd",
        "/%00",
        "/%ff",
        "/%",
        "?",
        "http://[",
        "/a b",
        "\xff",
    )
    long = "/" + "a" * random.choice((10, 70_000))
    versions = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.", "FTP/1.1", "", "HTTP/1.1 x")
    target = random.choice((*targets, long))
    line = " ".join((random.choice(methods), target, random.choice(versions)))
    return Attempt(line.encode("latin-1") + b"\r\nHost: a\r\nConnection: close\r\n\r\n", False, False)


def bad_headers(random: Random, path: str) -> Attempt:
    """Return a request with headers that are wrong, or far too many."""
    headers = random.choice(
        (
            b": a",
            b"A B: c",
            b"A",
            b"A: \x00",
            b"A: b\r\n c",
            b"A: \r b",
            b"\xff: a",
            b"A: " + b"x" * 100_000,
            b"A" * 100_000 + b": x",
            b"\r\n".join(b"A%d: b" % number for number in range(5000)),
            b"Host: a\r\nHost: b",
            b"Transfer-Encoding: chunked\r\nContent-Length: 3",
            b"Content-Length: 3\r\nContent-Length: 4",
        )
    )
    return Attempt(b"POST %s HTTP/1.1\r\n%s\r\n\r\n{}" % (path.encode(), headers), False, False)


def several(random: Random, path: str) -> Attempt:
    """Return several requests at once."""
    one = request(path, broken_body(random, path))
    return Attempt(one * random.randint(2, 9) + random.choice((b"", b"\r\n\r\n", b"garbage\r\n\r\n", one[:40])), False)

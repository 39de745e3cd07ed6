"""Ids of points in time, as Elasticsearch 8.19.0 and OpenSearch 2.19.1 made them."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.proxy.points_in_time import PointsInTime, names_in

IDS: dict[str, tuple[set[str], str]] = {
    "elasticsearch, articles": (
        {"articles"},
        (
            "6M6bBAIIYXJ0aWNsZXMWdkVCeUQ0MlFTdHFGUWtNZV9nQ3pCdwABFnprdWotM3UwVEhlanBXVzgyU29rZXcAAQAAAAAAAAABFjg4"
            "Z3dHMU96VHhDSHJIdjdUX2JTS2cACGFydGljbGVzFnZFQnlENDJRU3RxRlFrTWVfZ0N6QncBARZ6a3VqLTN1MFRIZWpwV1c4MlNv"
            "a2V3AAEAAAAAAAAAAhY4OGd3RzFPelR4Q0hySHY3VF9iU0tnAAEWdkVCeUQ0MlFTdHFGUWtNZV9nQ3pCdwAA"
        ),
    ),
    "elasticsearch, articles,a": (
        {"articles", "a"},
        (
            "6M6bBAQBYRZScHQ5VjNQTVRheU8xMDlrR1VzdHBnAAEWemt1ai0zdTBUSGVqcFdXODJTb2tldwABAAAAAAAAAAUWODhnd0cxT3pU"
            "eENIckh2N1RfYlNLZwAIYXJ0aWNsZXMWdkVCeUQ0MlFTdHFGUWtNZV9nQ3pCdwABFnprdWotM3UwVEhlanBXVzgyU29rZXcAAQAA"
            "AAAAAAAGFjg4Z3dHMU96VHhDSHJIdjdUX2JTS2cAAWEWUnB0OVYzUE1UYXlPMTA5a0dVc3RwZwEBFnprdWotM3UwVEhlanBXVzgy"
            "U29rZXcAAQAAAAAAAAAHFjg4Z3dHMU96VHhDSHJIdjdUX2JTS2cACGFydGljbGVzFnZFQnlENDJRU3RxRlFrTWVfZ0N6QncBARZ6"
            "a3VqLTN1MFRIZWpwV1c4MlNva2V3AAEAAAAAAAAACBY4OGd3RzFPelR4Q0hySHY3VF9iU0tnAAIWUnB0OVYzUE1UYXlPMTA5a0dV"
            "c3RwZwAAFnZFQnlENDJRU3RxRlFrTWVfZ0N6QncAAA=="
        ),
    ),
    "elasticsearch, filtered": (
        {"articles"},
        (
            "6M6bBAIIYXJ0aWNsZXMWdkVCeUQ0MlFTdHFGUWtNZV9nQ3pCdwABFnprdWotM3UwVEhlanBXVzgyU29rZXcAAQAAAAAAAAALFjg4"
            "Z3dHMU96VHhDSHJIdjdUX2JTS2cACGFydGljbGVzFnZFQnlENDJRU3RxRlFrTWVfZ0N6QncBARZ6a3VqLTN1MFRIZWpwV1c4MlNv"
            "a2V3AAEAAAAAAAAADBY4OGd3RzFPelR4Q0hySHY3VF9iU0tnAAEWdkVCeUQ0MlFTdHFGUWtNZV9nQ3pCdwEIZmlsdGVyZWQBBHRl"
            "cm0_gAAAAAFhFQFiAA=="
        ),
    ),
    "elasticsearch, b%C3%BCcher": (
        {"bücher"},
        (
            "6M6bBAEGYsO8Y2hlchZwS1BLbTdPMFRGYVd4OU11N1lxWHRBAAEWemt1ai0zdTBUSGVqcFdXODJTb2tldwABAAAAAAAAAA4WODhn"
            "d0cxT3pUeENIckh2N1RfYlNLZwABFnBLUEttN08wVEZhV3g5TXU3WXFYdEEAAA=="
        ),
    ),
    "elasticsearch, a long name": (
        {"x" * 200},
        (
            "6M6bBAHIAXh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
            "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
            "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4FldZMEJwV29DUjhtOUx3dlB1"
            "RWN6ZncAARZ6a3VqLTN1MFRIZWpwV1c4MlNva2V3AAEAAAAAAAAADRY4OGd3RzFPelR4Q0hySHY3VF9iU0tnAAEWV1kwQnBXb0NS"
            "OG05THd2UHVFY3pmdwAA"
        ),
    ),
    "opensearch, articles": (
        {"articles"},
        (
            "99aFQQIIYXJ0aWNsZXMWaXh2dDU3SEtSUEtFTG9RMnhacXJEZwEWZFpRQ1hManlTa0Npc1dxMHp3S0NzdwAAAAAAAAAAAhYzVkx2"
            "TXR6Q1FmU1doalR5RjdnU1ZRCGFydGljbGVzFml4dnQ1N0hLUlBLRUxvUTJ4WnFyRGcAFmRaUUNYTGp5U2tDaXNXcTB6d0tDc3cA"
            "AAAAAAAAAAEWM1ZMdk10ekNRZlNXaGpUeUY3Z1NWUQEWaXh2dDU3SEtSUEtFTG9RMnhacXJEZwAA"
        ),
    ),
    "opensearch, articles,a": (
        {"articles", "a"},
        (
            "99aFQQQIYXJ0aWNsZXMWaXh2dDU3SEtSUEtFTG9RMnhacXJEZwEWZFpRQ1hManlTa0Npc1dxMHp3S0NzdwAAAAAAAAAACBYzVkx2"
            "TXR6Q1FmU1doalR5RjdnU1ZRAWEWdW8ydHk1SlZUa2VYQms2U0dvd1hqUQAWZFpRQ1hManlTa0Npc1dxMHp3S0NzdwAAAAAAAAAA"
            "BRYzVkx2TXR6Q1FmU1doalR5RjdnU1ZRAWEWdW8ydHk1SlZUa2VYQms2U0dvd1hqUQEWZFpRQ1hManlTa0Npc1dxMHp3S0NzdwAA"
            "AAAAAAAABxYzVkx2TXR6Q1FmU1doalR5RjdnU1ZRCGFydGljbGVzFml4dnQ1N0hLUlBLRUxvUTJ4WnFyRGcAFmRaUUNYTGp5U2tD"
            "aXNXcTB6d0tDc3cAAAAAAAAAAAYWM1ZMdk10ekNRZlNXaGpUeUY3Z1NWUQIWaXh2dDU3SEtSUEtFTG9RMnhacXJEZwAAFnVvMnR5"
            "NUpWVGtlWEJrNlNHb3dYalEAAA=="
        ),
    ),
    "opensearch, filtered": (
        {"articles"},
        (
            "99aFQQIIYXJ0aWNsZXMWaXh2dDU3SEtSUEtFTG9RMnhacXJEZwEWZFpRQ1hManlTa0Npc1dxMHp3S0NzdwAAAAAAAAAADBYzVkx2"
            "TXR6Q1FmU1doalR5RjdnU1ZRCGFydGljbGVzFml4dnQ1N0hLUlBLRUxvUTJ4WnFyRGcAFmRaUUNYTGp5U2tDaXNXcTB6d0tDc3cA"
            "AAAAAAAAAAsWM1ZMdk10ekNRZlNXaGpUeUY3Z1NWUQEWaXh2dDU3SEtSUEtFTG9RMnhacXJEZwEIZmlsdGVyZWQBBHRlcm0_gAAA"
            "AAFhFQFiAA=="
        ),
    ),
    "opensearch, b%C3%BCcher": (
        {"bücher"},
        (
            "99aFQQEGYsO8Y2hlchZhQnpUc3p0alRRU25GeWZ2aEg1Q2dBABZkWlFDWExqeVNrQ2lzV3EwendLQ3N3AAAAAAAAAAAOFjNWTHZN"
            "dHpDUWZTV2hqVHlGN2dTVlEBFmFCelRzenRqVFFTbkZ5ZnZoSDVDZ0EAAA=="
        ),
    ),
}
"""What was opened (two shards each, one of the long name; "filtered" is an alias of articles with a filter)."""


@pytest.mark.parametrize("opened", IDS)
def test_the_names_of_the_indices_are_read_from_an_id(opened: str) -> None:
    names, pit_id = IDS[opened]
    assert names_in(pit_id) == names
    assert PointsInTime().index({"pit": {"id": pit_id, "keep_alive": "1m"}}) == ",".join(sorted(names))


def test_what_was_noted_when_it_was_opened_is_known_better_than_the_id() -> None:
    points, pit_id = PointsInTime(), IDS["elasticsearch, filtered"][1]
    points.note("filtered", {"id": pit_id})
    assert points.index({"pit": {"id": pit_id}}) == "filtered"
    points.note("articles-*", {"pit_id": "opaque", "_shards": {}})
    assert points.index({"pit": {"id": "opaque"}}) == "articles-*"


@pytest.mark.parametrize("response", [None, [], "id", {}, {"id": None}, {"id": 3}, {"error": {}}])
def test_other_responses_note_nothing(response: object) -> None:
    points = PointsInTime()
    points.note("articles", response)
    assert points.index({"pit": {"id": "id"}}) == ""


@pytest.mark.parametrize(
    "search", [{}, {"pit": None}, {"pit": "x"}, {"pit": []}, {"pit": {}}, {"pit": {"id": 3}}, {"pit": {"id": ""}}]
)
def test_searches_without_a_point_in_time_name_no_index(search: dict[str, object]) -> None:
    assert PointsInTime().index(search) == ""


def number(value: int) -> bytes:
    """Return a number as the engines write it."""
    return bytes((value,)) if value < 128 else bytes((value & 127 | 128, value >> 7))


def made(*names: str) -> str:
    """Return an id as the engines write it, of one shard of each index."""
    raw = struct.pack(">I", 0xE8CE9B04) + number(len(names))
    for place, name in enumerate(names):
        raw += number(len(name.encode("utf-16-le")) // 2) + name.encode()
        raw += b"\x16" + b"%022d" % place + b"\x00\x01\x16" + b"S" * 22 + bytes(8)
    return base64.urlsafe_b64encode(raw).decode()


@pytest.mark.parametrize(
    "name",
    [
        "a" * 30 + "-" + "b" * 45,
        "logs-" + "9" * 57,
        "x" * 127,
        "x" * 128,
        "x" * 255,
        "\N{GRINNING FACE}.x",
        "é" * 127,
        "cats!",
        "a_b-c.d",
    ],
)
def test_names_whose_ends_look_like_shorter_names_and_long_ones_are_read_whole(name: str) -> None:
    assert names_in(made(name)) == {name}
    assert names_in(made("other", name, "third")) == {"other", name, "third"}


@given(
    st.binary(max_size=400)
    | st.lists(st.sampled_from([b"\x16", b"A" * 22, b"a", b"\x01", b"\x80", b"\xff"])).map(b"".join)
)
def test_no_id_makes_it_fail(raw: bytes) -> None:
    assert all(names_in(base64.urlsafe_b64encode(raw).decode()))


@given(st.text(max_size=60))
def test_texts_that_are_no_ids_have_names_or_none(text: str) -> None:
    assert isinstance(names_in(text), set)


def test_an_id_that_is_larger_than_any_of_an_engine_is_not_read() -> None:
    assert names_in(made(*(f"index-{number}" for number in range(200)))) == {f"index-{number}" for number in range(200)}
    assert names_in(made(*(f"index-{number}" for number in range(200))) * 100) == set()

"""Values of records as JSON: what the engine's own client sends, and ISO 8601 and base64 where it refuses a type."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from elasticsearch.serializer import JsonSerializer

from resift.indexer.corpora import read_documents
from resift.indexer.corpora.json_values import duration, json_value

BERLIN = dt.timezone(dt.timedelta(hours=2))
KNOWN = [
    dt.datetime(2024, 5, 1, 12, 30),
    dt.datetime(2024, 5, 1, 12, 30, 1, 5000, BERLIN),
    dt.datetime(2024, 5, 1, tzinfo=dt.UTC),
    dt.date(1969, 12, 31),
    Decimal("12.50"),
    Decimal("-3"),
    uuid.UUID("12345678-1234-5678-1234-567812345678"),
    pd.Timestamp("2024-05-01T12:30:00.123456789", tz="Europe/Berlin"),
    np.int64(7),
    np.float32(0.5),
    np.array([1.5, 2]),
    True,
    2**70,
    "é\n",
    ["a", [1, None]],
    {"a": {"b": [dt.date(2024, 5, 1)]}},
]


@pytest.mark.parametrize("value", KNOWN, ids=repr)
def test_value_is_what_the_client_of_elasticsearch_sends(value: object) -> None:
    assert json.dumps([json_value(value)]) == json.dumps(json.loads(JsonSerializer().dumps([value])))


@pytest.mark.parametrize(
    "value",
    [dt.timedelta(0), dt.timedelta(days=3, hours=4, seconds=5, microseconds=60), dt.timedelta(microseconds=1), pd.Timedelta(7, "ns")],
    ids=repr,
)  # fmt: skip
def test_duration_means_what_pandas_reads_from_it(value: dt.timedelta) -> None:
    assert pd.Timedelta(duration(value)) == pd.Timedelta(value)
    assert pd.Timedelta(duration(-value)) == -pd.Timedelta(value)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), Decimal("NaN"), Decimal("1e999"), pd.NaT, pd.NA, None])
def test_what_json_does_not_have_is_missing(value: object) -> None:
    assert json_value(value) is None


def test_columns_of_parquet_become_values_that_an_engine_takes(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1.0], pa.float64()),
            "text": pa.array([b"bytes of Hive"], pa.binary()),
            "at": pa.array([dt.datetime(2024, 5, 1, 12, 0)], pa.timestamp("us", "Europe/Berlin")),
            "seen": pa.array([dt.datetime(2024, 5, 1, 12, 0)], pa.timestamp("ms")),
            "day": pa.array([dt.date(2024, 5, 1)], pa.date32()),
            "time": pa.array([dt.time(7, 8, 9)], pa.time64("us")),
            "took": pa.array([dt.timedelta(minutes=90)], pa.duration("s")),
            "raw": pa.array([b"\x00\xff"], pa.binary()),
            "price": pa.array([Decimal("3.50")], pa.decimal128(8, 2)),
            "tags": pa.array([["a", None]], pa.list_(pa.string())),
            "deep": pa.array([{"when": dt.date(2024, 5, 1), "of": [{"x": 1.5}]}]),
            "map": pa.array([[("k", 1), ("l", 2)]], pa.map_(pa.string(), pa.int32())),
            "nan": pa.array([float("nan")]),
        }
    )
    pq.write_table(table, tmp_path / "c.parquet")
    [document] = read_documents(tmp_path / "c.parquet")

    assert (document.doc_id, document.text) == ("1", "bytes of Hive")
    assert document.fields == {
        "at": "2024-05-01T14:00:00+02:00",
        "seen": "2024-05-01T12:00:00",
        "day": "2024-05-01",
        "time": "07:08:09",
        "took": "PT1H30M",
        "raw": base64.b64encode(b"\x00\xff").decode(),
        "price": 3.5,
        "tags": ["a", None],
        "deep": {"when": "2024-05-01", "of": [{"x": 1.5}]},
        "map": {"k": 1, "l": 2},
    }

"""Read the click log that a user names: a file of sessions, files of UBI, or UBI's indices in an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from resift.indexer.corpora.json_records import read_json
from resift.indexer.corpora.settings import CorpusSettings
from resift.rerank.training.mining.clicks.judged import ClickAnchors
from resift.rerank.training.mining.clicks.log import ClickLog, own_sessions
from resift.rerank.training.mining.clicks.settings import ClickSettings
from resift.rerank.training.mining.clicks.ubi import read_ubi
from resift.rerank.ubi_records import Record, is_ubi
from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import connect
from resift.retrieval.engine.scan import scan
from resift.retrieval.engine.settings import ConnectionSettings
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.registry import is_engine
from resift.retrieval.text_lines import STANDARD_INPUT

_JSON = CorpusSettings(
    text_field="query,query_id,action_name,shown"
)  # a file of one line is one record, with these names
_SAMPLE = 20  # records that decide which form a file has
_QUERY_FIELDS = ("query_id", "user_query", "query_response_hit_ids")
_EVENT_FIELDS = ("query_id", "action_name", "event_attributes.object", "event_attributes.position")


def read_clicks(
    clicks: str,
    events: str | None = None,
    settings: ClickSettings | None = None,
    connection: ConnectionSettings | None = None,
    ask: Callable[[str], str] | None = None,
) -> ClickAnchors:
    """Return the judged queries of a click log.

    `clicks` is a JSON lines file of sessions, or UBI's queries, whose events are in `events` or among them: files, or
    addresses of indices, which `connection` reaches. Raises CorpusError if a file cannot be read, has another form, or
    no session is left; SettingsError on `events` beside a file of sessions, or without them; and EngineError.
    """
    settings = settings or ClickSettings()
    log = ClickLog(settings.most_shown)
    notes = []
    if not is_engine(clicks) and not _is_ubi(clicks):
        if events is not None:
            raise SettingsError(f"{clicks} has sessions, which need no events; leave them out", "events")
        records = read_json(clicks, _JSON)
        log.add_all(own_sessions(((one.line, one.values, one.problem) for one in records), log))
    else:
        if clicks == STANDARD_INPUT or events == STANDARD_INPUT:
            raise SettingsError("a log of UBI cannot be read from standard input; name its files", "clicks")
        if events is None and is_engine(clicks):
            raise SettingsError(f"{clicks} has UBI's queries; name the index of their events with `events`", "events")
        read = partial(_records, log, connection=connection or ConnectionSettings(), ask=ask)
        found = read_ubi(
            lambda: read(clicks, _QUERY_FIELDS), lambda: read(events or clicks, _EVENT_FIELDS), settings, log
        )
        notes = found.notes()
    if not log.sessions:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in log.dropped.items()) or "it is empty"
        raise CorpusError(f"has no session that can be used ({reasons})", clicks)
    if not log.clicks:
        reasons = "; ".join([*notes, *(f"{reason}: {count}" for reason, count in log.dropped.items())])
        raise CorpusError(f"has {log.sessions} sessions and no click; {reasons or 'are the ids the same?'}", clicks)
    made = ClickAnchors(log, settings)
    made.notes += notes
    return made


def _is_ubi(path: str) -> bool:
    """Return whether the first records of a file are UBI's. Raises CorpusError if they have neither form."""
    if path == STANDARD_INPUT:
        return False
    sample = [dict(one.values) for one in islice(read_json(path, _JSON), _SAMPLE) if not one.problem]
    if any("shown" in one and "clicked" in one for one in sample):
        return False
    if sample and all(map(is_ubi, sample)):
        return True
    names = ", ".join(repr(name) for name in sample[0]) if sample else "nothing"
    expected = '{"query": …, "shown": […], "clicked": […]}, or UBI\'s queries (query_id, user_query)'
    raise CorpusError(f"is no click log: its first record has {names}; expected {expected}", path)


def _records(
    log: ClickLog,
    source: str,
    fields: tuple[str, ...],
    connection: ConnectionSettings,
    ask: Callable[[str], str] | None,
) -> Iterator[Record]:
    """Yield the records of a file or an index; lines that are none are counted in `log`."""
    if is_engine(source):
        address = read_address(source)
        engine = connect(address, connection, ask)
        try:
            yield from scan(engine, address, fields)
        finally:
            engine.close()
        return
    for record in read_json(source, _JSON):
        if record.problem:
            log.dropped["lines that are not JSON objects"] += 1
        else:
            yield record.values

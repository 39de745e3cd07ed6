"""The first stage in an Elasticsearch or OpenSearch that already runs; it only reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.client import Engine, connect
from resift.retrieval.engine.client_errors import error_in, parsing
from resift.retrieval.engine.field_types import field_types
from resift.retrieval.engine.fields import Fields, choice_notes, find_fields
from resift.retrieval.engine.filters import read_filter
from resift.retrieval.engine.hits import HitReader
from resift.retrieval.engine.lookup import IDS_PER_REQUEST, MOST_ENTRIES, at_random, by_ids
from resift.retrieval.engine.own_body import check_fields, fill, read_template
from resift.retrieval.engine.query import (
    is_longer,
    longest_query,
    search_body,
    with_filter,
    with_window,
)
from resift.retrieval.engine.retry import TRANSIENT_STATUSES, once
from resift.retrieval.engine.sample import choose_fields
from resift.retrieval.engine.settings import EngineSettings, OpenOptions
from resift.retrieval.engine.tally import Tally
from resift.retrieval.errors import EngineError, StatusError
from resift.retrieval.retriever import check_depth
from resift.retrieval.types import Document, Hit, Query, Ranking

_SEARCHES_PER_REQUEST = 16
_NO_SOURCE = "_source is disabled"  # in the engines' reason
_NO_SCORE = -4e9  # lower scores are the separators in the results of a hybrid query without a search pipeline
_HIT_FIELDS = ("_index", "_id", "_score", "_source", "fields")
_FILTER_PATH = ",".join(["status,error,timed_out,_shards,took", *(f"hits.hits.{name}" for name in _HIT_FIELDS)])
_MULTI_FILTER_PATH = ",".join(f"responses.{name}" for name in _FILTER_PATH.split(","))


class EngineRetriever:
    """Finds documents in an index, an alias, a data stream or several of them; safe to share between threads.

    `counts`: "took" (milliseconds that the engine reports for its searches, in all), "shortened" (queries that were too
    long), "repeated" (hits left out because a better one has the same id, from another index or routing).

    >>> EngineRetriever.open("http://localhost:9200/articles").retrieve([Query("1", "reset")], 10)  # doctest: +SKIP
    """

    def __init__(
        self,
        engine: Engine,
        url: str,
        settings: EngineSettings | None = None,
        fields: Sequence[str] = (),
        languages: Sequence[str] = (),
    ) -> None:
        """Read which fields the index at `url` has; `fields` are read from hits besides title and text.

        Of fields in several languages, those in one of `languages` (ISO 639-1 codes) are used, if there are any.
        Raises EngineError if the index cannot be read or searched, and SettingsError if a setting does not fit it.
        """
        self.engine = engine
        self.settings = settings or EngineSettings()
        self.address = read_address(url)
        types = field_types(engine, self.address)
        self.template = read_template(self.settings.query_file) if self.settings.query_file else None
        if self.template is not None and types:
            check_fields(self.template, types, self.address.index, str(self.settings.query_file))
        self.choice = choose_fields(engine, self.address, types, self.settings, languages, self.template)
        self.fields: Fields = find_fields(types, self.address, self.settings, fields, self.choice)
        self.filter = read_filter(self.settings, types)
        self.reader = HitReader(self.fields)
        self.stored = False  # True once the index turns out to have no source: request stored fields
        self.by_fields = False  # True once no source had a text field, as with a field alias: request `fields`
        self.several = any(character in self.address.index for character in "*,")
        self.counts = Tally()

    @classmethod
    def open(
        cls,
        url: str,
        options: OpenOptions | None = None,
    ) -> EngineRetriever:
        """Connect to the engine at `url` and read which fields the index has. Raises EngineError and SettingsError."""
        options = options or OpenOptions()
        engine = connect(read_address(url), options.connection, options.ask)
        return cls(engine, url, options.engine, options.fields, options.languages)

    @property
    def language(self) -> str:
        """The language of the analysis that marks words in snippets; the engine's own analysis is not requested."""
        return "english"

    def notes(self) -> list[str]:
        """Return one line for each kind of irregular query or document so far."""
        lines = {
            "shortened": f"queries cut to their first {longest_query(self.fields):,} words for the search",
            "repeated": "hits left out, because a better hit of the same ranking has the same id",
        }
        counted = [f"note: {text}: {self.counts[name]}" for name, text in lines.items() if self.counts[name]]
        own_body = self.template is not None
        named = own_body and self.settings.source_text  # the body searches, and the user says what is read
        chosen = choice_notes(self.fields, self.choice, own_body) if self.choice and not named else []
        return [*self.engine.notes, *chosen, *self.reader.notes(self.stored), *counted]

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Return for each query the engine's best `depth` documents, in the order of `Ranking.of`.

        The query's text determines which copy of a shard responds, so that scores do not change between calls. Raises
        SettingsError if `depth` is below 1, and EngineError if the search fails, or a shard does not respond and the
        settings do not allow partial results.
        """
        check_depth(depth)
        rankings = []
        if self.template is None:
            longest = longest_query(self.fields)
            self.counts.add("shortened", sum(is_longer(query.text, longest) for query in queries))
        for start in range(0, len(queries), _SEARCHES_PER_REQUEST):
            part = queries[start : start + _SEARCHES_PER_REQUEST]
            with parsing(str(self.address)):
                answers = self._answers(part, depth)
                rankings += [self._ranking(query, answer) for query, answer in zip(part, answers, strict=True)]
        return rankings

    def body(self, query: Query, depth: int, by_fields: bool = False) -> dict[str, Any]:
        """Return the search body for `query`; with `by_fields` it requests the values of fields besides the source."""
        body = search_body(self.fields, query.text) if self.template is None else fill(self.template, query.text)
        body = {**with_filter(body, self.filter), "size": depth}
        body.pop("_source", None)
        body |= self._wanted(by_fields)
        if "retriever" in body:
            body["retriever"] = with_window(body["retriever"], depth)
        if self.template is None:
            body["track_total_hits"] = False
            if self.fields.collapse:
                body["collapse"] = {"field": self.fields.collapse}
        return body

    def documents(self, doc_ids: Sequence[str]) -> dict[str, list[Document]]:
        """Return the documents with these ids, by id, each as a list of one, or of its passages.

        The filter of the settings does not apply. Raises EngineError if the search fails.
        """
        wanted = list(dict.fromkeys(doc_ids))
        found: dict[str, list[Document]] = {}
        for start in range(0, len(wanted), IDS_PER_REQUEST):
            part = wanted[start : start + IDS_PER_REQUEST]
            for document in self._entries(by_ids(part, self.fields.collapse, several=self.several), MOST_ENTRIES):
                found.setdefault(document.doc_id, []).append(document)
        return {doc_id: found[doc_id] for doc_id in wanted if doc_id in found}

    def sample(self, count: int, seed: int) -> list[Document]:
        """Return at most `count` different entries that the settings' filter allows, drawn evenly by `seed`.

        Raises SettingsError if `count` is below 1, and EngineError if the search fails.
        """
        check_depth(count)
        return self._entries(at_random(self.filter, seed), min(count, MOST_ENTRIES))

    def _entries(self, query: Mapping[str, Any], size: int) -> list[Document]:
        """Return the documents or passages that match a query clause, in the engine's order."""
        path, params = f"{self.address.path}/_search", {"preference": "resift-entries", "filter_path": _FILTER_PATH}

        def search(by_fields: bool) -> list[dict[str, Any]]:
            body = {"query": query, "size": size, "track_total_hits": False, **self._wanted(by_fields)}
            return [self._complete(self.engine.request("POST", path, body, params))]

        with parsing(str(self.address)):
            [answer] = self._with_texts(search)
            return [self.reader.read(hit, self._doc_id(hit)) for hit in answer.get("hits", {}).get("hits", [])]

    def _wanted(self, by_fields: bool) -> dict[str, Any]:
        """Return the part of a search body that requests the texts."""
        if self.stored:
            return {"stored_fields": self.fields.read}
        return {"_source": self.fields.source, **({"fields": self.fields.read} if by_fields else {})}

    def _answers(self, queries: Sequence[Query], depth: int) -> list[dict[str, Any]]:
        """Return the engine's response to each query, with the texts where the index has them."""
        return self._with_texts(lambda by_fields: self._search(queries, depth, by_fields))

    def _with_texts(self, search: Callable[[bool], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return the responses of `search`, repeated if the index keeps its texts elsewhere than in the source."""
        by_fields = self.by_fields  # another thread may set it during the search
        try:
            answers = search(by_fields)
        except StatusError as error:
            if self.stored or error.status != 400 or _NO_SOURCE not in str(error):
                raise
            self.stored = True
            return search(False)
        if not (by_fields or self.stored) and self._textless(answers):
            self.by_fields = True
            answers = search(True)
        return answers

    def _search(self, queries: Sequence[Query], depth: int, by_fields: bool) -> list[dict[str, Any]]:
        """Return the engine's response to each query."""
        if len(queries) == 1:
            body = self.body(queries[0], depth, by_fields)
            params = {"preference": _preference(queries[0]), "filter_path": _FILTER_PATH}
            return [self._complete(self.engine.request("POST", f"{self.address.path}/_search", body, params))]
        return self._multi_search([_lines(query, self.body(query, depth, by_fields)) for query in queries])

    def _multi_search(self, searches: Sequence[bytes]) -> list[dict[str, Any]]:
        """Return the engine's response to each search, given as its two lines; those that it rejects are sent again."""
        responses: dict[int, dict[str, Any]] = {}

        def send_rest() -> dict[int, dict[str, Any]]:
            """Send the searches without a response; return the rejections, by place."""
            places = [place for place in range(len(searches)) if place not in responses]
            lines = b"".join(searches[place] for place in places)
            params = {"filter_path": _MULTI_FILTER_PATH}
            found = self.engine.request("POST", f"{self.address.path}/_msearch", lines, params, retry=once())
            rejected = {}
            for place, response in zip(places, found["responses"], strict=True):
                if response.get("status") in TRANSIENT_STATUSES:
                    rejected[place] = response
                else:
                    responses[place] = self._complete(response)
            return rejected

        rejected = self.engine.retry().call(send_rest, lambda rejected: not rejected)
        for place, response in rejected.items():
            responses[place] = self._complete(response)  # raises the engine's reason
        return [responses[place] for place in range(len(searches))]

    def _complete(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return a response to which all shards contributed. Raises EngineError for any other."""
        if "error" in answer:
            raise error_in(answer, str(self.address), self.engine.secrets)
        shards = answer["_shards"]
        missing = shards.get("total", 0) - shards.get("successful", 0)
        if (missing or answer.get("timed_out")) and not self.settings.allow_partial:
            what = f"{missing} of {shards.get('total')} shards did not respond" if missing else "the search timed out"
            raise EngineError(
                f"{what}{_failure(shards)}; check the cluster's health, or accept the other hits with `allow_partial`",
                str(self.address),
            )
        self.counts.add("took", answer.get("took", 0))
        return answer

    def _textless(self, answers: Sequence[Mapping[str, Any]]) -> bool:
        """Return True if there are hits, and none of their sources has a text field."""
        hits = [hit for answer in answers for hit in answer.get("hits", {}).get("hits", [])]
        return bool(hits) and not any(self.reader.has_text(hit) for hit in hits)

    def _ranking(self, query: Query, answer: Mapping[str, Any]) -> Ranking:
        found: dict[str, Hit] = {}
        for hit in answer.get("hits", {}).get("hits", []):
            if hit.get("_score") is None:
                raise EngineError("a hit has no score; leave out the sort from the search body", str(self.address))
            doc_id, score = self._doc_id(hit), float(hit["_score"])
            if score <= _NO_SCORE:
                raise EngineError(
                    'a hybrid query needs a "search_pipeline" with a normalization-processor; add it to the body',
                    str(self.address),
                )
            if doc_id not in found:
                found[doc_id] = Hit(self.reader.read(hit, doc_id), score)
            elif not self.fields.collapse:
                self.counts.add("repeated")
        return Ranking.of(query, found.values())

    def _doc_id(self, hit: Mapping[str, Any]) -> str:
        """Return the id of a hit: the document's id for a passage, prefixed with the index if several are searched."""
        parent = (hit.get("_source") or {}).get(self.fields.collapse) if self.fields.collapse else None
        doc_id = str(parent or hit["_id"])
        return f"{hit['_index']}/{doc_id}" if self.several else doc_id


def _failure(shards: Mapping[str, Any]) -> str:
    """Return the index and the reason of the first shard that failed, in brackets; "" if none is given."""
    for failure in shards.get("failures") or []:
        reason = failure.get("reason") or {}
        return f" ({failure.get('index')}: {(reason.get('caused_by') or reason).get('reason') or reason.get('type')})"
    return ""


def _lines(query: Query, body: Mapping[str, Any]) -> bytes:
    """Return the two lines of one search in a multi-search."""
    header = {"preference": _preference(query)}
    return b"%b\n%b\n" % (json.dumps(header).encode(), json.dumps(body).encode())


def _preference(query: Query) -> str:
    return "resift-" + hashlib.sha256(query.text.encode("utf-8", "replace")).hexdigest()[:16]

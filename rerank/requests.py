"""Rerank requests as JSON: parse each, rerank its candidates, and build the reply."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.candidates import from_reranking, to_ranking
from resift.rerank.index_definitions import IndexDefinitions, index_name
from resift.rerank.request_forms import GivenCandidates, find_candidates, find_query
from resift.rerank.reranker import Known, Reranker, Reranking
from resift.rerank.strict_json import STRICT_JSON
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.registry import has_scheme
from resift.retrieval.types import Query, Ranking
from resift.retrieval.wording import counted

_NO_DEFINITIONS = IndexDefinitions()
_FORM = '{"query": "...", "documents": [...]}'


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """One request: its candidates as given and as a ranking, and whether they have first-stage scores (`scored`)."""

    body: Mapping[str, Any]
    given: GivenCandidates
    ranking: Ranking
    scored: bool


@dataclass(frozen=True, slots=True)
class RerankReply:
    """The reply to one request as a JSON object, and the reranking behind it."""

    body: dict[str, Any]
    result: Reranking


def read_requests(lines: Iterable[bytes], name: str, query: str | None = None) -> Iterator[RerankRequest]:
    """Yield the request of each line that is not blank, as soon as it is read.

    From a line on that is not complete, all lines are read as JSON values of any number of lines; an array has one
    request per element. `query` is the text for requests without one. Raises CorpusError with `name` and the line.
    """
    for number, (line, body) in enumerate(_bodies(iter(lines), name), start=1):
        try:
            if not isinstance(body, dict):
                raise ValueError(f"a JSON {type(body).__name__}; expected an object {_FORM}")
            yield _request(number, body, query)
        except ValueError as error:
            raise CorpusError(str(error), name, line) from None


def rerank_requests(
    requests: Iterable[RerankRequest],
    reranker: Reranker,
    top: int | None,
    return_documents: bool,
    model: str | None = None,
    definitions: IndexDefinitions = _NO_DEFINITIONS,
) -> Iterator[RerankReply]:
    """Yield the reply to each request as soon as it is read, in order. Raises CorpusError and ModelError.

    `model` is the name of the reranker's model: hits that the same model has already scored are fused on the scale of
    their own search, and get the same order again. Of a request with the member "index", as a search writes it, the
    documents are read by the definition of this index, if `definitions` have one.
    """
    for request in requests:
        given = request.given
        chosen = _defined(reranker, request.body.get("index"), definitions)
        chosen = chosen if request.scored else chosen.with_settings(fusion="none")
        if given.window is not None and chosen.settings.rank_window_size == sys.maxsize:
            chosen = chosen.with_settings(rank_window_size=given.window)
        scale = given.scale if model is not None and given.model == model else None
        [result] = chosen.rerank([request.ranking], [Known(given.promoted, scale)])
        yield _reply(request, result, _limit(request.body, top), return_documents)


def _defined(reranker: Reranker, index: object, definitions: IndexDefinitions) -> Reranker:
    """Return `reranker` with the settings of the definition of `index`, an address or a name, besides its window."""
    if not isinstance(index, str) or not definitions:
        return reranker
    try:
        found = definitions.of(index_name(index) if has_scheme(index) else index)
    except SettingsError:  # the member is not an index, and is the caller's own
        return reranker
    return reranker if found is None else reranker.with_settings(**found.without(["rank_window_size"]).settings)


def _bodies(lines: Iterator[bytes], name: str) -> Iterator[tuple[int, Any]]:
    """Yield (line, JSON value) of each request. Raises CorpusError."""
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    for number, line in numbered:
        try:
            value = _parse(line)
        except ValueError as error:
            opens = line.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")
            several = _several([line, *(rest for _, rest in numbered)]) if opens else None
            if several is None:
                raise CorpusError(str(error), name, number) from None
            yield from ((number, value) for value in several)
            return
        array = isinstance(value, list) and value and all(isinstance(body, dict) for body in value)
        yield from ((number, body) for body in (value if array else [value]))


def _several(lines: list[bytes]) -> list[Any] | None:
    """Return the JSON values in `lines`, each of any number of lines; None if that is not what they are."""
    try:
        text = b"".join(lines).decode("utf-8-sig").strip()
        found: list[Any] = []
        place = 0
        while place < len(text):
            value, place = STRICT_JSON.raw_decode(text, place)
            found.extend(value if isinstance(value, list) else [value])
            place += len(text[place:]) - len(text[place:].lstrip())
    except (ValueError, RecursionError):
        return None
    return found


def _parse(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return STRICT_JSON.decode(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8; expected JSON in UTF-8") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        if line.count(b"\t") and line.lstrip()[:1] not in (b"{", b"["):
            columns = counted(line.count(b"\t") + 1, "column")
            raise ValueError(f"{columns} separated by tabs, not JSON; write each query as {_FORM}") from None
        raise ValueError(f"not JSON ({reason}); expected {_FORM}") from None


def _request(number: int, body: dict[str, Any], default: str | None) -> RerankRequest:
    text = find_query(body, default)
    given = find_candidates(body)
    ranking = to_ranking(Query(str(number), text), given.candidates)
    return RerankRequest(body, given, ranking, scored=any(one.score is not None for one in given.candidates))


def _limit(body: Mapping[str, Any], top: int | None) -> int | None:
    """Return how many results the reply has at most: the smaller of `top` and Cohere's `top_n` of the request."""
    asked = body.get("top_n")
    limits = [top] if top is not None else []
    if isinstance(asked, int) and not isinstance(asked, bool) and asked > 0:
        limits.append(asked)
    return min(limits, default=None)


def _reply(request: RerankRequest, result: Reranking, top: int | None, return_documents: bool) -> RerankReply:
    documents = request.given.given
    results = []
    for reranked in from_reranking(result)[:top]:
        given = documents[reranked.position]
        entry: dict[str, Any] = {"index": reranked.position}
        name = next((name for name in ("doc_id", "_id") if isinstance(given, dict) and name in given), None)
        if isinstance(given, dict) and name is not None:
            entry["doc_id"] = given[name]
        entry["score"] = reranked.probability
        if result.fused:
            entry["fused"] = reranked.fused
        entry["logit"] = reranked.logit
        if reranked.unscored is not None:
            entry["unscored"] = reranked.unscored
        if return_documents:
            entry["document"] = given
        results.append(entry)
    rest = {key: member for key, member in request.body.items() if key not in (request.given.member, "scale")}
    if "scale" in request.body and result.fusion is not None:  # what a search said of its own fusion holds no longer
        rest["fusion"] = result.fusion.as_json()
    return RerankReply({"query": request.ranking.query.text, **rest, "results": results}, result)

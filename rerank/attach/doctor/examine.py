"""Examine an index and the way in which its engine reaches a reranker: find that way, run the checks, report."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from resift.rerank.attach.cluster_settings import pattern_of
from resift.rerank.attach.doctor import (
    alarms,
    call_checks,
    hook_checks,
    inference_checks,
    mapping_checks,
    probe,
    service_checks,
)
from resift.rerank.attach.doctor.case import Case, HookCase, Subject
from resift.rerank.attach.doctor.check import CheckRun
from resift.rerank.attach.doctor.cluster import read_cluster
from resift.rerank.attach.doctor.direct import Direct
from resift.rerank.attach.doctor.failures import explain
from resift.rerank.attach.doctor.finding import BROKEN, OUTCOMES, Row, broken, count, not_checked, works
from resift.rerank.attach.doctor.hook import Hook, find_hook
from resift.rerank.attach.doctor.inference import InferenceCase, find_endpoint
from resift.rerank.attach.doctor.mapping import default_pipelines
from resift.rerank.attach.doctor.probe_server import own_address, stub_service
from resift.rerank.attach.engine_requests import OPENSEARCH, EngineRequests
from resift.rerank.attach.service import Service, origin
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.registry import NO_MODEL
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.engine.address import read_address
from resift.retrieval.engine.field_types import field_types
from resift.retrieval.engine.fields import check_has_fields
from resift.retrieval.errors import EngineError, ModelError, SettingsError, StatusError
from resift.retrieval.text import error_line

_DIRECT_SECONDS, _LEAST_SECONDS = 60.0, 10.0
_NO_WAY = "`resift plan URL` recommends a way in, and `resift attach URL --service URL` makes it"


@dataclass(frozen=True, slots=True)
class DoctorRequest:
    """What is examined, and how.

    `pipeline`, `inference_id` and `field`: the way in, found if None. `service`: the address of the service, if it is
    not that of the connector; `key`: the user's own key for it. `queries`: of the user, made from the texts if empty.
    `probe`: whether a stub on this machine is called through a temporary connector, at the address `probe_host`.
    `model`: that of the alarms, None for the service's own. `trusted`: addresses of services that get the key although
    only the cluster names them.
    """

    pipeline: str | None = None
    inference_id: str | None = None
    field: str | None = None
    service: Service | None = None
    key: str = ""
    queries: tuple[str, ...] = ()
    probe: bool = False
    probe_host: str | None = None
    model: str | None = None
    trusted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """The rows of all checks of an index at the address `index`; `way` says what was examined."""

    index: str
    engine: str
    way: str
    rows: tuple[Row, ...]

    @property
    def is_broken(self) -> bool:
        """Whether something does not work."""
        return count(list(self.rows), BROKEN) > 0

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        counts = {outcome: count(list(self.rows), outcome) for outcome in OUTCOMES}
        rows = [row.as_json() for row in self.rows]
        return {"index": self.index, "engine": self.engine, "way": self.way, "counts": counts, "checks": rows}


def examine(
    requests: EngineRequests,
    url: str,
    request: DoctorRequest | None = None,
    scorer: ScorerSettings | None = None,
    done: Callable[[str], None] = lambda name: None,
) -> Report:
    """Examine the index at `url`, with `scorer` as the settings of the alarms' model; `done` gets each check's name.

    Raises SettingsError if a named pipeline or endpoint does not exist, and EngineError if the index cannot be read.
    """
    request, address = request or DoctorRequest(), read_address(url)
    types = field_types(requests.engine, address)
    check_has_fields(types, address)
    index = requests.read(address.path)
    subject = Subject(requests, address, types, index.body if index.known else {})
    examination = _Examination(subject, request, scorer or ScorerSettings(), done)
    way = examination.hooked() if requests.flavour == OPENSEARCH else examination.inferred()
    engine = f"{requests.flavour} {requests.version}".strip()
    return Report(str(address), engine, way, tuple(examination.rows))


class _Examination:
    """One examination: the rows so far."""

    def __init__(
        self, subject: Subject, request: DoctorRequest, scorer: ScorerSettings, done: Callable[[str], None]
    ) -> None:
        self.subject, self.request, self.scorer = subject, request, scorer
        checks = CheckRun(done)
        self.rows, self.run = checks.rows, checks.run

    def hooked(self) -> str:
        """Examine a search pipeline of OpenSearch, or what is there without one; return what was examined."""
        requests, request = self.subject.requests, self.request
        defaults = tuple(default_pipelines(self.subject.index).values())
        try:
            hook = find_hook(requests, request.pipeline, defaults)
        except EngineError as error:
            return self.without_a_way(error_line(error))
        cluster = read_cluster(requests)
        if hook is None:
            if request.service is not None:
                planned = {"actions": [{"action_type": "predict", "url": request.service.rerank_url}]}
                self.run(
                    hook_checks.PLANNED, HookCase(self.subject, Hook("", {}, connector=planned), cluster, None, ())
                )
            if request.probe:
                self.probe()
            return self.without_a_way("no search pipeline has a rerank processor")
        case = HookCase(
            self.subject,
            hook,
            cluster,
            self.direct(hook.url, limit=hook.read_timeout, model=hook.model_name),
            request.queries,
        )
        way = f"search pipeline {hook.pipeline} → model {hook.model_id or '?'} → {hook.url or '?'}"
        self.rows.append(Row("way in", "way in", "how the engine reaches the model", works(way)))
        self.run((*mapping_checks.HOOKED, *hook_checks.CHECKS), case)
        self.run((*service_checks.CHECKS, *call_checks.CHECKS), case)
        if request.probe:
            self.probe()
        self.alarms(case, whole=False)
        return way

    def inferred(self) -> str:
        """Examine an inference endpoint of Elasticsearch, or what is there without one; return what was examined."""
        request = self.request
        if request.probe:
            seen = "only an OpenSearch lets us create a temporary connector"
            self.rows.append(Row("probe", "stub", "the engine calls a stub on this machine", not_checked(seen)))
        endpoint = find_endpoint(self.subject.requests, request.inference_id)
        if endpoint is None:
            return self.without_a_way("no inference endpoint calls a reranker")
        url = str((endpoint.get("service_settings") or {}).get("url") or "")
        texts = "texts" if endpoint.get("service") == "hugging_face" else "documents"
        fields = [request.field] if request.field else self.usual_fields()
        case = InferenceCase(self.subject, endpoint, fields, self.direct(url, texts), request.queries)
        field = ", ".join(case.fields) or "?"
        way = f"inference endpoint {case.name} ({case.service_name}) → {url or '?'}, field {field}"
        self.rows.append(Row("way in", "way in", "how the engine reaches the model", works(way)))
        self.run((*mapping_checks.INDEX, *inference_checks.CHECKS, *service_checks.CHECKS), case)
        self.alarms(case, whole=False)
        return way

    def usual_fields(self) -> list[str]:
        """Return the fields that a search of resift would read."""
        retriever = Case(self.subject, (), None, ()).retriever
        return [] if retriever is None else list(retriever.fields.text)

    def without_a_way(self, why: str) -> str:
        """Examine the index, the service if one is named, and how a model fits the texts."""
        self.rows.append(Row("way in", "way in", "how the engine reaches the model", not_checked(why, _NO_WAY)))
        fields = [self.request.field] if self.request.field else self.usual_fields()
        case = Case(self.subject, fields, self.direct(""), self.request.queries)
        self.run(mapping_checks.INDEX, case)
        if case.service is not None:
            self.run(service_checks.CHECKS, case)
        self.alarms(case, whole=self.request.field is None)
        return why

    def direct(self, url: str, texts: str = "documents", limit: float | None = None, model: str = "") -> Direct | None:
        """Return the service at `url`, or the one that the user names; None if neither is known.

        `limit`: the seconds that the engine gives a call; this machine waits for longer. `model`: the name that the
        engine sends.
        """
        named = self.request.service
        if named is not None:
            url = named.tei_url if texts == "texts" else named.rerank_url
        if not url.startswith(("http://", "https://")):
            return None
        seconds = _DIRECT_SECONDS if limit is None else max(_LEAST_SECONDS, 2 * limit)
        model = named.model if named is not None and named.model else model
        sent = named is not None or origin(url) in map(origin, self.request.trusted)
        key = self.request.key if sent else ""
        return Direct(url, key, texts, seconds, model, withheld=bool(self.request.key) and not sent)

    def probe(self) -> None:
        """Call a stub on this machine through a temporary connector and model."""
        requests = self.subject.requests
        host = self.request.probe_host or own_address(requests.url)
        row = functools.partial(Row, "probe", "stub", "a temporary connector calls a stub on this machine")
        try:
            with stub_service(host) as stub:
                try:
                    with probe.temporary_model(requests, stub.url) as model_id:
                        self.run(probe.CHECKS, probe.ProbeCase(requests, stub, model_id))
                except probe.LeftBehindError as error:
                    remedy = f"delete the models, model groups and connectors whose names begin with {probe.PREFIX}"
                    self.rows.append(row(broken(error_line(error, 400), remedy)))
                except StatusError as error:
                    found = explain(error, {"url": stub.url, "pattern": pattern_of(stub.url)})
                    self.rows.append(row(not_checked(found.seen, found.remedy)))
        except OSError as error:
            why = f"{host} is not an address of this machine: {error.strerror or error}"
            self.rows.append(row(not_checked(why, "name one with `probe_host`")))

    def alarms(self, case: Case, *, whole: bool) -> None:
        """Compare the texts with the model that is named, else with the service's, else with the default one."""
        if self.request.model == NO_MODEL:
            return
        try:
            model = self.model(case)
        except (ModelError, SettingsError) as error:
            self.rows.append(Row("fit", "model", "the model can be loaded", not_checked(error_line(error, 400))))
            return
        self.run(alarms.CHECKS, alarms.AlarmCase(case, model, whole))

    def model(self, case: Case) -> RankingModel:
        """Return the model that is named, else the service's, else the default one."""
        named = self.request.model
        if named is None and case.service is not None and case.is_resift:
            from resift.rerank.scorers.remote.scorer import RemoteScorer

            base = case.service.url.removesuffix("/v1/rerank").removesuffix("/rerank")
            known = str((case.info.get("resift") or {}).get("model") or "")
            own = f"#{known}" if known and known == case.service.model else ""  # an unknown name means the default
            return RemoteScorer(f"resift+{base}{own}", self.scorer, api_key=case.service.key)
        return load_scorer(named, self.scorer)

"""How an Elasticsearch calls a reranker: an inference endpoint, and the retriever text_similarity_reranker.

Written by Elastic's specification (docs/engine-hooks.md names it); only the checks of the mapping ran on a real one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from resift.rerank.attach.doctor.case import PAIR, Case, Subject
from resift.rerank.attach.doctor.direct import Direct
from resift.rerank.attach.engine_requests import EngineRequests
from resift.rerank.attach.settings import USUAL_NAME
from resift.retrieval.errors import SettingsError, StatusError
from resift.retrieval.near_names import suggestion
from resift.retrieval.types import Query

_CALL_SECONDS = 90.0


def find_endpoint(requests: EngineRequests, name: str | None) -> Mapping[str, Any] | None:
    """Return the rerank endpoint `name`, else the one of the usual name, or the only one that has a URL; None if none.

    Raises SettingsError if the named one does not exist, or several could be meant.
    """
    answer = requests.read("_inference/rerank/_all")
    rows = answer.body.get("endpoints") if answer.known and isinstance(answer.body, Mapping) else None
    every = {str(row.get("inference_id")): row for row in rows or []}
    if name is not None and name not in every:
        known = ", ".join(every) or "none"
        near = suggestion(name, every)
        raise SettingsError(f"there is no rerank endpoint {name!r}{near}; there are: {known}", "inference_id")
    if name is not None or USUAL_NAME in every:
        found: Mapping[str, Any] = every[name or USUAL_NAME]
        return found
    called = [one for one, row in every.items() if (row.get("service_settings") or {}).get("url")]
    if len(called) > 1:
        raise SettingsError(
            f"several endpoints call a URL: {', '.join(called)}; name one with `inference_id`", "inference_id"
        )
    return every[called[0]] if called else None


class InferenceCase(Case):
    """An index of an Elasticsearch, and an inference endpoint that calls a reranker."""

    def __init__(
        self,
        subject: Subject,
        endpoint: Mapping[str, Any],
        fields: Sequence[str],
        service: Direct | None,
        given: Sequence[str],
    ) -> None:
        """Look at `subject` through `endpoint`; the retriever reads the first of `fields`. Nothing is requested yet."""
        super().__init__(subject, fields[:1], service, given)
        self.endpoint = endpoint

    @property
    def name(self) -> str:
        """The id of the endpoint."""
        return str(self.endpoint.get("inference_id"))

    @property
    def service_name(self) -> str:
        """The endpoint's service: hugging_face, openshift_ai, custom or another one."""
        return str(self.endpoint.get("service"))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the endpoint's service."""
        found: Mapping[str, Any] = self.endpoint.get("service_settings") or {}
        return found

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the calls, by the names of `resift.rerank.attach.doctor.failures`."""
        again = f"DELETE _inference/rerank/{self.name}, and PUT it with the correct values"
        return {
            "url": str(self.settings.get("url") or "the service"),
            "correct": again,
            "key": f"{again} (api_key)",
            "ignore": "such a text cannot be sent; use the client wrapper (docs/engines.md)",
            "dollar": "use the service openshift_ai or hugging_face in place of custom",
        }

    def infer(self, query: str, texts: Sequence[str]) -> dict[int, float]:
        """Return the score of each text by its place. Raises StatusError."""
        body = {"query": query, "input": list(texts)}
        answer = self.requests.send("POST", f"_inference/rerank/{self.name}", body, timeout=_CALL_SECONDS)
        return {int(row["index"]): float(row["relevance_score"]) for row in answer.get("rerank") or []}

    @cached_property
    def failure(self) -> StatusError | None:
        """The error of the plainest call through the engine, None if it works."""
        try:
            self.infer(*PAIR)
        except StatusError as error:
            return error
        return None

    def search(self, words: str, reranked: bool, **members: Any) -> Any:  # noqa: ANN401 - any JSON
        """Search for `words` by the first stage, `reranked` by the endpoint or not. Raises StatusError."""
        query = {"match_all": {}} if self.retriever is None else self.retriever.body(Query("1", words), 20)["query"]
        retriever: dict[str, Any] = {"standard": {"query": query}}
        if reranked:
            reranker = {
                "retriever": retriever,
                "field": self.fields[0] if self.fields else "",
                "inference_id": self.name,
                "inference_text": words,
                "rank_window_size": 20,
            }
            retriever = {"text_similarity_reranker": reranker}
        body = {"retriever": retriever, "size": 20, **members}
        return self.requests.send("POST", f"{self.address.path}/_search", body, timeout=_CALL_SECONDS)

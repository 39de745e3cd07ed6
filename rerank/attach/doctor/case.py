"""What the doctor examines: an index, the way in which its engine reaches a reranker, and texts and queries to try."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from resift.rerank.attach.cluster_settings import pattern_of
from resift.rerank.attach.doctor.cluster import Cluster
from resift.rerank.attach.doctor.direct import Direct, Reply
from resift.rerank.attach.doctor.hook import Hook
from resift.rerank.attach.engine_requests import EngineRequests
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.field_types import FieldTypes
from resift.retrieval.engine.retriever import EngineRetriever
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import EngineError, SettingsError, StatusError
from resift.retrieval.types import Document, Query

PAIR = ("what do cats eat", ("Dogs bark at night.", "Cats live on meat and fish."))
"""A question and two texts, of which the second is an answer."""
SAMPLED = 200
"""Documents of the index that are looked at."""
MOST_QUERIES = 20
TRIED = 5
"""Queries whose orders with and without the reranker are compared."""
SAME = 1e-6
"""Scores that differ by no more are equal."""
NO_CALL = "the plain call through the engine does not work"
_QUERY_WORDS = 12
_CALL_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Subject:
    """An index: its fields with their types, and the index itself as GET /INDEX reports it, empty if that is secret."""

    requests: EngineRequests
    address: Address
    types: FieldTypes
    index: Mapping[str, Any]


class Case:
    """What all checks look at: a subject, the fields whose texts are sent, and the service if it is known.

    `timeout`: the seconds that the engine gives a call, None if that is not known. `deadline_ms`: the milliseconds that
    it gives a service of resift, None if it gives none. `by_source`: whether the engine reads the first level of the
    source alone. `given`: queries of the user.
    """

    def __init__(self, subject: Subject, fields: Sequence[str], service: Direct | None, given: Sequence[str]) -> None:
        """Look at `subject`; nothing is requested yet."""
        self.requests, self.address, self.types = subject.requests, subject.address, subject.types
        self.index, self.fields, self.service, self.given = subject.index, tuple(fields), service, tuple(given)
        self.timeout: float | None = None
        self.deadline_ms: int | None = None
        self.by_source = False

    @cached_property
    def retriever(self) -> EngineRetriever | None:
        """The first stage, which reads the fields that are sent if they exist; None if the index has no text."""
        for text in (",".join(name for name in self.fields if name in self.types) or None, None):
            try:
                return EngineRetriever(self.requests.engine, str(self.address), EngineSettings(source_text=text))
            except SettingsError:
                continue
            except StatusError:
                raise
            except EngineError:
                return None
        return None

    @cached_property
    def sample(self) -> list[Document]:
        """Some documents of the index, drawn at random but the same ones in each run; none if it has no text field."""
        return [] if self.retriever is None else self.retriever.sample(SAMPLED, seed=13)

    @cached_property
    def queries(self) -> list[Query]:
        """The user's queries, else queries made of titles and first sentences of the sample; at most `MOST_QUERIES`."""
        texts = list(self.given) or made_queries(self.sample)
        return [Query(str(place), text) for place, text in enumerate(texts[:MOST_QUERIES])]

    @cached_property
    def texts(self) -> list[str]:
        """The texts of the sample that are not empty."""
        return [document.text for document in self.sample if document.text.strip()]

    @cached_property
    def first_reply(self) -> Reply | None:
        """The service's own reply to a question with two texts; None if no service is known."""
        return None if self.service is None else self.service.rerank(PAIR[0], PAIR[1])

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What the service says of itself, empty if it says nothing."""
        reply = self.first_reply
        return {} if self.service is None or reply is None or not reply.status else self.service.info()

    @property
    def is_resift(self) -> bool:
        """Whether the service is `resift serve`."""
        return self.info.get("service") == "resift"


class HookCase(Case):
    """An index of an OpenSearch with a search pipeline that reranks."""

    def __init__(
        self, subject: Subject, hook: Hook, cluster: Cluster, service: Direct | None, given: Sequence[str]
    ) -> None:
        """Look at `subject` through `hook`; nothing is requested yet."""
        super().__init__(subject, hook.fields, service, given)
        self.hook, self.cluster = hook, cluster
        self.timeout, self.deadline_ms = hook.read_timeout, hook.deadline_ms
        self.by_source = True

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the calls, by the names of `resift.rerank.attach.doctor.failures`."""
        hook = self.hook
        undeploy, deploy = (f"POST _plugins/_ml/models/{hook.model_id}/_{what}" for what in ("undeploy", "deploy"))
        connector = f"PUT _plugins/_ml/connectors/{hook.connector_id}"
        return {
            "url": hook.url or "the service",
            "pattern": pattern_of(hook.url),
            "correct": f"{undeploy}, {connector} with the changed part, {deploy}",
            "key": f'{undeploy}, {connector} {{"credential": {{"api_key": "…"}}}}, {deploy}',
            "read_timeout": "not set" if hook.read_timeout is None else f"{hook.read_timeout:g} s",
            "model_id": hook.model_id,
        }

    def predict(self, query: str, texts: Sequence[str]) -> list[Any]:
        """Return the outputs of the model for a query and texts, one for each text. Raises StatusError."""
        body = {"query_text": query, "text_docs": list(texts)}
        path = f"_plugins/_ml/_predict/text_similarity/{self.hook.model_id}"
        answer = self.requests.send("POST", path, body, timeout=_CALL_SECONDS)
        results = answer.get("inference_results") or [{}]
        return list(results[0].get("output") or [])

    @cached_property
    def failure(self) -> StatusError | None:
        """The error of the plainest call through the engine, None if it works or the reply has too few scores."""
        try:
            self.predict(*PAIR)
        except StatusError as error:
            return error
        return None

    def search(self, words: str, pipeline: str, **members: Any) -> Any:  # noqa: ANN401 - any JSON
        """Search the index for `words` through a pipeline, "_none" for none; `members` replace ones of the body.

        A member that is None is left out. Raises StatusError.
        """
        body = {"query": self.query(words), "size": 20, **ext(words), **members}
        body = {name: value for name, value in body.items() if value is not None}
        path = f"{self.address.path}/_search"
        return self.requests.send("POST", path, body, {"search_pipeline": pipeline}, _CALL_SECONDS)

    def query(self, words: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the first stage's query for `words`, which finds everything if the index has no text field."""
        if self.retriever is None:
            return {"match_all": {}}
        return self.retriever.body(Query("1", words), 20)["query"]


def ext(words: str) -> dict[str, Any]:
    """Return the member of a search body that has the words for the model."""
    return {"ext": {"rerank": {"query_context": {"query_text": words}}}}


def fresh(texts: Sequence[str]) -> list[str]:
    """Return the texts with a random word before each, so that no cache of the service has their scores."""
    return [f"{secrets.token_hex(4)} {text}" for text in texts]


def made_queries(documents: Sequence[Document]) -> list[str]:
    """Return queries made of documents: titles of two words or more, else the beginnings of texts."""
    found: dict[str, None] = {}
    for document in documents:
        title = document.title.split()
        words = (title if len(title) > 1 else document.text.split())[:_QUERY_WORDS]
        text = " ".join(words).strip()
        if len(words) > 1 and not text.startswith(("{", "[")) and "${" not in text:
            found[text] = None
    return list(found)

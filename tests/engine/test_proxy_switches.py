"""The engine's own order, marked in X-Resift: switched off, in the shadow, late, failed, overloaded, not yet loaded."""

from __future__ import annotations

import json
import signal
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engine.proxying import Answer, RunningProxy, advice_index, ask, running_proxy, started_proxy
from tests.rerank.cli.invoke import invoke
from tests.rerank.scorers.remote.servers import Seen, as_json, serving

pytestmark = pytest.mark.engine

BODY: dict[str, Any] = {"query": {"match": {"text": "how do I clean the oven"}}, "size": 5}
DEADLINE = "1500"


@dataclass
class Model:
    """A model on a server, whose scores have nothing to do with the query; it can wait, or fail."""

    answers: threading.Event = field(default_factory=threading.Event)
    fails: bool = False
    asked: int = 0

    def rerank(self, seen: Seen) -> Any:
        self.asked += 1
        self.answers.wait(8)
        if self.fails:
            return as_json({"error": "broken"}, 500)
        return [{"index": n, "score": zlib.crc32(text.encode()) / 2**33} for n, text in enumerate(seen.body["texts"])]


@contextmanager
def model_on_a_server() -> Iterator[tuple[Model, str]]:
    model, info = Model(), {"model_id": "tiny", "max_client_batch_size": 500, "max_input_length": 512}
    model.answers.set()
    with serving({"/info": lambda seen: info, "/rerank": model.rerank}) as running:
        try:
            yield model, running.url
        finally:
            model.answers.set()


@dataclass(frozen=True)
class Place:
    """A proxy with a model on a server, and an index that it reranks."""

    engine: str
    proxy: RunningProxy
    model: Model
    path: str

    def own(self) -> list[str]:
        return ids(ask(self.engine, "POST", self.path, BODY))

    def search(self, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.proxy.url, "POST", self.path, BODY, named)


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [hit["_id"] for hit in answer.json()["hits"]["hits"]]


@pytest.fixture(scope="module")
def place(engine: str) -> Iterator[Place]:
    options = ("--index", "switched-*", "--search-deadline-ms", DEADLINE, "--score-cache-mb", "0")
    breaker = ("--breaker-failures", "3", "--breaker-seconds", "0.5")
    with (
        model_on_a_server() as (model, url),
        advice_index(engine, f"switched-{uuid.uuid4().hex[:8]}") as name,
        running_proxy(engine, *options, *breaker, model=url) as proxy,
    ):
        yield Place(engine, proxy, model, f"/{name}/_search")


@pytest.fixture(autouse=True)
def as_configured(place: Place) -> Iterator[None]:
    """Every test begins with a model that works, and with nothing switched."""
    yield
    place.model.fails = False
    place.model.answers.set()
    place.proxy.switch(all=None, indices={"switched-*": None})
    ends = time.monotonic() + 30
    while not place.search().treatment.startswith("reranked") and time.monotonic() < ends:
        time.sleep(0.1)


def test_a_search_is_switched_by_its_header(place: Place) -> None:
    assert place.search().treatment == "reranked" and ids(place.search()) != place.own()
    off = place.search(X_Resift="off")
    assert off.treatment == "passed through: switched off by the request" and ids(off) == place.own()


def test_another_index_is_reranked_if_its_request_asks_for_it(engine: str, place: Place) -> None:
    with advice_index(engine, f"t-{uuid.uuid4().hex[:8]}") as name:
        path = f"/{name}/_search"
        plain = ask(place.proxy.url, "POST", path, BODY)
        asked = ask(place.proxy.url, "POST", path, BODY, {"X-Resift": "on"})
    assert plain.treatment == "" and ids(plain) == place.own()
    assert asked.treatment == "reranked" and ids(asked) == ids(place.search())


def test_an_administrator_switches_an_index_off_and_on_again(place: Place) -> None:
    before = ids(place.search())
    for wanted in ({"indices": {"switched-*": "off"}}, {"all": "off"}):
        assert place.proxy.switch(**wanted).status == 200
        found = place.search()
        assert found.treatment.startswith("passed through: ") and "off" in found.treatment
        assert ids(found) == place.own()
        undone = {"indices": {"switched-*": None}} if "indices" in wanted else {"all": None}
        assert place.proxy.switch(**undone).json()["indices"] == {"switched-*": "on"}
        assert place.search().treatment == "reranked" and ids(place.search()) == before


def test_the_command_line_and_signals_switch_everything_off_and_on(place: Place) -> None:
    admin = ("--admin", place.proxy.admin.removeprefix("http://"))
    for off, on in (
        (lambda: invoke("proxy", "--off", *admin).code, lambda: invoke("proxy", "--on", *admin).code),
        (
            lambda: place.proxy.process.send_signal(signal.SIGUSR1),
            lambda: place.proxy.process.send_signal(signal.SIGUSR2),
        ),
    ):
        assert not off()
        until(lambda: place.proxy.state()["all"] == "off")
        assert place.search().treatment == "passed through: switched off" and ids(place.search()) == place.own()
        assert not on()
        until(lambda: place.proxy.state()["all"] is None)
        assert place.search().treatment == "reranked"


def test_in_the_shadow_the_engines_order_comes_back_and_the_model_is_asked(place: Place) -> None:
    place.proxy.switch(indices={"switched-*": "shadow"})
    asked = place.model.asked
    found = place.search()
    assert found.treatment == "passed through: its index is switched to shadow" and ids(found) == place.own()
    until(lambda: place.model.asked > asked)
    until(lambda: place.proxy.metric("resift_proxy_searches_in_shadow") == 0)
    place.proxy.switch(indices={"switched-*": "off"})
    asked = place.model.asked
    assert place.search().treatment == "passed through: its index is switched off"
    time.sleep(0.2)
    assert place.model.asked == asked


def test_the_shadow_logs_both_orders(engine: str, tmp_path: Path) -> None:
    log = tmp_path / "searches.jsonl"
    options = ("--index", "switched-*", "--shadow", "--log", str(log), "--search-deadline-ms", "30000")
    with (
        advice_index(engine, f"switched-{uuid.uuid4().hex[:8]}") as name,
        running_proxy(engine, *options) as proxy,
    ):
        found = ask(proxy.url, "POST", f"/{name}/_search", BODY)
        own = ids(ask(engine, "POST", f"/{name}/_search", {**BODY, "size": 100}))
        assert found.treatment == "passed through: its index is switched to shadow" and ids(found) == own[:5]
        until(lambda: log.exists() and log.read_text().count("first_stage") > 0)
    [line] = [one for one in map(json.loads, log.read_text().splitlines()) if "first_stage" in one]
    assert line["first_stage"] == own and sorted(line["reranked"]) == sorted(own) and line["reranked"] != own


def test_a_late_model_leaves_the_engines_order_within_the_deadline(place: Place) -> None:
    place.model.answers.clear()
    found = place.search()
    assert found.treatment == "passed through: the model was not done in time" and ids(found) == place.own()


def test_a_model_that_fails_is_left_out_and_tried_again(place: Place) -> None:
    place.model.fails = True
    seen: list[str] = []
    while "left out" not in "".join(seen) and len(seen) < 20:
        found = place.search()
        assert ids(found) == place.own()
        seen.append(found.treatment)
    assert len(seen) >= 3 and all(one.startswith("passed through: ") for one in seen), seen
    assert place.proxy.state()["breaker"] != "closed"
    place.model.fails = False
    until(lambda: place.search().treatment == "reranked")
    assert place.proxy.state()["breaker"] == "closed"


def test_a_search_that_the_engine_refuses_is_the_engines_own_error_whatever_is_switched(place: Place) -> None:
    wrong = {"query": {"match": {"text": {"query": "soup", "operator": "neither"}}}}
    direct = ask(place.engine, "POST", place.path, wrong)
    for mode in ("on", "shadow", "off"):
        place.proxy.switch(indices={"switched-*": mode})
        got = ask(place.proxy.url, "POST", place.path, wrong)
        assert direct.status == 400 and got.comparable() == direct.comparable()


def test_searches_above_the_bound_get_the_engines_order(engine: str) -> None:
    options = ("--index", "switched-*", "--max-searches", "2", "--search-deadline-ms", "3000", "--score-cache-mb", "0")
    with (
        model_on_a_server() as (model, url),
        advice_index(engine, f"switched-{uuid.uuid4().hex[:8]}") as name,
        running_proxy(engine, *options, model=url) as proxy,
        ThreadPoolExecutor(2) as crowd,
    ):
        path = f"/{name}/_search"
        model.answers.clear()
        waiting = [crowd.submit(ask, proxy.url, "POST", path, BODY) for _ in range(2)]
        until(lambda: proxy.metric("resift_proxy_searches_being_reranked") == 2)
        found = ask(proxy.url, "POST", path, BODY)
        model.answers.set()
        assert found.treatment == "passed through: too many searches are reranked already"
        assert ids(found) == ids(ask(engine, "POST", path, BODY))
        assert [one.result().status for one in waiting] == [200, 200]


def test_before_the_model_is_loaded_searches_pass_through(engine: str) -> None:
    loaded = threading.Event()

    def info(_: Seen) -> Any:
        loaded.wait(30)
        return {"model_id": "tiny", "max_client_batch_size": 500, "max_input_length": 512}

    with (
        serving({"/info": info, "/rerank": Model().rerank}) as server,
        advice_index(engine, f"switched-{uuid.uuid4().hex[:8]}") as name,
        started_proxy(engine, "--index", "switched-*", model=server.url) as proxy,
    ):
        until(lambda: bool(proxy.state()))
        found = ask(proxy.url, "POST", f"/{name}/_search", BODY)
        assert ask(proxy.admin, "GET", "/ready").status == 503
        loaded.set()
        assert found.treatment == "passed through: the model is being loaded"
        assert ids(found) == ids(ask(engine, "POST", f"/{name}/_search", BODY))


def until(holds: Any) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)

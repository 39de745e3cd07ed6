"""Servers that fail: each is an error of one line that names the model and says what came, or is retried."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import HTMLResponse, RedirectResponse, Response

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.errors import ModelError, SettingsError
from tests.rerank.scorers.remote.servers import Answer, as_json, rerank_answer, resift_routes, serving

PAIRS = [("cat", "dog food"), ("cat", "cat food"), ("cat", "the river")]
KEY = "sec-ret-123"


def scores(answer: Answer, pairs: list[tuple[str, str]] = PAIRS, timeout: float = 5.0) -> list[float]:
    """Return the logits of `pairs` by a server of Cohere's API that answers by `answer`."""
    with serving({"/v2/rerank": answer}) as server:
        scorer = load_scorer(f"cohere+{server.url}#m", ScorerSettings(model_timeout=timeout))
        found: list[float] = scorer.score(pairs).logits.tolist()
        return found


def error_of(answer: Answer, timeout: float = 0.5) -> str:
    with pytest.raises(ModelError) as caught:
        scores(answer, timeout=timeout)
    message = str(caught.value)
    assert message.startswith("cohere+http://127.0.0.1:") and len(message.splitlines()) == 1
    return message


def rows(*values: tuple[Any, Any]) -> Answer:
    content = json.dumps({"results": [{"index": index, "relevance_score": score} for index, score in values]})
    return lambda seen: Response(content, media_type="application/json")


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_at_first_gives_its_scores_after_a_wait(local: Predictor, status: int) -> None:
    answers: Iterator[Answer] = iter([lambda seen: as_json({}, status, retry_after="0"), rerank_answer(local)])
    assert len(scores(lambda seen: next(answers)(seen))) == 3


def test_a_server_that_stays_down_is_an_error_with_its_text() -> None:
    assert "the server answered 503: loading; " in error_of(lambda seen: as_json({"error": "loading"}, 503))


def test_a_server_that_is_not_there_is_an_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(ModelError, match=f"^{url}: the server cannot be reached: .*attempts failed$"):
        load_scorer(url, ScorerSettings(model_timeout=0.3))


def test_a_server_that_closes_the_connection_is_an_error() -> None:
    def close_two(listening: socket.socket) -> None:
        for _ in range(2):
            with listening.accept()[0] as connection:
                connection.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        closing = threading.Thread(target=close_two, args=(listening,))
        closing.start()
        with pytest.raises(ModelError, match="the connection was lost: .*; 2 attempts failed"):
            load_scorer(f"http://127.0.0.1:{listening.getsockname()[1]}", ScorerSettings(model_timeout=0.05))
        closing.join()


def test_a_server_that_says_nothing_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ModelError, match="did not answer within 0.2 seconds; `model_timeout` gives it more"):
            load_scorer(url, ScorerSettings(model_timeout=0.2))


def test_a_reply_that_comes_too_late_is_an_error() -> None:
    def late(seen: object) -> dict[str, object]:
        time.sleep(0.6)
        return {"results": []}

    assert error_of(late, timeout=0.2).endswith("did not answer within 0.2 seconds; `model_timeout` gives it more")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (rows((0, 0.1), (1, 0.2)), "got the scores of 2 of 3 texts; the first without one has index 2"),
        (rows((0, 0.1), (1, 0.2), (3, 0.3)), "expected an index from 0 to 2, got 3"),
        (rows((0, 0.1), (1, 0.2), (-1, 0.3)), "expected an index from 0 to 2, got -1"),
        (rows((0, 0.1), (1, 0.2), (True, 0.3)), "expected an index from 0 to 2, got true"),
        (rows((0, 0.1), (1, 0.2), ("2", 0.3)), 'expected an index from 0 to 2, got "2"'),
        (rows((0, 0.1), (1, 0.2), (1, 0.3)), "the index 1 came twice"),
        (rows((0, float("nan"))), '"relevance_score" of index 0 to be a finite number, got NaN'),
        (rows((0, float("inf"))), "to be a finite number, got Infinity"),
        (rows((0, 1e300)), "to be a finite number, got 1e+300"),
        (rows((0, "high")), 'to be a number, got "high"'),
        (rows((0, None)), "to be a number, got null"),
        (lambda seen: {"results": {"0": 1}}, 'expected a list of scores, got {"0": 1}'),
        (lambda seen: {"results": [0.5]}, 'expected {"index", "relevance_score"} for each text, got 0.5'),
        (lambda seen: {"data": []}, "expected an object with \"results\", got one with 'data'"),
        (lambda seen: [], 'expected an object with "results", got a list'),
        (
            lambda seen: HTMLResponse("<!doctype html><p>Log in"),
            "expected JSON, not HTML, as of a login page or a proxy, got <!doctype html><p>Log in",
        ),
        (lambda seen: Response(b"\xff\xfe oops"), "expected JSON, got �� oops"),
        (lambda seen: Response(b"[" * 100_000), "expected JSON, got [[[["),
        (lambda seen: Response(b""), "expected JSON, got nothing"),
    ],
)
def test_a_reply_that_cannot_be_used_is_an_error_that_shows_it(answer: Answer, message: str) -> None:
    assert message in error_of(answer)


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({"truncated": [True]}, 'expected "truncated" to be true or false for each of 3 pairs, got [true]'),
        ({"read_characters": [1, -2, 3]}, 'expected "read_characters" to be an integer from 0 for each of 3 pairs'),
        ({"query_truncated": "no"}, 'expected "query_truncated" to be true or false for each of 3 pairs, got "no"'),
    ],
)
def test_details_that_do_not_fit_the_pairs_are_an_error(local: Predictor, details: Any, message: str) -> None:
    routes = resift_routes(local)
    given = routes["/score"]
    with serving({**routes, "/score": lambda seen: given(seen) | details}) as server:
        with pytest.raises(ModelError) as caught:
            load_scorer(server.url).score(PAIRS)
    assert message in str(caught.value)


def test_a_fusion_that_cannot_be_used_is_an_error_at_the_start(local: Predictor) -> None:
    with serving(resift_routes(local, fusion={"kind": "sum"})) as server:
        with pytest.raises(ModelError, match='"fusion" is {"kind": "sum"}'):
            load_scorer(server.url)


def test_a_redirection_is_not_followed_so_that_no_other_server_gets_the_key(
    local: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESIFT_MODEL_API_KEY", KEY)
    with serving({"/v2/rerank": rerank_answer(local)}) as other:
        message = error_of(lambda seen: RedirectResponse(f"{other.url}/v2/rerank", 307))
    assert other.seen == [] and f"redirects to {other.url}/v2/rerank, which is not followed" in message


def test_a_refused_key_is_not_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIFT_MODEL_API_KEY", KEY)
    message = error_of(lambda seen: as_json({"message": f"wrong: {seen.headers['authorization']}"}, 401))
    assert "wrong: Bearer …; the key in RESIFT_MODEL_API_KEY is refused" in message
    message = error_of(lambda seen: {"results": [seen.headers["authorization"]]})
    assert 'got "Bearer …"' in message
    message = error_of(lambda seen: {"results": "x" * 82 + seen.headers["authorization"]})
    assert "sec" not in message


@pytest.mark.parametrize("status", [413, 422])
def test_a_request_that_is_too_large_is_halved_until_it_fits(local: Predictor, status: int) -> None:
    sizes, given = list[int](), rerank_answer(local)

    def answer(seen: Any) -> Any:
        sizes.append(len(seen.body["documents"]))
        return as_json({"message": "batch size is too large"}, status) if sizes[-1] > 3 else given(seen)

    pairs = [("cat", f"{number} cats") for number in range(10)]
    assert scores(answer, pairs) == pytest.approx(local.score(pairs).logits, abs=1e-4)
    assert sizes == [10, 5, 2, 3, 5, 2, 3]


def test_a_single_text_that_is_too_large_is_an_error() -> None:
    assert "the server answered 413: too big" in error_of(lambda seen: as_json({"error": "too big"}, 413))


def test_a_certificate_that_is_not_trusted_is_an_error_and_the_trust_is_set_by_a_variable(
    local: Predictor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trustme

    authority, files = trustme.CA(), {name: str(tmp_path / name) for name in ("ca", "key", "chain")}
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(files["ca"])
    certificate.private_key_pem.write_to_path(files["key"])
    certificate.cert_chain_pems[0].write_to_path(files["chain"])
    routes = resift_routes(local)
    with serving(routes, ssl_keyfile=files["key"], ssl_certfile=files["chain"]) as server:
        with pytest.raises(ModelError, match="certificate is not trusted .*; set SSL_CERT_FILE"):
            load_scorer(server.url)
        for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(variable, files["ca"])
            assert len(load_scorer(server.url).score(PAIRS).logits) == 3
            monkeypatch.delenv(variable)
        for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(variable, str(tmp_path / "nothing"))
            with pytest.raises(SettingsError, match=f"^{variable}: the trusted certificates cannot be read"):
                load_scorer(server.url)
            monkeypatch.delenv(variable)

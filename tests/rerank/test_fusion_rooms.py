"""Every way into resift combines the stages as the model's own folder says, unless the user says otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from resift.rerank.pipeline import Pipeline
from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.lookup import find_folder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings
from resift.retrieval.registry import open_retriever
from resift.retrieval.types import Query
from tests.rerank.cli.invoke import invoke

QUERY = "what do cats eat"
TEXTS = {
    "a": "Eat cats, what cats do eat: cats cats.",
    "b": "Do dogs eat what cats eat?",
    "c": "Cats eat meat and fish, and they drink water.",
    "d": "The library of the museum opens at nine and closes at five, whatever cats there are.",
}
FIRST_STAGE_ALONE = {"kind": "zscore", "weight": 0.0}
MODEL_ALONE = {"kind": "none"}
SUM = {"kind": "zscore", "weight": 0.8}

Options = dict[str, Any]
Room = Callable[["Place", Options], list[str]]


class Place:
    """A folder with an index, a collection, a file of queries, and models that differ only in their fusion."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.index = folder, f"bm25:{folder / 'index'}"
        (folder / "qrels").mkdir()
        lines = (json.dumps({"_id": doc_id, "text": text}) + "\n" for doc_id, text in TEXTS.items())
        (folder / "corpus.jsonl").write_text("".join(lines))
        (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": QUERY}) + "\n")
        (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\tc\t1\n")
        assert invoke("index", str(folder), "--to", self.index).code == 0
        self.found = self.hits("none")

    def model(self, fusion: Options | None) -> str:
        """Return the folder of the default model with this fusion, None for one without any."""
        own = self.folder / f"model-{'without' if fusion is None else fusion.get('weight', 'alone')}"
        if not own.exists():
            own.mkdir()
            for file in find_folder("default", ScorerSettings()).iterdir():
                if file.name != "resift.json":
                    (own / file.name).symlink_to(file)
            if fusion is not None:
                (own / "resift.json").write_text(json.dumps({"fusion": fusion}))
        return str(own)

    def hits(self, model: str, **settings: Any) -> list[dict[str, Any]]:
        """Return the hits of the search command with these settings."""
        done = invoke("search", self.index, QUERY, "--json", "--model", model, *flags(settings))
        found: list[dict[str, Any]] = json.loads(done.out)["hits"]
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("rooms"))


def flags(settings: Options) -> list[str]:
    return [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]


def settings_of(options: Options) -> RerankSettings:
    return RerankSettings(**{name: value for name, value in options.items() if name != "model"})


def command(name: str, *arguments: str, by: str = "flag") -> Callable[[Place, Options], str]:
    """Return what runs a command with options given as flags, as variables, or in a TOML file."""

    def run(place: Place, options: Options) -> str:
        given = [argument.format(index=place.index, folder=place.folder) for argument in arguments]
        model, settings = options["model"], {name: value for name, value in options.items() if name != "model"}
        environment: dict[str, str] = {}
        if by == "flag":
            given += flags(settings)
        elif by == "variable":
            environment = {f"RESIFT_{name.upper()}": str(value) for name, value in settings.items()}
        else:
            file = place.folder / "settings.toml"
            file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
            given += ["--config", str(file)]
        stdin = json.dumps({"query": QUERY, "hits": place.found}).encode()
        done = invoke(name, *given, "--model", model, stdin=stdin, env=environment)
        assert done.code == 0, done.err
        return done.out

    return run


def search(by: str) -> Room:
    run = command("search", "{index}", QUERY, "--json", by=by)
    return lambda place, options: [hit["doc_id"] for hit in json.loads(run(place, options))["hits"]]


def run_of_queries(place: Place, options: Options) -> list[str]:
    lines = command("run", "{index}", "--queries", "{folder}/queries.jsonl", "--output", "-")(place, options)
    return [line.split()[2] for line in lines.splitlines()]


def rerank_command(place: Place, options: Options) -> list[str]:
    reply = json.loads(command("rerank")(place, options))
    return [result["doc_id"] for result in reply["results"]]


def evaluate(place: Place, options: Options) -> list[str]:
    command("evaluate", "{folder}", "--output", "{folder}/results")(place, options)
    [run] = (place.folder / "results" / "runs").glob("*.reranked.trec")
    return [line.split()[2] for line in run.read_text().splitlines()]


def compare(place: Place, options: Options) -> list[str]:
    found = command("compare", "{index}", "--queries", "{folder}/queries.jsonl", "--json")(place, options)
    changed = json.loads(found)["most_changed"]
    order: list[str] = changed[0]["after"] if changed else [hit["doc_id"] for hit in place.found]
    return order


def reranker_in_python(place: Place, options: Options) -> list[str]:
    ranking = open_retriever(place.index).retrieve([Query("q", QUERY)], 100)
    [result] = Reranker(load_scorer(options["model"]), settings_of(options)).rerank(ranking)
    return [hit.document.doc_id for hit in result.ranking.hits]


def pipeline_in_python(place: Place, options: Options) -> list[str]:
    reranker = Reranker(load_scorer(options["model"])).with_settings(
        **{name: value for name, value in options.items() if name != "model"}
    )
    [result] = Pipeline(open_retriever(place.index), reranker).search([Query("q", QUERY)])
    return [hit.document.doc_id for hit in result.ranking.hits]


class Client:
    """A client whose every search finds the hits of the first stage."""

    def __init__(self, hits: Sequence[dict[str, Any]]) -> None:
        self.hits = [
            {"_id": hit["doc_id"], "_score": hit["first_stage_score"], "_source": {"text": hit["text"]}} for hit in hits
        ]

    def search(self, **arguments: Any) -> Any:
        return {"hits": {"hits": [dict(hit) for hit in self.hits]}}


def wrapped_client(place: Place, options: Options) -> list[str]:
    reranker = Reranker(load_scorer(options["model"]), settings_of(options))
    client = RerankingClient(Client(place.found), reranker, ["text"])
    return ids(client.search(query={"match": {"text": QUERY}}))


def wrapped_call(place: Place, options: Options) -> list[str]:
    """The model and the fusion are those of one call; the client itself has another model, and no sum."""
    reranker = Reranker(load_scorer(place.model(SUM)))
    client = RerankingClient(Client(place.found), reranker, ["text"])
    return ids(client.search(query={"match": {"text": QUERY}}, **options))


def ids(response: Any) -> list[str]:
    assert response.resift.status == "reranked", response.resift
    return [hit["_id"] for hit in response["hits"]["hits"]]


ROOMS: dict[str, Room] = {
    "search": search("flag"),
    "search, by variables": search("variable"),
    "search, by TOML": search("TOML"),
    "run": run_of_queries,
    "rerank": rerank_command,
    "evaluate": evaluate,
    "compare": compare,
    "Reranker": reranker_in_python,
    "Pipeline": pipeline_in_python,
    "wrapped client": wrapped_client,
    "one call of a wrapped client": wrapped_call,
}


@pytest.fixture(scope="module")
def orders(place: Place) -> dict[str, list[str]]:
    """The order of each stage alone: they differ, so that it is seen which one decided."""
    hits = place.hits(place.model(None), fusion="none")
    by_model = [hit["doc_id"] for hit in sorted(hits, key=lambda hit: -hit["logit"])]
    by_first_stage = [hit["doc_id"] for hit in sorted(hits, key=lambda hit: hit["first_stage_rank"])]
    assert by_model != by_first_stage and len(hits) == len(TEXTS)
    return {"model": by_model, "first stage": by_first_stage}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_takes_the_models_own_fusion_unless_the_user_says_otherwise(
    room: str, place: Place, orders: dict[str, list[str]]
) -> None:
    found = ROOMS[room]
    first, alone = place.model(FIRST_STAGE_ALONE), place.model(MODEL_ALONE)
    assert found(place, {"model": first}) == orders["first stage"]
    assert found(place, {"model": alone}) == orders["model"]
    assert found(place, {"model": first, "fusion": "none"}) == orders["model"]
    assert found(place, {"model": alone, "fusion_weight": 0.0}) == orders["first stage"]


def test_search_and_evaluate_report_the_fusion_and_who_chose_it(place: Place) -> None:
    model = place.model(SUM)
    found = json.loads(invoke("search", place.index, QUERY, "--json", "--model", model).out)
    assert found["fusion"] == {"kind": "zscore", "weight": 0.8, "source": "model"}
    assert found["order"] == f"0.8 {model} + 0.2 first stage (z-scores, fitted for the model)"
    report = json.loads(invoke("evaluate", str(place.folder), "--json", "--model", model, "--fusion", "none").out)
    assert (report["fusion"], report["fusion_weight"], report["fusion_source"]) == ("none", 1.0, "settings")
    assert report["model"] == f"{model} alone (as set)"
    report = json.loads(invoke("evaluate", str(place.folder), "--json", "--model", model).out)
    assert (report["fusion"], report["fusion_weight"], report["fusion_source"]) == ("zscore", 0.8, "model")


def test_config_shows_which_fusion_applies_to_the_model(place: Place) -> None:
    found = json.loads(invoke("config", "--json", "--model", place.model(SUM)).out)
    assert found["fusion"]["value"] == "auto" and found["fusion"]["applied"] == "zscore"
    assert found["fusion_weight"]["value"] is None and found["fusion_weight"]["applied"] == 0.8
    lines = invoke("config", "--model", place.model(SUM), "--fusion-weight", "0.3").out.splitlines()
    [line] = [line for line in lines if line.startswith("fusion_weight ")]
    assert line.split() == ["fusion_weight", "0.3", "flag"]


def test_hits_that_are_reranked_again_by_the_same_model_keep_their_order(place: Place) -> None:
    model = place.model(SUM)
    found = invoke("search", place.index, QUERY, "--json", "--model", model).out
    reply = json.loads(invoke("rerank", "--model", model, stdin=found.encode()).out)
    assert [one["doc_id"] for one in reply["results"]] == [hit["doc_id"] for hit in json.loads(found)["hits"]]


def test_a_damaged_fusion_is_reported_in_one_line_by_every_command(place: Place, tmp_path: Path) -> None:
    for file in Path(place.model(None)).iterdir():
        (tmp_path / file.name).symlink_to(file.resolve())
    (tmp_path / "resift.json").write_text('{"fusion": {"kind": "zscore", "weight": 7}}')
    done = invoke("search", place.index, QUERY, "--model", str(tmp_path))
    assert done.code == 1 and '"weight": 7' in done.error_line and "a number from 0 to 1" in done.error_line
    assert invoke("config", "--model", str(tmp_path)).code == 0

"""Open what a distillation reads: the first stage over the target, the given queries, and the queries of dev sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

from resift.indexer.bm25.build import build_index
from resift.indexer.corpora import Reading, read_collection, read_documents, read_queries
from resift.indexer.engine.resume import fingerprint
from resift.rerank.evaluation.datasets import load, resolve
from resift.rerank.evaluation.evaluator import names_index
from resift.rerank.training.distillation.documents import FirstStage
from resift.rerank.training.distillation.queries import TrainingQuery
from resift.rerank.training.distillation.request import DistillRequest, DistillStages
from resift.rerank.training.distillation.work_folder import WorkFolder, file_print
from resift.rerank.training.examples import read_examples
from resift.rerank.training.reports import Reports
from resift.retrieval.bm25 import store
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.registry import embedded_path, is_engine
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.trec import read_qrels
from resift.retrieval.wording import counted

INDEX = "index"
"""The folder in the work folder of the index that is made of a corpus."""

_TRAIN = "train"


def open_target(request: DistillRequest, stages: DistillStages, work: WorkFolder, reports: Reports) -> FirstStage:
    """Return the first stage over the target; of a corpus, an index is made in `work`, unless it is there.

    Raises SettingsError if the work folder has another corpus, and CorpusError, IndexingError or EngineError if the
    target cannot be read.
    """
    search = stages.search_stages(request.teacher[0])
    if request.is_index:
        return cast(FirstStage, search.open(request.target, reports.ask))
    folder = work.path / INDEX
    facts = {"corpus": fingerprint(request.target), **dataclasses.asdict(stages.bm25), **stages.corpus.fixed()}
    work.begin(INDEX, facts, [INDEX])
    if not store.is_index(folder):
        if request.target == STANDARD_INPUT:
            raise SettingsError("standard input cannot be read again to resume; name a file", "target")
        reading = Reading(lambda note: reports.note(f"note: {note}"))
        with (
            reports.progress("indexing") as done,
            closing(read_documents(request.target, stages.corpus, reading=reading)) as documents,
        ):
            build_index(documents, folder, stages.bm25, progress=done)
    return cast(FirstStage, search.open(f"bm25:{folder}", reports.ask))


def index_facts(request: DistillRequest, work: WorkFolder) -> dict[str, str]:
    """Return what changes with the index that is searched: of an engine's only its address is known."""
    if request.is_index and is_engine(request.target):
        return {"index": request.target}
    folder = embedded_path(request.target) if request.is_index else work.path / INDEX
    return {"index": file_print(folder / store.MANIFEST)}


def given_queries(request: DistillRequest, stages: DistillStages, reports: Reports) -> list[TrainingQuery]:
    """Return the user's queries with their judgements: of the files, or of a BEIR folder's split to train on.

    Raises CorpusError if they cannot be read.
    """
    if request.queries is not None:
        reading = Reading(lambda note: reports.note(f"note: {note}"))
        queries = list(read_queries(request.queries, stages.queries, reading))
        qrels = read_qrels(Path(request.qrels), stages.queries.query_encoding) if request.qrels else {}
        if qrels and not any(query.query_id in qrels for query in queries):
            raise CorpusError("judges none of the queries; do the query ids match?", request.qrels)
        return [TrainingQuery(query, relevant=qrels.get(query.query_id, {})) for query in queries]
    if not request.is_beir:
        return []
    split = request.split or _TRAIN
    if request.split is None and not any((Path(request.target) / "qrels").glob(f"{_TRAIN}.*")):
        reports.note(f"note: {request.target} has no judgements to train on (qrels/train); its queries are not used")
        return []
    collection = read_collection(request.target, split)
    return [
        TrainingQuery(query, relevant=collection.qrels.get(query.query_id, {}))
        for query in collection.queries
        if query.query_id in collection.qrels
    ]


def dev_queries(request: DistillRequest, reports: Reports) -> list[str]:
    """Return the texts of the queries that must not be trained on: those of the dev sets, all splits but train.

    Those of the target's other splits are among them. Raises CorpusError and SettingsError if a dev set cannot be read.
    """
    texts = [text for target in request.dev for text in _of_dev_set(target)]
    if request.is_beir:
        texts += _of_splits(Path(request.target), request.split or _TRAIN)
    if texts:
        count = counted(len(texts), "query of dev sets is", "queries of dev sets are")
        reports.note(f"note: {count} not trained on")
    return texts


def _of_dev_set(target: str) -> Iterator[str]:
    if names_splits(target):
        yield from _of_splits(Path(target), _TRAIN)
    elif Path(target).is_file():
        yield from (example.query for example in read_examples(target))
    elif names_index(target):
        raise SettingsError(
            f"{target} is an index, which does not have judged queries; expected a BEIR folder, a file of examples, or "
            "nanobeir:NAME",
            "dev",
        )
    else:
        for data_set in resolve(target):
            yield from (query.text for query in load(data_set).queries)


def _of_splits(folder: Path, trained_on: str) -> Iterator[str]:
    """Yield the queries of all judgements of a BEIR folder but those that are trained on."""
    for split in splits_of(folder):
        if split != trained_on:
            yield from (query.text for query in read_collection(folder, split).queries)


def names_splits(target: str) -> bool:
    """Return whether `target` is a folder with judgements."""
    return (Path(target) / "qrels").is_dir()


def splits_of(folder: Path) -> list[str]:
    """Return the names of the judgements of a BEIR folder."""
    return sorted({path.name.split(".")[0] for path in (folder / "qrels").iterdir() if path.is_file()})

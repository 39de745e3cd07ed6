"""`resift index`: a document collection goes in, an index comes out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from rerank.cli.options import settings_options
from rerank.cli.progress import progress
from rerank.cli.stages import say

if TYPE_CHECKING:
    from indexer.corpora import CorpusSettings
    from retrieval.settings_bm25 import Bm25Settings


@click.command()
@click.argument("source")
@click.option("--to", "target", required=True, metavar="bm25:PATH", help="Where the index is written.")
@click.option("--overwrite", is_flag=True, help="Replace an index that stands there; it is whole until the new one is.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@settings_options("corpus", "bm25")
def index(
    source: str,
    target: str,
    overwrite: bool,
    as_json: bool,
    corpus_settings: CorpusSettings,
    bm25_settings: Bm25Settings,
) -> None:
    """Load the document collection SOURCE into an index.

    SOURCE is a BEIR folder, a JSONL, CSV, TSV, Parquet or TREC file (.gz as well), a folder of text, Markdown or
    HTML files, ir_datasets:NAME, nanobeir:NAME, or - for JSON lines on standard input.

    \b
    resift index articles.csv --to bm25:articles --id-field sku --text-field body
    """
    from indexer.corpora import SkipReport, read_documents
    from indexer.memory import build_index
    from rerank.cli.output import echo, to_json
    from retrieval.registry import embedded_path

    path = embedded_path(target)
    with SkipReport.opened(corpus_settings) as skipped, progress("indexing") as done:
        documents = read_documents(source, corpus_settings, skipped)
        report = build_index(documents, path, bm25_settings, overwrite=overwrite, progress=done)
    if skipped.count:
        say(f"note: {skipped}")
    if as_json:
        echo(to_json({**dataclasses.asdict(report), "skipped": skipped.count, "index": target}))
        return
    rate = report.documents / report.seconds if report.seconds else 0.0
    echo(
        f"{target}: {report.documents:,} documents, {report.vocabulary:,} terms, {report.bytes / 1e6:,.1f} MB, "
        f"{report.seconds:.1f} s ({rate:,.0f} documents/s)"
    )

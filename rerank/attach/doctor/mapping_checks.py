"""Checks of the index: the fields whose texts are sent, and what the index does by default."""

from __future__ import annotations

from resift.rerank.attach.doctor.case import Case, HookCase
from resift.rerank.attach.doctor.check import Check
from resift.rerank.attach.doctor.finding import Finding, broken, not_checked, warning, works
from resift.rerank.attach.doctor.hook import rerank_processor
from resift.rerank.attach.doctor.mapping import default_pipelines, field_problem, without_source
from resift.rerank.attach.opensearch_requests import DEFAULT_PIPELINE
from resift.retrieval.wording import counted

_EMPTY = 0.1
"""Share of documents without text from which a warning is given: a few empty ones are usual, a tenth is a gap."""


def check_fields(case: Case) -> Finding:
    """Check that each field that is sent exists, and has its text where the engine looks for it."""
    if not case.fields:
        return broken(
            "no field is named, so no text can be sent", "name the field with the text: document_fields, or field"
        )
    problems = [field_problem(name, case.types, case.index, case.by_source) for name in case.fields]
    wrong = [(seen, remedy) for seen, remedy, _ in problems if seen]
    if not wrong:
        return works(f"{', '.join(case.fields)}: text")
    seen, remedy = ("; ".join(dict.fromkeys(parts)) for parts in zip(*wrong, strict=True))
    return warning(seen, remedy) if all(usable for _, _, usable in problems) else broken(seen, remedy)


def check_one_field(case: HookCase) -> Finding:
    """Check that one field is sent, because several are joined without a separator."""
    if len(case.fields) < 2:
        return works(counted(len(case.fields), "field"))
    return warning(
        f"{' and '.join(case.fields)} are joined without a separator: 'apple' and 'pie' are sent as 'applepie'",
        "name one field in document_fields; store title and text together in one field if the model should read both",
    )


def check_source(case: Case) -> Finding:
    """Check that the stored source of the index has the fields that are sent."""
    if not case.index:
        return not_checked(
            "this user may not read the mapping (GET /INDEX)", "grant the right to view the index's metadata"
        )
    if lacking := without_source(case.index, case.fields):
        return broken(f"{lacking}, so empty texts are sent", "index again with a _source that has the text")
    return works("the source has the fields")


def check_filled(case: Case) -> Finding:
    """Check how many documents have no text in the fields that are sent."""
    if not all(name in case.types for name in case.fields):
        return not_checked("a field does not exist")
    if not case.sample:
        return not_checked("the index has no documents with text")
    empty = len(case.sample) - len(case.texts)
    seen = f"{empty} of {len(case.sample)} sampled documents have no text in {', '.join(case.fields) or 'their fields'}"
    if empty == len(case.sample):
        return broken(seen, "name the field that has the text")
    if empty > _EMPTY * len(case.sample):
        return warning(seen, "they are ranked last; fill the field, or name one that all documents have")
    return works(seen)


def check_default_pipeline(case: HookCase) -> Finding:
    """Check that the pipeline is not the index's default, which all its searches would go through."""
    if not case.index:
        return not_checked("this user may not read the index's settings (GET /INDEX)")
    defaults = default_pipelines(case.index)
    if not defaults:
        return works("the index has no default pipeline")
    name, pipeline = next(iter(defaults.items()))
    processor = rerank_processor((case.requests.find(f"_search/pipeline/{pipeline}") or {}).get(pipeline) or {})
    remedy = f'PUT {name}/_settings {{"{DEFAULT_PIPELINE}": null}}, and name the pipeline in each search'
    if not processor:
        seen = (
            f"{pipeline} is the default pipeline of {name}, and a search that names {case.hook.pipeline} leaves it out"
        )
        return warning(seen, f"put the processors of both into one pipeline, if {pipeline} is needed")
    seen = f"{pipeline} is the default pipeline of {name}, so it runs for every search and for _count"
    if str(processor.get("ignore_failure", False)).lower() == "true":
        return warning(f"{seen}; those without ext.rerank keep the first order, and cost a failed call", remedy)
    return broken(f"{seen}; those without ext.rerank fail with status 500", remedy)


INDEX: tuple[Check[Case], ...] = (
    Check("mapping", "field", "the field that is sent exists and is text", check_fields),
    Check("mapping", "source", "the stored source has the field", check_source),
    Check("mapping", "empty texts", "documents have text in the field", check_filled),
)
HOOKED: tuple[Check[HookCase], ...] = (
    *INDEX,
    Check("mapping", "one field", "texts of several fields are not joined", check_one_field),
    Check("mapping", "default pipeline", "searches that do not ask for it are not reranked", check_default_pipeline),
)

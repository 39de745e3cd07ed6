"""The sections that sentence-transformers' card does not have: the gate, use with resift, licences, limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from resift.rerank.training.card.tables import figure, literal, markdown_table, plain
from resift.rerank.training.record import Energy, Origin, RunRecord, Source

_RIVALS = {"base": "base", "first_stage": "BM25"}


def warning(gate: Mapping[str, Any]) -> str:
    """Return what a reader has to know first: that the model did not pass its gate, or was not judged."""
    if not gate:
        return (
            "> This model was not judged on dev sets by `resift gate`: whether it is better than its base is not known."
        )
    if gate.get("passed"):
        return ""
    forced = " **It was promoted by force.**" if gate.get("forced") else ""
    reasons = "\n".join(f"> - {plain(str(reason))}" for reason in gate.get("reasons", ()))
    return f"> [!WARNING]\n> **This model did not pass its gate.**{forced} The reasons:\n>\n{reasons}"


def gate_section(gate: Mapping[str, Any], fusion: Mapping[str, Any]) -> str:
    """Return the gate's figures and verdicts; "" if the model was not judged."""
    sets = [one for one in gate.get("sets", ()) if one.get("means")]
    if not gate:
        return ""
    passed = "passed" if gate.get("passed") else "not passed, promoted by force" if gate.get("forced") else "not passed"
    verified = (
        "The queries were verified not to be in the training data."
        if gate.get("verified")
        else "It is not known whether the queries were in the training data."
    )
    base = f"its base {literal(gate['base'])} and " if gate.get("base") else ""
    parts = [
        "## The gate",
        f"**{passed.capitalize()}.** The model was compared with {base}the first stage (BM25), query by query, on dev "
        f"sets. {verified}",
    ]
    if sets:
        parts += [_means(sets, gate), _verdicts(sets, gate)]
    remarks = [f"- {plain(str(reason))}" for reason in gate.get("reasons", ())]
    remarks += [f"- Note: {plain(str(note))}" for note in gate.get("notes", ())]
    parts += ["\n".join(remarks)] if remarks else []
    if fusion:
        parts.append(f"As a search serves it: {_fusion(fusion)}.")
    return "\n\n".join(parts)


def _means(sets: list[Mapping[str, Any]], gate: Mapping[str, Any]) -> str:
    """Return nDCG@10 and the like of each order, with the differences from BM25."""
    measure = str(gate["measure"])
    orders = [("model_alone", "model alone"), ("model", "model as served"), ("base", "base as served")]
    orders = [(name, title) for name, title in orders if name in sets[0]["means"]]
    rows = []
    for one in sets:
        before = one["means"]["first_stage"][measure]
        values = [figure(one["means"][name][measure], before) for name, _ in orders]
        rows.append([literal(one["name"]), str(one["queries"]), figure(before), *values])
    columns = [f"dev set ({measure})", "queries", "BM25", *(f"{title} (difference from BM25)" for _, title in orders)]
    return markdown_table(columns, rows)


def _verdicts(sets: list[Mapping[str, Any]], gate: Mapping[str, Any]) -> str:
    named = [(str(one["name"]), one["versus"]) for one in sets]
    named += [("mean", gate.get("mean", {}))] if len(sets) > 1 else []
    rows = []
    for name, versus in named:
        for rival, found in versus.items():
            one = found["comparison"]
            interval = f"[{one['low']:+z.4f}, {one['high']:+z.4f}]"
            counts = [str(one[count]) for count in ("wins", "ties", "losses")]
            rows.append(
                [literal(name), _RIVALS[rival], found["verdict"], f"{one['difference']:+z.4f}", interval, *counts]
            )
    columns = ["dev set", "compared with", "verdict", "difference", "95 % interval", "wins", "ties", "losses"]
    return markdown_table(columns, rows)


def _fusion(fusion: Mapping[str, Any]) -> str:
    if fusion.get("kind") == "none":
        return "the model's scores alone decide"
    weight = float(fusion["weight"])
    read = ", the model's weight lowered to the share of a text that it read" if fusion["kind"] == "zscore-read" else ""
    return f"the weighted sum of z-scores, {weight:g} for the model and {round(1 - weight, 6):g} for BM25{read}"


def usage(model_id: str, record: RunRecord) -> str:
    """Return how to use the model with transformers and with resift."""
    squashed = "torch.sigmoid(logits)" if record.model.activation.lower().endswith("sigmoid") else "logits"
    return f"""### Direct Usage (Transformers)

```python
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{model_id}")
model = AutoModelForSequenceClassification.from_pretrained("{model_id}").eval()
queries = ["How many calories in an egg"] * 2
documents = ["An egg has between 55 and 80 calories.", "Eggs are laid by hens."]
length = {record.model.max_length}
features = tokenizer(
    queries, documents, padding=True, truncation="only_second", max_length=length, return_tensors="pt"
)
with torch.no_grad():
    logits = model(**features).logits.squeeze(-1)
scores = {squashed}
```

### Direct Usage (resift)

[resift](https://pypi.org/project/resift/) searches an index of its own, Elasticsearch or OpenSearch, and reranks the
first hits with this model:

```python
from resift import load_scorer

scorer = load_scorer("{model_id}")
scorer.rank("How many calories in an egg", ["Eggs are laid by hens.", "An egg has between 55 and 80 calories."])
```

On the command line: {search_command(model_id)}"""


def search_command(model_id: str) -> str:
    """Return the command that searches with a model, in backticks."""
    return f"`resift search bm25:my-index 'how many calories in an egg' --model {model_id}`"


def training_section(record: RunRecord) -> str:
    """Return how the model was trained, in a list."""
    items = [f"Trained with {literal(record.command)}"]
    if record.recipe:
        items.append(f"Recipe: {literal(record.recipe)}")
    if record.base:
        items.append(f"Initialized from: {_origin(record.base)}")
    if record.begun:
        items.append(f"Initialized from: {plain(record.begun)}")
    items += [f"Learned from the scores of: {_origin(teacher)}" for teacher in record.teachers]
    if record.model.shape:
        items.append(f"Shape: {plain(record.model.shape)}")
    if record.model.parameters:
        items.append(f"Parameters: {record.model.parameters:,}")
    if record.started:
        items.append(f"Started: {plain(record.started)}")
    if record.seed is not None:
        items.append(f"Seed: {record.seed}")
    if record.best_step is not None:
        items.append(f"Kept checkpoint: step {record.best_step}")
    if record.trained_share < 1:
        items.append(f"Weights: {record.trained_share:g} of the way from the base to that checkpoint")
    items += [f"Seconds of {plain(phase)}: {seconds:,.0f}" for phase, seconds in record.seconds.items()]
    pictures = [f"![{plain(caption)}]({name})" for name, caption in record.pictures.items()]
    return "\n\n".join(["### Training Run", "\n".join(f"- {item}" for item in items), *pictures])


def _origin(origin: Origin) -> str:
    shown = literal(Path(origin.name).name)  # never the folders of this machine
    name = f"[{origin.name}](https://huggingface.co/{origin.name})" if origin.hub else shown
    facts = [f"revision {literal(origin.revision)}"] if origin.revision else []
    facts += [f"licence {plain(origin.licence)}"] if origin.licence else []
    return f"{name} ({', '.join(facts)})" if facts else name


def licences_section(record: RunRecord) -> str:
    """Return the licences and attributions of everything that went into the model."""
    rows = [[kind, *cells] for kind, cells in _attributions(record)]
    table = markdown_table(["what", "name", "licence", "attribution"], rows)
    own = plain(record.model.licence) if record.model.licence else "not stated"
    return f"## Licences and Attributions\n\nLicence of this model: {own}.\n\n{table}"


def _attributions(record: RunRecord) -> Iterator[tuple[str, list[str]]]:
    unknown = "not stated"
    origins = [("base", record.base)] if record.base else []
    for kind, origin in [*origins, *(("teacher", teacher) for teacher in record.teachers)]:
        yield kind, [_origin(Origin(origin.name, origin.hub)), plain(origin.licence) or unknown, ""]
    for kind, sources in (("training data", record.training), ("evaluation data", record.evaluation)):
        for source in sources:
            yield kind, [_linked(source), plain(source.licence) or unknown, plain(source.attribution)]


def _linked(source: Source) -> str:
    address = f"https://huggingface.co/datasets/{source.hub}" if source.hub else source.url
    safe = address.startswith(("https://", "http://")) and not set(address) & set(" ()<>\"'\n")
    return f"[{plain(source.name)}]({address})" if safe else literal(source.name)


def limits_section(record: RunRecord, judged: bool) -> str:
    """Return what the model cannot do: what its settings imply, and what the training recorded.

    `judged`: whether the card has the figures of the gate.
    """
    languages = ", ".join(record.model.languages)
    measured = "It was not measured on judged queries."
    if judged or record.evaluations:
        measured = (
            "It was measured on the dev sets above, on which its settings may have been chosen; elsewhere it can be "
            "worse."
        )
    items = [
        f"It reads {record.model.max_length} tokens of a query with its document; the end of a longer document is not "
        "read.",
        f"It was trained on texts in: {languages}. It is not meant for other languages."
        if languages
        else "The language of its training data is not stated; it is not meant for others.",
        "A score orders the candidates of one query; scores of different queries are not comparable, and none is a "
        "probability.",
        f"{measured} Measure it on your own queries: `resift evaluate`.",
        *record.limits,
    ]
    return "## Bias, Risks and Limitations\n\n" + "\n".join(
        f"- {item if place < 4 else plain(item)}" for place, item in enumerate(items)
    )


def energy_note(energy: Energy) -> str:
    """Return how long and how the energy was measured, which sentence-transformers' card does not say."""
    measured = (
        "read from the processor's counters"
        if energy.measured
        else "estimated by the load of the machine, not read from counters of the hardware"
    )
    country = f"the electricity of {energy.country}" if energy.country else "the world's average electricity"
    scope = f"- **Measured**: {plain(energy.scope)}\n" if energy.scope else ""
    return (
        f"{scope}- **Duration**: {energy.seconds / 3600:.3f} hours\n"
        f"- **Tool**: {plain(energy.tool)}, offline; the power was {measured}; emissions for {country}"
    )

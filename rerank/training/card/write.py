"""Write the card of a model: sentence-transformers' card with resift's sections, and front matter for the hub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from resift.rerank.scorers.card import CARD
from resift.rerank.scorers.json_file import read_json
from resift.rerank.scorers.resift_file import RESIFT_FILE
from resift.rerank.training.card import sections
from resift.rerank.training.record import RECORD, RunRecord, read_record
from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import ModelError, ResiftError
from resift.retrieval.extras import install_line

_PLACES = {
    "## Training Details": "gate",
    "### Training Hyperparameters": "run",
    "## Additional Resources": "licences",
}
"""Heading of sentence-transformers' card -> the section of ours that comes before it."""

_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_EXAMPLES = 5  # documents of a list in the usage
_LONGEST = 300  # characters of a text in the usage


def write_card(folder: Path, record: RunRecord | None = None, model_id: str = "") -> Path:
    """Write README.md into a model's folder and return its path; an existing one is replaced.

    `record` is what the training recorded; if it is not given, that in the folder (`read_record`). What the gate found,
    the dev figures and the fusion are read from resift.json. `model_id` is the name on the hub ("org/name") that the
    examples of use show, else the folder's. Every figure comes from these files; the scores in the usage are those that
    the model gives now. Raises ModelError if there is no record or a library is missing, and OSError.
    """
    record = record or read_record(folder)
    if record is None:
        raise ModelError(
            f"there is no {RECORD} of a training, from which the card is written; train the model with resift", folder
        )
    path = folder / CARD
    write_file(path, [card_text(folder, record, model_id or folder.resolve().name)])
    return path


def card_text(folder: Path, record: RunRecord, model_id: str) -> str:
    """Return the card of the model in `folder` as Markdown with front matter. Raises ModelError."""
    try:
        from resift.rerank.training.card.generated import generated_card
    except ImportError as error:
        raise ModelError(f"the card needs sentence-transformers: {install_line('train')}", folder) from error
    own = read_json(folder / RESIFT_FILE, str(folder), default={})
    own = own if isinstance(own, Mapping) else {}
    found = own.get("gate")
    gate: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    content = generated_card(record, gate, model_id, _examples(folder, record))
    front, body = _split(content)
    body = _with_sections(_without_comments(body), record, {"gate": gate, "fusion": own.get("fusion") or {}}, model_id)
    if (folder / "model.onnx").is_file() and not any(folder.glob("*.safetensors")):
        body = _for_resift_alone(body)
    return f"---\n{_front_matter(front, record)}---\n{body}"


def _split(content: str) -> tuple[str, str]:
    _, front, body = content.split("---\n", 2)
    return front, body


def _front_matter(front: str, record: RunRecord) -> str:
    """Return the front matter with a licence that the hub knows, or "other" with the licence's name."""
    import yaml

    values: dict[str, Any] = yaml.safe_load(front)
    licence = record.model.licence
    if licence and not _LICENCE.fullmatch(licence):
        values |= {"license": "other", "license_name": re.sub(r"[^a-z0-9]+", "-", licence.lower()).strip("-")}
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _without_comments(body: str) -> str:
    """Return a card without the template's comments, which ask an author for what resift's sections have."""
    return re.sub(r"\n*<!--.*?-->", "", body, flags=re.DOTALL)


def _for_resift_alone(body: str) -> str:
    """Return a card without the uses that need the weights of torch, which a folder of int8 alone does not have."""
    return re.sub(r"(?ms)^### Direct Usage \((?:Sentence )?Transformers\).*?(?=^##)", "", body)


def _with_sections(body: str, record: RunRecord, own: Mapping[str, Any], model_id: str) -> str:
    limits = sections.limits_section(record, bool(own["gate"]))
    parts = {
        "gate": "\n\n".join(filter(None, [sections.gate_section(own["gate"], own["fusion"]), limits])),
        "run": sections.training_section(record),
        "licences": sections.licences_section(record),
    }
    for heading, name in _PLACES.items():
        body = _before(body, heading, parts[name])
    if "## Evaluation" in body:
        body = _before(body, "## Evaluation", sections.usage(model_id, record))
    else:
        body = _before(body, "## The gate" if own["gate"] else "## Bias, Risks", sections.usage(model_id, record))
    if warning := sections.warning(own["gate"]):
        body = re.sub(r"(?m)^(# .*\n)", lambda found: f"{found[1]}\n{warning}\n", body, count=1)
    if record.energy is not None:
        body = _before(body, "### Training Hardware", sections.energy_note(record.energy))
        body = re.sub(r"(?<=- \*\*Energy Consumed\*\*: )\S+", f"{record.energy.kwh:.4g}", body)
        body = re.sub(r"(?<=- \*\*Carbon Emitted\*\*: )\S+", f"{record.energy.kg_co2:.4g}", body)
    return re.sub(r"\n{3,}", "\n\n", body)


def _before(body: str, heading: str, section: str) -> str:
    """Return `body` with a section before the first line that begins with `heading`; at the end if there is none."""
    found = re.search(rf"(?m)^{re.escape(heading)}", body)
    place = found.start() if found else len(body)
    return f"{body[:place].rstrip()}\n\n{section}\n\n{body[place:]}"


def _examples(folder: Path, record: RunRecord) -> list[tuple[str, str, float]]:
    """Return a query of the data with documents and the scores that the model gives them; none if it cannot be run."""
    query, documents = _sample(record)
    if not documents:
        return []
    with suppress(ResiftError):
        from resift.rerank.scorers.load import load_scorer

        scores = load_scorer(str(folder)).predict([(query, document) for document in documents])
        return [(query, text, float(score)) for text, score in zip(documents, scores, strict=True)]
    return []


def _sample(record: RunRecord) -> tuple[str, list[str]]:
    """Return a query and documents of the first sample that has both, shortened, as text that a code block can have."""
    for source in (*record.evaluation, *record.training):
        for sample in source.samples:
            texts = [value for name, value in sample.items() if name != "query" and isinstance(value, str)]
            listed = sample.get("documents")
            texts += [text for text in listed if isinstance(text, str)] if isinstance(listed, list | tuple) else []
            if isinstance(sample.get("query"), str) and texts:
                return _shortened(sample["query"]), [_shortened(text) for text in texts[:_EXAMPLES] if text != "..."]
    return "", []


def _shortened(text: str) -> str:
    return " ".join(text.replace("`", "'").split())[:_LONGEST]

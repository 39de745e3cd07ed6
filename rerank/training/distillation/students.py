"""Students: a model as it is, some layers of a model, or a fresh shape whose word table begins from the teacher's."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.distillation.loading import Network, is_bert, load_network
from resift.retrieval.errors import ModelError, SettingsError

TEACHER = "teacher"
"""The name of the teacher itself as the base of a student."""

_FRESH = re.compile(r"(\d+)x(\d+)(?:x(\d+))?")
_LAYERS = re.compile(r"(.+?):(\d+(?:,\d+)*)")
_NAMED = re.compile(r"([\w.-]+)=(.+)", re.DOTALL)
_HEAD_WIDTH = 64  # of BERT
_KEPT = 0.5  # the part of the states attended to that a new layer subtracts


@dataclass(frozen=True, slots=True)
class StudentPlan:
    """What a student begins from.

    `name`: of its folder. `base`: a model, "teacher", or "" for a fresh shape. `layers`: which layers of the base, from
    1; empty for all. `count`: how many layers, spread evenly, 0 for all. `shape`: layers, width and heads if fresh.
    """

    name: str
    base: str = ""
    layers: tuple[int, ...] = ()
    count: int = 0
    shape: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Student:
    """A model to train. `matched`: for each of its layers, from 0, the layer of the teacher whose states it learns.

    Empty if its states cannot be compared with the teacher's. `reduced`: whether its layers skip some of its base's;
    `fresh`: whether its layers are new. `supposed`: whether `matched` is only a guess by its shape, as for a student of
    an earlier distillation: it holds if its states resemble the teacher's.
    """

    name: str
    network: Network
    matched: tuple[int, ...] = ()
    reduced: bool = False
    fresh: bool = False
    supposed: bool = False


def read_plan(text: str) -> StudentPlan:
    """Return the plan that `text` describes. Raises SettingsError if it does not describe one.

    - `MODEL`: an embedded model, a folder or a name of the hub, as it is; `teacher` is the teacher itself.
    - `MODEL:6`: six of its layers, spread evenly; `MODEL:1,3,5`: these layers, from 1.
    - `2x128` or `2x128x2`: a fresh BERT of 2 layers, 128 wide, with 2 heads.

    `NAME=` before it names the student.

    >>> read_plan("small=teacher:4")
    StudentPlan(name='small', base='teacher', layers=(), count=4, shape=None)
    >>> read_plan("2x128").shape
    (2, 128, 2)
    """
    named = _NAMED.fullmatch(text.strip())
    name, spec = (named[1], named[2].strip()) if named else ("", text.strip())
    if not spec:
        raise SettingsError("is empty; expected a model, MODEL:LAYERS, or a shape such as 2x128", "student")
    if fresh := _FRESH.fullmatch(spec):
        layers, width = int(fresh[1]), int(fresh[2])
        heads = int(fresh[3]) if fresh[3] else max(1, width // _HEAD_WIDTH)
        if not layers or not width or not heads or width % heads:
            raise SettingsError(f"{spec!r} is not a shape: the heads must divide the width evenly", "student")
        return StudentPlan(name or f"fresh-{spec}", shape=(layers, width, heads))
    chosen = _LAYERS.fullmatch(spec)
    if chosen is None:
        return StudentPlan(name or _slug(spec), spec)
    numbers = tuple(map(int, chosen[2].split(",")))
    if min(numbers) < 1 or list(numbers) != sorted(set(numbers)):
        raise SettingsError(f"{chosen[2]} are not layers; expected ascending numbers from 1", "student")
    label = name or f"{_slug(chosen[1])}-{chosen[2].replace(',', '-')}"
    if len(numbers) == 1:
        return StudentPlan(label, chosen[1], count=numbers[0])
    return StudentPlan(label, chosen[1], layers=numbers)


def make_student(plan: StudentPlan, teacher: Network | None, settings: ScorerSettings, refit: bool = False) -> Student:
    """Return the student that `plan` describes; `teacher` is its torch weights, None if they cannot be had.

    `refit` says that the layers will be fitted to the teacher's states: of a number of layers, the middle one of each
    span is then copied instead of the last, and does the work of the span after the fit. Raises ModelError if the base
    cannot be loaded, and SettingsError if it does not have these layers, or a fresh shape needs a teacher.
    """
    if plan.shape is not None:
        return Student(plan.name, _fresh(plan.shape, _needed(teacher, plan)), fresh=True)
    own = plan.base == TEACHER
    base = _needed(teacher, plan) if own else load_network(plan.base, settings, new_head=True)
    same_base = own or (teacher is not None and base.folder.path.resolve() == teacher.folder.path.resolve())
    if not plan.layers and not plan.count:
        network = base.with_model(_copy(base.model)) if own else base
        if same_base:
            whole = tuple(range(base.model.config.num_hidden_layers)) if is_bert(base.model) else ()
            return Student(plan.name, network, whole)
        return Student(plan.name, network, _supposed(base, teacher), supposed=True)
    if not is_bert(base.model):
        raise ModelError("only the layers of a BERT can be chosen; use the whole model, or a fresh shape", plan.base)
    depth = base.model.config.num_hidden_layers
    last = spread(plan.count, depth, False) if plan.count else tuple(one - 1 for one in plan.layers)
    layers = spread(plan.count, depth, True) if plan.count and refit and same_base else last
    if layers[-1] >= depth:
        raise SettingsError(f"{plan.base} has {depth} layers, so there is no layer {layers[-1] + 1}", "student")
    network = base.with_model(with_layers(base.model, layers))
    return Student(plan.name, network, ends(last, depth) if same_base else (), same_base and len(layers) < depth)


def _supposed(base: Network, teacher: Network | None) -> tuple[int, ...]:
    """Return the layers of `teacher` that those of `base` would stand for if it was made of the teacher's, or none."""
    if teacher is None or not (is_bert(base.model) and is_bert(teacher.model)):
        return ()
    own, other = base.model.config, teacher.model.config
    if own.hidden_size != other.hidden_size or own.num_hidden_layers > other.num_hidden_layers:
        return ()
    return spread(own.num_hidden_layers, other.num_hidden_layers, False)


def spread(count: int, depth: int, middle: bool) -> tuple[int, ...]:
    """Return `count` of `depth` layers, from 0: the last one of each of `count` even spans, or its middle one.

    With `middle`, the lower one of two middle layers. Raises SettingsError if there are fewer layers.

    >>> spread(4, 12, False), spread(4, 12, True)
    ((2, 5, 8, 11), (1, 4, 7, 10))
    """
    if not 1 <= count <= depth:
        raise SettingsError(f"{count} layers of {depth} were asked for; expected 1 to {depth}", "student")
    bounds = [round(place * depth / count) for place in range(count + 1)]
    return tuple((begin + end - 1) // 2 if middle else end - 1 for begin, end in itertools.pairwise(bounds))


def ends(layers: tuple[int, ...], depth: int) -> tuple[int, ...]:
    """Return for each of the copied `layers` the layer after which the states of both models correspond.

    If the last layer is copied, these are the layers themselves; else each stands for those up to the next one.

    >>> ends((2, 5, 8, 11), 12), ends((0, 3, 6, 9), 12)
    ((2, 5, 8, 11), (2, 5, 8, 11))
    """
    if layers[-1] == depth - 1:
        return layers
    return (*(following - 1 for following in layers[1:]), depth - 1)


def with_layers(model: Any, layers: tuple[int, ...]) -> Any:  # noqa: ANN401 - transformers is untyped
    """Return a copy of a BERT that has only `layers` of its layers, from 0."""
    import copy

    config = type(model.config).from_dict(model.config.to_dict() | {"num_hidden_layers": len(layers)})
    made = type(model)(config)
    weights = {name: value for name, value in model.state_dict().items() if ".encoder.layer." not in name}
    made.load_state_dict(weights, strict=False)
    for place, layer in enumerate(layers):
        made.bert.encoder.layer[place].load_state_dict(copy.deepcopy(model.bert.encoder.layer[layer].state_dict()))
    return made.float().eval()


def word_table_parts(model: Any, width: int) -> Mapping[str, Any]:  # noqa: ANN401
    """Return the embedding tables of a BERT reduced to `width` columns by PCA of its word table.

    All tables are turned by the same directions, those in which the words differ most, so that sums of a word, a
    position and a type keep their meaning. What all words, or all positions, have in common is left out: it would make
    every word similar to every other. Source: PCA of the covariance (Pearson 1901).
    """
    import torch

    tables = model.bert.embeddings
    words = tables.word_embeddings.weight.detach().double()
    centred = words - words.mean(0)
    _, directions = torch.linalg.eigh(centred.T @ centred)  # ascending
    kept = directions[:, -width:].flip(1)  # (teacher's width, width)
    signs = torch.sign(kept[kept.abs().argmax(0), torch.arange(kept.shape[1])])  # the same on every machine
    kept = kept * signs
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    found = {name: getattr(tables, name).weight.detach().double() @ kept for name in names}
    return {name: (table - table.mean(0)).float() for name, table in found.items()}


def begin_alike(model: Any) -> None:  # noqa: ANN401
    """Let each new layer of a BERT attend at first from a word to the same and to similar words.

    A reranker has to find the words of the query in the document. From random weights small models learn this only
    after hundreds of thousands of pairs. Queries and keys begin as the same rotation, so that their product is the
    similarity of two states, and values are subtracted from the state in part. Source: Trockman and Kolter 2023,
    "Mimetic Initialization of Self-Attention Layers", sections 3 and 4, without their noise.
    """
    import torch

    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            attention, output = layer.attention.self, layer.attention.output.dense
            width = output.weight.shape[0]
            turned, other = (torch.linalg.qr(torch.randn(width, width))[0] for _ in range(2))
            attention.query.weight.copy_(turned)
            attention.key.weight.copy_(turned)
            attention.value.weight.copy_(_KEPT**0.5 * other)
            output.weight.copy_(-(_KEPT**0.5) * other.T)


def _fresh(shape: tuple[int, int, int], teacher: Network) -> Network:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    layers, width, heads = shape
    own = teacher.model.config
    pca = is_bert(teacher.model) and width <= own.hidden_size
    torch.manual_seed(0)
    configure: Any = BertConfig
    config = configure(
        vocab_size=own.vocab_size,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=own.max_position_embeddings if pca else 512,
        type_vocab_size=own.type_vocab_size if pca else 2,
        pad_token_id=own.pad_token_id,
        num_labels=1,
    )
    maker: Any = BertForSequenceClassification
    model = maker(config)
    begin_alike(model)
    if pca:
        with torch.no_grad():
            for name, table in word_table_parts(teacher.model, width).items():
                getattr(model.bert.embeddings, name).weight.copy_(table)
    return teacher.with_model(model.float().eval())


def _needed(teacher: Network | None, plan: StudentPlan) -> Network:
    if teacher is None:
        message = f"{plan.name} begins from the teacher, which is not a single model that torch can train"
        raise SettingsError(f"{message}; name a folder or an embedded model", "student")
    return teacher


def _copy(model: Any) -> Any:  # noqa: ANN401
    import copy

    return copy.deepcopy(model).float().eval()


def _slug(text: str) -> str:
    last = re.split(r"[/\\]", text.rstrip("/\\"))[-1]
    return re.sub(r"[^\w.-]+", "-", last).strip("-.") or "student"

"""Groups of pairs for one step: a query with several passages of its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .settings import SOURCE_ORDER, StageSettings, TeacherSettings
from .sources import Source, read_source
from .teacher import load_tokenizer, prepared_path, token_ids

FALSE_NEGATIVE = 0.95  # of the positive's cosine; a negative above it is probably relevant
LABELLED_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Group:
    """One query against ``group_size`` passages; ``label`` is the position of the positive, or -1."""

    query: list[int]
    passages: list[list[int]]
    cosines: NDArray[np.float32]
    label: int


@dataclass(slots=True)
class PreparedSource:
    """A source with its ids, BM25 candidates and the teacher's vectors."""

    source: Source
    queries: list[list[int]]
    passages: list[list[int]]
    candidates: NDArray[np.int32]
    query_vectors: NDArray[np.float16]
    passage_vectors: NDArray[np.float16]

    @classmethod
    def load(cls, shared: Path, work: Path, name: str) -> PreparedSource:
        """Read a source and its prepared arrays, and tokenize it."""
        source, arrays = read_source(shared, name), np.load(prepared_path(work, name))
        tokenizer, limits = load_tokenizer(), TeacherSettings()
        return cls(
            source=source,
            queries=token_ids(tokenizer, source.queries, limits.query_tokens),
            passages=token_ids(tokenizer, source.passages, 256),
            candidates=arrays["candidates"],
            query_vectors=arrays["queries"],
            passage_vectors=arrays["passages"],
        )

    def group(self, query: int, chosen: list[int], label: int) -> Group:
        """Return the group of a query and the chosen passages."""
        vector = self.query_vectors[query].astype(np.float32)
        return Group(
            query=self.queries[query],
            passages=[self.passages[place] for place in chosen],
            cosines=self.passage_vectors[chosen].astype(np.float32) @ vector,
            label=label,
        )


@dataclass(slots=True)
class Sampler:
    """Draws groups from the sources that are ready, in proportion to the square root of their size."""

    shared: Path
    work: Path
    ready: dict[str, PreparedSource] = field(default_factory=dict)

    def refresh(self) -> list[str]:
        """Load the sources prepared since the last call; return the names of all ready ones."""
        for name in SOURCE_ORDER:
            if name not in self.ready and prepared_path(self.work, name).exists():
                self.ready[name] = PreparedSource.load(self.shared, self.work, name)
        return [name for name in SOURCE_ORDER if name in self.ready]

    def draw(self, stage: StageSettings, random: Generator) -> list[Group]:
        """Return the groups of one step."""
        names = [name for name in SOURCE_ORDER if name in self.ready]
        sizes = np.sqrt([len(self.ready[name].passages) for name in names])
        drawn = random.choice(names, size=stage.groups_per_step, p=sizes / sizes.sum())
        return [self._draw_one(self.ready[str(name)], stage, random) for name in drawn]

    def _draw_one(self, prepared: PreparedSource, stage: StageSettings, random: Generator) -> Group:
        labelled, total = len(prepared.source.positives), len(prepared.queries)
        if total > labelled and random.random() < stage.unlabelled_share:
            query = int(random.integers(labelled, total))
        else:
            query = int(random.integers(labelled))
        if stage.label_weight and query < labelled:
            return draw_labelled(prepared, query, stage.group_size, random)
        return draw_distilled(prepared, query, stage.group_size, random)


def draw_distilled(prepared: PreparedSource, query: int, size: int, random: Generator) -> Group:
    """Return a positive if there is one, candidates of BM25 and one or two random passages."""
    positives: dict[int, int] = {}
    if query < len(prepared.source.positives):
        positives = prepared.source.positives[query]
    chosen = [int(random.choice(list(positives)))] if positives else []
    found = prepared.candidates[query]
    found = found[found >= 0]
    near = random.permutation(found[:20])[:3]  # hard negatives: BM25's top 20
    far = random.permutation(found[20:])[:3]
    chosen += [int(place) for place in (*near, *far) if int(place) not in chosen]
    chosen = chosen[: size - 1]
    _fill(chosen, set(), len(prepared.passages), size, random)
    return prepared.group(query, chosen, -1)


def draw_labelled(prepared: PreparedSource, query: int, size: int, random: Generator) -> Group:
    """Return one positive, first, and negatives of BM25's top 50 that are probably not relevant."""
    positives = prepared.source.positives[query]
    positive = int(random.choice(list(positives)))
    vector = prepared.query_vectors[query].astype(np.float32)
    found = prepared.candidates[query, :LABELLED_DEPTH]
    found = found[found >= 0]
    cosines = prepared.passage_vectors[found].astype(np.float32) @ vector
    own = float(prepared.passage_vectors[positive].astype(np.float32) @ vector)
    safe = [int(p) for p in found[cosines < FALSE_NEGATIVE * own] if int(p) not in positives]
    hard = [int(p) for p in random.permutation(safe[:15])[:4]]
    rest = [p for p in safe if p not in hard]
    chosen = [positive, *hard, *(int(p) for p in random.permutation(rest)[: size - 2 - len(hard)])]
    _fill(chosen, set(positives), len(prepared.passages), size, random)
    return prepared.group(query, chosen, 0)


def _fill(chosen: list[int], barred: set[int], count: int, size: int, random: Generator) -> None:
    while len(chosen) < size:
        place = int(random.integers(count))
        if place not in chosen and place not in barred:
            chosen.append(place)

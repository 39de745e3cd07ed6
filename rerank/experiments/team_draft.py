"""Mix two orders of hits into one list by team draft, so that clicks show which order people prefer."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Team = Literal["first_stage", "reranked"]
FIRST_STAGE: Team = "first_stage"
RERANKED: Team = "reranked"


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A hit as it was shown: its id, and the team that gave it; None if the two orders were not mixed."""

    doc_id: str
    team: Team | None = None


def team_draft(first_stage: Sequence[str], reranked: Sequence[str], key: str) -> list[ShownHit]:
    """Return the ids of both orders as one list, each id once, with the team of each place.

    In each round a coin decides which team takes the best hit of its order that is not yet in the list; then the other
    team does. Once one order has nothing left, the rest of the other one follows in its order. Source: Radlinski, Kurup
    and Joachims (2008), "How does clickthrough data reflect retrieval quality?", CIKM, algorithm 2.

    The coins depend on `key` alone (see `draft_key`): the same key and the same orders give the same list, so that
    page 2 continues page 1, and orders that only continue further down leave the upper part as it was.

    >>> mixed = team_draft(["a", "b", "c"], ["c", "a", "b"], "some key")
    >>> sorted(hit.doc_id for hit in mixed)
    ['a', 'b', 'c']
    """
    orders = {FIRST_STAGE: _Order(first_stage), RERANKED: _Order(reranked)}
    coins, taken, shown = _coins(key), set[str](), list[ShownHit]()
    while all(order.advance(taken) for order in orders.values()):
        leader = RERANKED if next(coins) else FIRST_STAGE
        for team in (leader, FIRST_STAGE if leader == RERANKED else RERANKED):
            if orders[team].advance(taken):
                doc_id = orders[team].next
                taken.add(doc_id)
                shown.append(ShownHit(doc_id, team))
    for team, order in orders.items():
        while order.advance(taken):
            taken.add(order.next)
            shown.append(ShownHit(order.next, team))
    return shown


def draft_key(*parts: str) -> str:
    """Return the key of what must be mixed in the same way: the index, the query, and who asks, as far as it is known.

    Without the user, everybody gets the same mixture of a query, and all searches of it together are one vote; with a
    part that differs for each search, such as its id, page 2 is mixed in another way than page 1.

    >>> draft_key("ab", "c") == draft_key("a", "bc")
    False
    """
    return "".join(f"{len(part)}:{part}" for part in parts)


def draft_id(key: str) -> str:
    """Return 16 hexadecimal digits that name `key` in the log without showing it."""
    return _digest(key, "id")[:8].hex()


class _Order:
    """An order of ids, and how far it was taken."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids, self._place = ids, 0

    @property
    def next(self) -> str:
        return self._ids[self._place]

    def advance(self, taken: set[str]) -> bool:
        """Go to the first id that is not `taken`, and return whether there is one."""
        while self._place < len(self._ids) and self._ids[self._place] in taken:
            self._place += 1
        return self._place < len(self._ids)


def _coins(key: str) -> Iterator[int]:
    generator = random.Random(int.from_bytes(_digest(key, "coins")))
    while True:
        yield generator.getrandbits(1)


def _digest(key: str, purpose: str) -> bytes:
    """Return 16 bytes of `key`; of different purposes, one cannot be computed from the other."""
    content = key.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16, person=purpose.encode("ascii")).digest()

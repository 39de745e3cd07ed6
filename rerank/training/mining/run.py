"""Mine anchors into a file."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from resift.rerank.training.examples import to_line
from resift.rerank.training.mining.anchors import Anchor
from resift.rerank.training.mining.mined import Mined, to_examples
from resift.rerank.training.mining.miner import Miner
from resift.rerank.training.mining.output import MiningOutput
from resift.retrieval.errors import CorpusError


class _Digested:
    """Anchors, with the digest of those that were taken; each is read once."""

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        self._anchors = iter(anchors)
        self.digests: deque[bytes] = deque()  # of the anchors that were taken and not yet written
        self._last = b""

    def skip(self, count: int) -> bytes:
        """Take `count` anchors and return their digest."""
        for _ in range(count):
            if next(self, None) is None:
                break
            self.digests.clear()
        return self._last

    def __iter__(self) -> Iterator[Anchor]:
        return self

    def __next__(self) -> Anchor:
        anchor = next(self._anchors)
        self._last = hashlib.sha256(self._last + anchor.digest()).digest()
        self.digests.append(self._last)
        return anchor


def mine_to_file(
    anchors: Iterable[Anchor],
    miner: Miner,
    output: MiningOutput,
    on_done: Callable[[int], object] = lambda done: None,
    on_mined: Callable[[Mined], object] = lambda mined: None,
) -> None:
    """Mine `anchors` into the opened `output`, after those that it has already, and finish it.

    `on_done` is called with the number of queries done, `on_mined` with what was mined for each. Raises CorpusError if
    nothing was mined, or the file cannot be written; SettingsError if the input is not that of the mine which is
    continued; and what `Miner.mine` raises.
    """
    taken = _Digested(anchors)
    output.check_same(taken.skip(output.done))
    on_done(output.done)
    miner.tally = output.tally
    for mined in miner.mine(taken, output.done):
        examples = [] if mined is None else list(to_examples(mined, miner.settings))
        miner.tally.examples += len(examples)
        output.add(list(map(to_line, examples)), taken.digests.popleft())
        on_done(output.done)
        if mined is not None:
            on_mined(mined)
    if not output.tally.examples:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in output.tally.dropped.items())
        raise CorpusError(
            f"no example was made of {output.tally.anchors} queries: {reasons or 'no query has a positive'}"
        )
    output.finish()

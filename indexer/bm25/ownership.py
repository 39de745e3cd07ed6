"""Find files in the folder of an embedded index that are not part of it, and that replacing it would remove."""

from __future__ import annotations

import re
from pathlib import Path

from resift.retrieval.bm25 import store
from resift.retrieval.errors import IndexingError

_OURS = re.compile(r"run-\d+\.npy|\.manifest\.json\..*")  # of a build or a change that was killed
_OF_SYSTEMS = frozenset([".DS_Store", "Thumbs.db", "desktop.ini"])
_MOST_NAMES = 3


def check_nothing_else(path: Path) -> None:
    """Raise IndexingError if the folder of the index at `path` holds files that are not the index's."""
    known = {store.MANIFEST, store.SEGMENTS, *store.FILES, *store.CHANGE_FILES, *_OF_SYSTEMS}
    others = sorted(one.name for one in path.iterdir() if one.name not in known and not _OURS.fullmatch(one.name))
    if others:
        names = ", ".join(others[:_MOST_NAMES]) + (", …" if len(others) > _MOST_NAMES else "")
        raise IndexingError(
            f"{path} also holds files that are not part of the index ({names}) and would be removed; move them "
            "away first, or choose another path"
        )

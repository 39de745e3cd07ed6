"""Where the shared data is, which the scripts that train and measure models read."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The root of the checkout."""


def shared_folder() -> Path:
    """Return the folder of the shared data: $RESIFT_SHARED, else ../shared of the checkout."""
    return Path(os.environ.get("RESIFT_SHARED") or ROOT.parent / "shared")


def collections_folder() -> Path:
    """Return the folder of the judged collections."""
    return shared_folder() / "collections"


def published_teacher() -> Path:
    """Return the folder of the cross-encoder of which the models of the package learned; it may be missing."""
    return shared_folder() / "models" / "ms-marco-minilm-l12"

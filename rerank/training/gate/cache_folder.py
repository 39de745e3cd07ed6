"""The folder in which the gate keeps scores and rankings between its runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder(given: str | None) -> Path:
    """Return the folder `given`, else resift's own in the user's folder of caches, as the system names it.

    It is not created. $XDG_CACHE_HOME names it on Linux, %LOCALAPPDATA% on Windows.
    """
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "resift" / "gate"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "resift" / "gate"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resift" / "gate"


def writable(folder: Path) -> bool:
    """Create `folder` if it does not exist, and return whether files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)

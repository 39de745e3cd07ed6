"""The folder in which the gate keeps scores and rankings between its runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path


def open_cache(given: str | None, note: Callable[[str], None]) -> Path | None:
    """Return `cache_folder`, created if it does not exist; None, with a `note` to the user, if it cannot be written."""
    folder = cache_folder(given)
    if not writable(folder):
        note(f"note: {folder} cannot be written, so that scores are not kept for the next time")
        return None
    return folder


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

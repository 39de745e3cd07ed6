"""A folder that appears whole or not at all, also when the machine stops in the middle.

The new content is written into a hidden sibling folder, brought to the disk, and then exchanged with what stands at
the target in one step of the kernel (Linux: renameat2 with RENAME_EXCHANGE, macOS: renamex_np with RENAME_SWAP;
elsewhere two renames). Readers that hold the old files open keep them. The builder holds a lock on its sibling, so
that the next build can tell the leftovers of a dead one.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from resift.retrieval.errors import IndexingError

if sys.platform != "win32":
    import fcntl

_BUILDING = ".building"
_REPLACED = ".replaced"
_ATTEMPTS = 20
_AT_FDCWD = -100 if sys.platform == "linux" else -2
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h, RENAME_SWAP of macOS's stdio.h: both 2


@contextmanager
def staged_folder(target: Path, overwrite: bool, replaceable: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield an empty folder; when the block ends without an error, it is at `target`, whole.

    An existing target is replaced only with `overwrite`, and only if it is a folder that `replaceable` accepts.
    Raises IndexingError (one line) on a target that must not be replaced and on every OSError inside the block; then
    the target is as it was and nothing is left beside it.
    """
    try:
        target = target.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name with a NUL
        raise IndexingError(f"{str(target)!r} cannot be written: {error}") from None
    _check(target, overwrite, replaceable)
    created: list[Path] = []
    folder: Path | None = None
    try:
        created = _make_parents(target.parent)
        _sweep(target)
        folder, lock = _claim(target)
        try:
            yield folder
            _sync(folder)
            _publish(folder, target, overwrite, replaceable)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
    except OSError as error:
        raise IndexingError(f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        for parent in created:
            with suppress(OSError):
                parent.rmdir()  # goes only if nothing was put there


def _check(target: Path, overwrite: bool, replaceable: Callable[[Path], bool]) -> None:
    if not os.path.lexists(target):
        return
    if not replaceable(target):
        raise IndexingError(
            f"{target} exists and is not an index (is it the source?), and is left as it is; name another place, such "
            f"as {target}-index"
        )
    if not overwrite:
        raise IndexingError(f"{target} exists; choose another path, or replace it with --overwrite")


def _make_parents(folder: Path) -> list[Path]:
    """Create the folders that are missing down to `folder`; return them, innermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
    return missing


def _claim(target: Path) -> tuple[Path, int]:
    """Create a sibling of `target` and lock it; return it with the descriptor that holds the lock."""
    while True:
        folder = target.with_name(f".{target.name}.{secrets.token_hex(6)}{_BUILDING}")
        folder.mkdir()
        lock = _open_locked(folder)
        if lock is not None and folder.exists():  # another build may have swept it before the lock was ours
            return folder, lock


def _open_locked(folder: Path) -> int | None:
    """Open and lock `folder`; None if it is gone or another process holds it. The lock ends with the process."""
    descriptor = -1
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if descriptor >= 0:
            os.close(descriptor)
        return None
    return descriptor


def _sweep(target: Path) -> None:
    """Remove what dead builds of `target` left; put back an index that one had moved aside and not replaced."""
    for entry in target.parent.iterdir():
        if not re.fullmatch(rf"\.{re.escape(target.name)}\.[0-9a-f]{{12}}\.\w+", entry.name):
            continue  # ".a.b.0123….building" belongs to the target "a.b", not to "a"
        if entry.name.endswith(_REPLACED) and not target.exists():
            os.rename(entry, target)
        elif entry.name.endswith((_BUILDING, _REPLACED)):
            lock = _open_locked(entry)
            if lock is not None:
                shutil.rmtree(entry, ignore_errors=True)
                os.close(lock)


def _sync(folder: Path) -> None:
    """Bring every file of `folder`, and the folder itself, to the disk."""
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _publish(folder: Path, target: Path, overwrite: bool, replaceable: Callable[[Path], bool]) -> None:
    """Put `folder` where `target` is; what was there is then at `folder`."""
    for attempt in range(_ATTEMPTS):
        _check(target, overwrite, replaceable)
        try:
            if not (overwrite and target.exists()):
                os.rename(folder, target)  # fails on an index that another build has put there since the look
            elif not exchange(folder, target):
                replace_by_renames(folder, target)
        except OSError:  # another build came or went between the look and the step
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False, and nothing done, where the system cannot.

    Raises OSError where one of them does not exist.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    call = getattr(libc, "renameat2", None) or getattr(libc, "renameatx_np", None)
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0:
        return True
    os.stat(one)
    os.stat(other)
    return False


def replace_by_renames(folder: Path, target: Path) -> None:
    """Do in two steps what `exchange` does in one; a build killed between them is put right by the next."""
    aside = folder.with_suffix(_REPLACED)
    os.rename(target, aside)
    os.rename(folder, target)
    os.rename(aside, folder)

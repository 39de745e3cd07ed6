"""Write a folder atomically: after a crash the target is either the old folder or the complete new one.

The new content is written into a hidden sibling folder, synced to disk, and then exchanged with the target in one
system call (Linux: renameat2 with RENAME_EXCHANGE, macOS: renamex_np with RENAME_SWAP; elsewhere two renames). Readers
that have the old files open keep them. A build holds a lock on its sibling folder, so that the next build recognizes
the leftovers of a build that was killed.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

from resift.indexer.lock import locked_folder, try_lock
from resift.retrieval.errors import IndexingError

_BUILDING = ".building"
_REPLACED = ".replaced"
_ATTEMPTS = 20
_AT_FDCWD = -100 if sys.platform == "linux" else -2
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h, RENAME_SWAP of macOS's stdio.h: both 2


@contextmanager
def staged_folder(
    target: Path, overwrite: bool, replaceable: Callable[[Path], bool], *, locked: bool = False
) -> Iterator[Path]:
    """Yield an empty folder; if the block ends without an error, the folder is moved to `target`.

    An existing target is replaced only with `overwrite`, and only if `replaceable` returns True for it; its lock is
    held meanwhile, by the caller if `locked`, so that nobody changes it. Raises IndexingError (one line) on a target
    that must not be replaced and on every OSError inside the block; then the target is unchanged and nothing is left
    beside it.
    """
    try:
        target = target.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, or a NUL in the name
        raise IndexingError(f"{str(target)!r} cannot be written: {error}") from None
    _check_target(target, overwrite, replaceable)
    created: list[Path] = []
    folder: Path | None = None
    try:
        created = _make_parents(target.parent)
        _remove_leftovers(target)
        folder, lock = _create_locked_folder(target)
        try:
            yield folder
            _sync_to_disk(folder)
            with _unchanged(target) if overwrite and not locked else nullcontext():
                _move_to_target(folder, target, overwrite, replaceable)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
    except OSError as error:
        raise IndexingError(f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        for parent in created:
            with suppress(OSError):
                parent.rmdir()  # fails if the folder is not empty


def _check_target(target: Path, overwrite: bool, replaceable: Callable[[Path], bool]) -> None:
    if not os.path.lexists(target):
        return
    if not replaceable(target):
        raise IndexingError(
            f"{target} exists and is not an index (is it the source?), and is left as it is; choose another path, such "
            f"as {target}-index"
        )
    if not overwrite:
        raise IndexingError(f"{target} exists; choose another path, or replace it with `overwrite=True`")


def _make_parents(folder: Path) -> list[Path]:
    """Create `folder` and its missing parents; return the created folders, innermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
    return missing


def _create_locked_folder(target: Path) -> tuple[Path, int]:
    """Create a sibling folder of `target` and lock it; return it with the file descriptor that holds the lock."""
    while True:
        folder = target.with_name(f".{target.name}.{secrets.token_hex(6)}{_BUILDING}")
        folder.mkdir()
        with suppress(FileNotFoundError):  # another build may remove it before it is locked
            lock = os.open(folder, os.O_RDONLY)
            if try_lock(lock) is not False and folder.exists():
                return folder, lock
            os.close(lock)


def _remove_leftovers(target: Path) -> None:
    """Remove what killed builds of `target` left; restore an index that one had moved away and not replaced."""
    for entry in target.parent.iterdir():
        if not re.fullmatch(rf"\.{re.escape(target.name)}\.[0-9a-f]{{12}}\.\w+", entry.name):
            continue  # ".a.b.0123….building" belongs to the target "a.b", not to "a"
        if entry.name.endswith(_REPLACED) and not target.exists():
            os.rename(entry, target)
        elif entry.name.endswith((_BUILDING, _REPLACED)):
            _remove_abandoned(entry)


def _remove_abandoned(folder: Path) -> None:
    """Remove the folder of a build that was killed; it stays if its lock is held, or if there are no locks to ask."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        if try_lock(lock):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _sync_to_disk(folder: Path) -> None:
    """Sync every file of `folder`, and the folder itself, to disk."""
    for path in (*folder.iterdir(), folder):
        sync(path)


def sync(path: Path) -> None:
    """Sync a file, or the list of a folder's files, to disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _unchanged(target: Path) -> Iterator[None]:
    """Hold the lock of `target`, if it exists, so that no other process changes or replaces it."""
    with ExitStack() as stack:
        with suppress(FileNotFoundError, NotADirectoryError):
            stack.enter_context(locked_folder(target))
        yield


def _move_to_target(folder: Path, target: Path, overwrite: bool, replaceable: Callable[[Path], bool]) -> None:
    """Move `folder` to `target`; an old target is then at `folder`."""
    for attempt in range(_ATTEMPTS):
        _check_target(target, overwrite, replaceable)
        try:
            if not (overwrite and target.exists()):
                os.rename(folder, target)  # fails if another build has created the target since `_check_target`
            elif not exchange(folder, target):
                replace_by_renames(folder, target)
        except OSError:  # another build changed the target between the check and the rename
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        sync(target.parent)
        return


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one system call; return False, with nothing changed, if the system cannot do that.

    Raises OSError if one of them does not exist.
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
    """Exchange two folders by renames; if the process is killed in between, the next build restores the target."""
    aside = folder.with_suffix(_REPLACED)
    os.rename(target, aside)
    os.rename(folder, target)
    os.rename(aside, folder)

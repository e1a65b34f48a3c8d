"""What the stores on this machine's disk need of the operating system: private files, locks, safe writes."""

from __future__ import annotations

import contextlib
import errno
import getpass
import os
import sys
import time
from typing import IO, TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.text import show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_SECONDS = 5.0
"""How long another inspector may hold a lock; it needs milliseconds, unless it is frozen."""


def open_private(path: Path, mode: str = "r+b", *, make: bool = False) -> IO[bytes]:
    """`path` unbuffered; `make` it, for this user's eyes only, if it is not there."""
    made = os.O_CREAT if make else 0
    return open(path, mode, buffering=0, opener=lambda name, flags: os.open(name, flags | made, 0o600))


def make_folder(folder: Path) -> None:
    """`folder`, for this user's eyes only when it has to be made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_synced(file: IO[bytes], content: bytes) -> None:
    """One write() of the whole `content`, on the disk when this returns. Raises OSError, also for a part of it."""
    if file.write(content) < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Puts the names of files that were made, renamed or removed in `folder` on the disk."""
    if sys.platform != "win32":  # which keeps names safe by itself and cannot open a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def locked(file: IO[bytes]) -> Iterator[None]:
    """Only one holder at a time among all threads and programs; readers of the file are not hindered.

    Raises TimeoutError (an OSError) after `LOCK_SECONDS`. The system frees the lock when its holder dies.
    """
    deadline = clock.now() + LOCK_SECONDS
    while not _lock(file):
        if clock.now() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another inspector holds it and does not let go")
        time.sleep(0.005)
    try:
        yield
    finally:
        _unlock(file)


if sys.platform == "win32":
    import msvcrt

    _FAR = 2**30  # a byte beyond any content: Windows would keep readers from a locked one

    def _lock(file: IO[bytes]) -> bool:
        file.seek(_FAR)
        with contextlib.suppress(OSError):
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            return True
        return False

    def _unlock(file: IO[bytes]) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

    def user() -> str:
        """The name under which this program runs."""
        return getpass.getuser()

else:
    import fcntl
    import pwd

    def _lock(file: IO[bytes]) -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def user() -> str:
        """The name under which this program runs, from the system and not from variables that anyone may set."""
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(os.getuid()).pw_name
        return f"uid {os.getuid()}"


def named(path: Path) -> str:
    """`path` for a sentence."""
    return show(os.fsencode(path))


def reason(error: OSError) -> str:
    """What the system says, without the path."""
    return error.strerror or type(error).__name__

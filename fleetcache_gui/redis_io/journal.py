"""A recording on disk as it is made, so that it outlives a crash of this program; for this user's eyes only.

One compressed stream a file, flushed after each line: what was written is readable up to where it was torn. The first
line says what is recorded. When a file is large another begins, and the oldest go.
"""

from __future__ import annotations

import contextlib
import errno
import os
import zlib
from datetime import datetime
from typing import IO, TYPE_CHECKING

from fleetcache_gui.redis_io import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX = ".recording"
LARGEST = 64 * 2**20
"""Bytes of a file, about eight hours; then another one begins."""
KEPT = 4
"""Files that are kept, of all runs together."""
_PART, _UNFOLDED = 1 << 16, 1 << 20  # bytes at a time


class Journal:
    """Lines go to `folder`. Raises OSError, in `add` too: then nothing more can be written."""

    def __init__(self, folder: Path, head: bytes) -> None:
        self._folder, self._head = folder, head
        self._file: IO[bytes] | None = None
        self._packer = zlib.compressobj(6)
        self._size = 0

    def add(self, line: bytes, *, anew: bool) -> None:
        """One more reading. A file begins with one that tells everything (`anew`); others before it are left out."""
        if anew and (self._file is None or self._size > LARGEST):
            self.close()
            self._begin()
        if self._file is not None:
            self._write(line)

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.write(self._packer.flush())
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        disk.make_folder(self._folder)
        kept = sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: path.name)
        for path in kept[: max(len(kept) - KEPT + 1, 0)]:
            path.unlink(missing_ok=True)
        name = f"{datetime.now():%Y%m%d-%H%M%S-%f}-{os.getpid()}{SUFFIX}"
        self._file = disk.open_private(self._folder / name, "xb", make=True)
        self._packer, self._size = zlib.compressobj(6), 0
        self._write(self._head)

    def _write(self, line: bytes) -> None:
        assert self._file is not None
        packed = self._packer.compress(line + b"\n") + self._packer.flush(zlib.Z_SYNC_FLUSH)
        self._size += len(packed)
        if self._file.write(packed) < len(packed):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def parts(path: Path) -> Iterator[bytes]:
    """What a file holds, up to where it was torn; nothing of a file that is none. Raises OSError."""
    unpacker = zlib.decompressobj()
    with path.open("rb") as file:
        while part := file.read(_PART):
            while part:
                try:
                    yield unpacker.decompress(part, _UNFOLDED)
                except zlib.error:
                    return
                part = unpacker.unconsumed_tail

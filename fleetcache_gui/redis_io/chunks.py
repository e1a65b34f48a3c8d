"""Chunks of bytes, a row of them for each deed: encrypted in one file each, or in memory when there is no key.

A file is `MAGIC`, then chunks. A chunk is a head (`_HEAD`: kind, how many keys, length of what follows, nonce; then the
CRC-32 of these) and AES-256-GCM over the content with its tag. The deed, the chunk's number from 0 and the head are
authenticated with it, so that no chunk can be taken from another deed or place. The CRC tells a damaged length from a
file that was cut off. What can be seen without the key are sizes and numbers of keys. Everything here blocks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import struct
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fleetcache_gui.redis_io import disk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAGIC = b"FCUNDO1\n"
_HEAD = struct.Struct(">cII12s")
_CRC = struct.Struct(">I")
_HEAD_BYTES = _HEAD.size + _CRC.size
_TAG_BYTES = 16
OVERHEAD = _HEAD_BYTES + _TAG_BYTES
"""Bytes that a chunk takes on the disk beside its content."""

_FILE = re.compile(r"([0-9a-f]{32})\.undo")


@dataclass(frozen=True, slots=True)
class Part:
    """What one chunk holds. `kind` is one byte, `keys` a number for who lists chunks without opening them."""

    kind: bytes
    keys: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a part lies: its number in the row, and in a file where its head starts and how long the rest is."""

    number: int
    kind: bytes
    keys: int
    start: int = 0
    length: int = 0

    @property
    def end(self) -> int:
        return self.start + _HEAD_BYTES + self.length


class NotOurs(Exception):
    """The file is none that this program wrote."""


class OnDisk:
    """Rows in the files of a folder, which several programs may use at once; one program at a time adds to a row.

    Without a key, rows can be seen and removed, but neither opened nor added to. Raises OSError and `NotOurs`.
    """

    def __init__(self, folder: Path, key: bytes | None) -> None:
        self.folder = folder
        self._cipher = AESGCM(key) if key else None
        self._ends: dict[str, tuple[int, int]] = {}  # end and number of chunks; believed while the size is the same

    def deeds(self) -> list[str]:
        """Whose files are here."""
        with contextlib.suppress(FileNotFoundError):
            return [found[1] for path in self.folder.iterdir() if (found := _FILE.fullmatch(path.name))]
        return []

    def size(self, deed: str) -> int:
        """Bytes; 0 when there is none."""
        with contextlib.suppress(FileNotFoundError):
            return self.path(deed).stat().st_size
        return 0

    def path(self, deed: str) -> Path:
        """The deed's file. Raises ValueError for what is no uuid4 in hex: it might lead elsewhere."""
        if not _FILE.fullmatch(f"{deed}.undo"):
            raise ValueError("a deed is named by a uuid4 in hex")
        return self.folder / f"{deed}.undo"

    def changed(self, deed: str) -> float:
        """When it was written to last, Unix seconds."""
        return self.path(deed).stat().st_mtime

    def chunks(self, deed: str) -> list[Chunk]:
        """All whole chunks, up to the file's end or the first damaged head."""
        with disk.open_private(self.path(deed), "rb") as file:
            return _walk(file)[0]

    def begin(self, deed: str, parts: Sequence[Part]) -> None:
        """Make the row, with its first parts; on the disk when this returns."""
        disk.make_folder(self.folder)
        path = self.path(deed)
        file = disk.open_private(path, "xb", make=True)
        try:
            with file:
                disk.write_synced(file, MAGIC + self._sealed(deed, 0, parts))
            disk.sync_folder(self.folder)
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def append(self, deed: str, parts: Sequence[Part]) -> None:
        """Add parts to the row, all or none; on the disk when this returns."""
        with disk.open_private(self.path(deed)) as file, disk.locked(file):
            at, number = self._end(deed, file)
            file.seek(at)
            try:
                disk.write_synced(file, self._sealed(deed, number, parts))
                self._ends[deed] = file.tell(), number + len(parts)
                file.truncate()  # what a crash left there was never promised to be safe
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(at)
                raise

    def _end(self, deed: str, file: IO[bytes]) -> tuple[int, int]:
        """Where the next chunk goes, and its number."""
        known = self._ends.get(deed)
        if known and known[0] == file.seek(0, os.SEEK_END):
            return known
        chunks, sound = _walk(file)
        if not sound:
            raise OSError(errno.EIO, "the file is damaged")
        return (chunks[-1].end if chunks else len(MAGIC)), len(chunks)

    def open(self, deed: str, chunk: Chunk) -> bytes | None:
        """A chunk's content; None when it is damaged, or was encrypted with another key."""
        with disk.open_private(self.path(deed), "rb") as file:
            file.seek(chunk.start)
            raw = file.read(_HEAD_BYTES + chunk.length)
        head, content = raw[: _HEAD.size], raw[_HEAD_BYTES:]
        if self._cipher and len(head) == _HEAD.size:
            with contextlib.suppress(InvalidTag):
                return self._cipher.decrypt(head[-12:], content, _context(deed, chunk.number, head))
        return None

    def remove(self, deed: str) -> None:
        """Remove the row; nothing happens when there is none."""
        self.path(deed).unlink(missing_ok=True)

    def _sealed(self, deed: str, number: int, parts: Sequence[Part]) -> bytes:
        assert self._cipher  # without a key, rows are in memory
        sealed = bytearray()
        for place, part in enumerate(parts, number):
            nonce = secrets.token_bytes(12)
            head = _HEAD.pack(part.kind, part.keys, len(part.content) + _TAG_BYTES, nonce)
            sealed += head + _CRC.pack(zlib.crc32(head))
            sealed += self._cipher.encrypt(nonce, part.content, _context(deed, place, head))
        return bytes(sealed)


class InMemory:
    """The same in this program alone, for as long as it runs."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Part]] = {}

    def deeds(self) -> list[str]:
        return list(self._rows)

    def size(self, deed: str) -> int:
        return sum(len(part.content) + OVERHEAD for part in self._rows.get(deed, ()))

    def chunks(self, deed: str) -> list[Chunk]:
        return [Chunk(number, part.kind, part.keys) for number, part in enumerate(self._row(deed))]

    def begin(self, deed: str, parts: Sequence[Part]) -> None:
        self._rows[deed] = list(parts)

    def append(self, deed: str, parts: Sequence[Part]) -> None:
        self._row(deed).extend(parts)

    def open(self, deed: str, chunk: Chunk) -> bytes | None:
        return self._row(deed)[chunk.number].content

    def remove(self, deed: str) -> None:
        self._rows.pop(deed, None)

    def _row(self, deed: str) -> list[Part]:
        row = self._rows.get(deed)
        if row is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return row


def _context(deed: str, number: int, head: bytes) -> bytes:
    return MAGIC + deed.encode() + number.to_bytes(8, "big") + head


def _walk(file: IO[bytes]) -> tuple[list[Chunk], bool]:
    """The whole chunks, and whether nothing but a piece cut off at the end lies behind them. Raises `NotOurs`."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not MAGIC.startswith(file.read(len(MAGIC))):  # less of it is what a crash right at the start leaves
        raise NotOurs
    chunks: list[Chunk] = []
    at = len(MAGIC)
    while size - at >= _HEAD_BYTES:
        file.seek(at)
        raw = file.read(_HEAD_BYTES)
        head, check = raw[: _HEAD.size], raw[_HEAD.size :]
        if check != _CRC.pack(zlib.crc32(head)):
            return chunks, False
        kind, keys, length, _ = _HEAD.unpack(head)
        chunk = Chunk(len(chunks), kind, keys, at, length)
        if chunk.end > size:
            break
        chunks.append(chunk)
        at = chunk.end
    return chunks, True

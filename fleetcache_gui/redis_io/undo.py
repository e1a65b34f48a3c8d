"""The undo bin: what a deed is about to delete, kept for some time so that it can be put back.

Names of keys are secrets as much as values are: with a key (from `vault`) everything lies encrypted on the disk, and
without one everything stays in memory and is gone with the program.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import msgspec

from fleetcache_gui.domain import words
from fleetcache_gui.redis_io import disk
from fleetcache_gui.redis_io.aside import aside
from fleetcache_gui.redis_io.chunks import MAGIC, OVERHEAD, Chunk, InMemory, NotOurs, OnDisk, Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
    from pathlib import Path

_UNREADABLE = "what was kept of them is damaged, or was encrypted with another key."
_NO_END = (
    "The record has no end: the deed goes on just now, or the program ended in the midst of it, or the file was damaged"
    " or cut off later. Compare it with the audit log."
)
_DAMAGED = "A part of the record is damaged: it may have held more keys, or which of them were put back already."
_GONE = "Nothing is kept for this deed any more: its time was over, or it was removed."
_NOT_OURS = "This file was not written by this program, or its beginning is damaged; it is left as it is."
_LOCKED = "This cannot be opened with the key of this run, or is damaged; it is left as it is until its time is over."

Home = Literal["disk", "memory"]
"""Where something is kept."""

_HEADER, _SAVED, _MARKS, _END = b"H", b"S", b"M", b"E"

_Parts = list[tuple[bytes, str, bytes, int | None]]


class BinFailed(Exception):
    """Nothing was kept; the text is one sentence. What is not kept must not be deleted as if it could be undone."""


class BinFull(BinFailed):
    """It would go beyond the limits; nothing was written."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A key, or a part of a large one, as it was. `payload` means what `kind` says it does: the bin does not look.

    `expires_ms` is when the key would have expired: absolute Unix ms on the server's clock, None for never.
    """

    key: bytes = field(repr=False)
    kind: str
    payload: bytes = field(repr=False)
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """What a record does not give back any more: one or more sentences, and how many keys, None when unknown."""

    text: str
    keys: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of one deed and of all together, as they lie on the disk; `age` in seconds, after which a deed goes."""

    deed_bytes: int = 64 * 2**20
    all_bytes: int = 256 * 2**20
    age: float = 24 * 3600.0


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Kept:
    """A deed in the bin. `at` and `goes` are Unix seconds, `size` bytes; of `keys`, `put_back` were put back.

    `finished` is False while the deed goes on, and after a crash in the midst of it. With a `trouble` (one sentence) it
    cannot be opened, and then only `deed`, `at`, `goes` and `size` are known.
    """

    deed: str
    title: str = field(repr=False)
    server: dict[str, str]
    at: float
    goes: float
    keys: int
    put_back: int
    size: int
    kept_in: Home
    finished: bool
    trouble: str = ""


class _Header(msgspec.Struct, array_like=True):
    title: str
    server: dict[str, str]
    at: float
    goes: float


@dataclass(slots=True)
class _Index:
    """What is known of a deed before its chunks are opened; or, as `trouble`, why nothing is."""

    header: _Header | None = None
    saved: list[Chunk] = field(default_factory=list)
    marked: set[bytes] = field(default_factory=set)
    finished: bool = False
    damaged: bool = False
    trouble: str = ""


class UndoBin:
    """The bin in `folder`, which several inspectors may use at once: each deed is a file of its own.

    Their limit of bytes for all deeds is looked at before each writing, not held by a lock: two that write in the same
    instant may go beyond it by what they write.
    """

    def __init__(self, folder: Path, key: bytes | None, limits: Limits = USUAL) -> None:
        self.limits = limits
        self.kept_in: Home = "disk" if key else "memory"
        self._disk = OnDisk(folder, key)
        self._memory = InMemory()

    def begin(self, deed: str, title: str, server: dict[str, str]) -> Record:
        """A record for the deed (a uuid4 in hex); `title` and `server` are for `entries`.

        There is nothing in the bin before something is saved to it.
        """
        self._disk.path(deed)
        at = time.time()
        header = _Header(title, dict(server), at, at + self.limits.age)
        place = self._disk if self.kept_in == "disk" else self._memory
        return Record(deed, place, self.limits, Part(_HEADER, 0, msgspec.msgpack.encode(header)))

    async def entries(self) -> list[Kept]:
        """What is in the bin, newest first; files that cannot be opened with a `trouble`. Raises `BinFailed`."""
        return await aside(self._entries)

    async def load(self, deed: str) -> AsyncIterator[Saved | Missing]:
        """What was saved and not put back yet, in order, chunk by chunk; at the end what is `Missing`, if anything.

        Nothing is given that is not proved to be what was saved.
        """
        place = self._place(deed)
        index = await aside(partial(_index, place, deed))
        if index.trouble:
            yield Missing(index.trouble, None)
            return
        lost, nothing = 0, index.header is None
        for chunk in index.saved:
            items = await aside(partial(_items, place, deed, chunk))
            if items is None:
                lost += chunk.keys
                continue
            nothing = False
            for item in items:
                if item.key not in index.marked:
                    yield item
        if nothing:
            yield Missing(_LOCKED, None)
            return
        said = [f"{words.count(lost, 'key')} cannot be put back: {_UNREADABLE}"] if lost else []
        said += [_DAMAGED] if index.damaged else []
        said += [] if index.finished else [_NO_END]
        if said:
            yield Missing(" ".join(said), lost if index.finished and not index.damaged else None)

    async def mark(self, deed: str, keys: Iterable[bytes]) -> None:
        """These were put back, so that `load` leaves them out. Nothing happens when the deed has gone meanwhile.

        Raises `BinFailed`; then they are offered again.
        """
        names = list(dict.fromkeys(keys))
        part = Part(_MARKS, len(names), msgspec.msgpack.encode(names))
        await aside(partial(self._mark, deed, part))

    async def forget(self, deed: str) -> None:
        """Remove the deed; nothing happens when it is not there. Raises `BinFailed`.

        The disk's blocks are not overwritten: without the key they tell nothing.
        """
        await aside(partial(self._remove, [deed]))

    async def wipe_expired(self, now: float) -> int:
        """Remove the deeds whose time is over at `now` (Unix seconds), of earlier runs too, and return how many.

        A file of the bin that cannot be opened goes when it has not been written to for the limits' `age`; a file that
        this program did not write stays. Raises `BinFailed`.
        """
        return await aside(partial(self._wipe, now))

    # --- in a thread ------------------------------------------------------------------------------------------------

    def _place(self, deed: str) -> OnDisk | InMemory:
        return self._memory if deed in self._memory.deeds() else self._disk

    def _entries(self) -> list[Kept]:
        try:
            found = [self._kept(deed) for place in (self._disk, self._memory) for deed in place.deeds()]
        except OSError as error:
            raise BinFailed(f"The undo bin cannot be read ({disk.reason(error)}).") from None
        return sorted(filter(None, found), key=lambda kept: kept.at, reverse=True)

    def _kept(self, deed: str) -> Kept | None:
        place = self._place(deed)
        home: Home = "memory" if place is self._memory else "disk"
        size = place.size(deed)
        index = _index(place, deed)
        if index.header and not index.trouble:
            keys = sum(chunk.keys for chunk in index.saved)
            about = (index.header.title, index.header.server, index.header.at, index.header.goes)
            return Kept(deed, *about, keys, len(index.marked), size, home, index.finished)
        with contextlib.suppress(FileNotFoundError):  # removed by another inspector just now
            at = self._disk.changed(deed)
            return Kept(deed, "", {}, at, at + self.limits.age, 0, 0, size, home, False, index.trouble or _LOCKED)
        return None

    def _mark(self, deed: str, part: Part) -> None:
        place = self._place(deed)
        with _told("be written"), contextlib.suppress(FileNotFoundError):
            first = place.chunks(deed)[:1]
            if not any(place.open(deed, chunk) for chunk in first):
                raise BinFailed(_LOCKED)
            place.append(deed, [part])

    def _wipe(self, now: float) -> int:
        ours = (kept for kept in self._entries() if kept.trouble != _NOT_OURS)
        over = [kept.deed for kept in ours if kept.goes <= now]
        self._remove(over)
        return len(over)

    def _remove(self, deeds: list[str]) -> None:
        # Through a stack, so that a file that cannot be removed does not keep the others.
        with _told("be cleared"), contextlib.ExitStack() as each:
            for deed in deeds:
                each.callback(self._place(deed).remove, deed)


class Record:
    """What one deed keeps, while it goes on. `kept_in` says where; `names` are the keys of what was saved."""

    def __init__(self, deed: str, place: OnDisk | InMemory, limits: Limits, header: Part) -> None:
        self.deed = deed
        self.kept_in: Home = "disk" if isinstance(place, OnDisk) else "memory"
        self._place, self._limits = place, limits
        self.names: set[bytes] = set()
        self._waiting = [header]
        self._lock = threading.Lock()  # a cancelled `save` goes on in its thread

    async def save(self, items: Sequence[Saved]) -> None:
        """Returns when the items are safe: on the disk, or in memory where there is no key. All of them, or none.

        Raises `BinFull` or `BinFailed`: then delete nothing.
        """
        if items:
            await aside(partial(self._save, items))

    async def finish(self) -> None:
        """Say that nothing more will come, so that a record that was cut off can be told. Raises `BinFailed`."""
        await aside(self._finish)

    def _save(self, items: Sequence[Saved]) -> None:
        parts: _Parts = [(item.key, item.kind, item.payload, item.expires_ms) for item in items]
        with self._lock:
            new = {item.key for item in items} - self.names
            self._write(Part(_SAVED, len(new), msgspec.msgpack.encode(parts)))
            self.names |= new

    def _finish(self) -> None:
        with self._lock:
            if self.names:
                self._write(Part(_END, 0, b""), limited=False)

    def _write(self, part: Part, *, limited: bool = True) -> None:
        parts, place = [*self._waiting, part], self._place
        with _told("be written"):
            if limited:
                self._check_room(sum(len(part.content) + OVERHEAD for part in parts) + len(MAGIC) * len(self._waiting))
            (place.begin if self._waiting else place.append)(self.deed, parts)
        self._waiting = []

    def _check_room(self, more: int) -> None:
        place, limits = self._place, self._limits
        if place.size(self.deed) + more > limits.deed_bytes:
            most = words.size(limits.deed_bytes)
            raise BinFull(f"The undo bin keeps at most {most} of one deed: choose fewer keys at once.")
        if sum(map(place.size, place.deeds())) + more > limits.all_bytes:
            most = words.size(limits.all_bytes)
            raise BinFull(f"The undo bin keeps at most {most} in all: remove deeds that need not be undone.")


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except NotOurs:
        raise BinFailed(_NOT_OURS) from None
    except OSError as error:
        raise BinFailed(f"The undo bin could not {what} ({disk.reason(error)}).") from None


def _index(place: OnDisk | InMemory, deed: str) -> _Index:
    index = _Index()
    try:
        for chunk in place.chunks(deed):
            if chunk.kind == _SAVED:
                index.saved.append(chunk)
                continue
            raw = place.open(deed, chunk)
            if chunk.number == 0:
                index.header = msgspec.msgpack.decode(raw, type=_Header) if raw else None
            elif raw is not None and chunk.kind == _MARKS:
                index.marked.update(msgspec.msgpack.decode(raw, type=list[bytes]))
            elif raw is not None and chunk.kind == _END:
                index.finished = True
            else:
                index.damaged = True
    except FileNotFoundError:
        index.trouble = _GONE
    except NotOurs:
        index.trouble = _NOT_OURS
    except OSError as error:
        index.trouble = f"The file cannot be read ({disk.reason(error)})."
    return index


def _items(place: OnDisk | InMemory, deed: str, chunk: Chunk) -> list[Saved] | None:
    try:
        raw = place.open(deed, chunk)
    except OSError:
        return None
    return None if raw is None else [Saved(*item) for item in msgspec.msgpack.decode(raw, type=_Parts)]

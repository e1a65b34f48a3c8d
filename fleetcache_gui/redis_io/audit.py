"""The audit log: what was about to be done, and what came of it, in lines that hold on to each other.

Each line is one JSON object. `hash` is the SHA-256 of the line without it (canonical: keys sorted, no blanks, ASCII),
and `prev` the hash of the line before, so that a line that was changed, taken out or moved is found. A side file (the
log's name and `.head`) names the newest line, so that a shortened log is found as well.

What that proves: damage, and changes by somebody who does not know of it. What it does not prove: whoever may write
both files, such as this user, can make all of it anew; no key is involved. Who must be sure of more copies the newest
hash to where this user cannot write. Nothing here is encrypted: facts hold no values and no credentials.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import socket
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec

from fleetcache_gui.redis_io import disk
from fleetcache_gui.redis_io.aside import aside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from pathlib import Path

Wrong = Literal["changed", "missing", "reordered", "unreadable"]
"""What can be wrong with a place in the log."""

LONGEST = 2**20
"""Bytes of a line. Longer ones are not written, and not held in memory when somebody else wrote them."""

TORN = "torn line"
"""The log's own event: a line before it was cut off by a crash; its facts name the files that keep such pieces."""

_GENESIS = "0" * 64
_BATCH = 64  # lines handed from the reading thread at once: 64 MiB at worst
_HEAD = re.compile(rb"(\d{20}) ([0-9a-f]{64})\n")

_ALONE = {
    "changed": "was changed after it was written",
    "unreadable": "cannot be read as an entry: it was damaged or cut off",
}
_FOLLOWING = {
    "missing": "does not follow the line before it: entries between them are missing",
    "reordered": "stands in another place than it was written, or a second time",
    "changed": "follows another line than the one before it, which was written anew",
}


class AuditFailed(Exception):
    """The log could not be written or read; the text is one sentence. What is not logged must not be done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `at` is UTC, ISO 8601 with milliseconds; `deed` tells which entries belong together."""

    seq: int
    at: str
    who: str
    host: str
    deed: str
    event: str
    facts: dict[str, Any]
    prev: str
    hash: str


_FIELDS = tuple(field.name for field in fields(Entry))
_HASHED = tuple(name for name in _FIELDS if name != "hash")


@dataclass(frozen=True, slots=True)
class Broken:
    """A place at which the log does not hold together: its line number from 1, and one sentence."""

    line: int
    wrong: Wrong
    text: str


@dataclass(frozen=True, slots=True)
class _Head:
    """The newest entry's number and hash."""

    seq: int = 0
    hash: str = _GENESIS


class AuditLog:
    """The log at `path`, which several programs may write and read at once. Nothing here blocks the loop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._side = path.with_name(path.name + ".head")

    async def append(self, deed: str, event: str, facts: Mapping[str, object]) -> Entry:
        """Write one entry; it is on the disk when this returns. Raises `AuditFailed`: then nothing may be done.

        `facts` is what JSON can hold, and goes to the disk in plain: no values, no credentials.

        An event that ends in "intent" opens a deed, and one that ends in "outcome" closes it: see `unfinished`.
        When the task is cancelled meanwhile, the entry may have been written all the same.
        """
        return await aside(partial(self._append, deed, event, facts))

    async def read(self) -> AsyncIterator[Entry | Broken]:
        """All entries, oldest first, and a `Broken` at each place where something is wrong. Raises `AuditFailed`.

        A changed or unreadable line comes as `Broken` alone; what was written meanwhile is left for the next reading.
        """
        walk = self.walk()
        while batch := await aside(lambda: list(islice(walk, _BATCH))):
            for item in batch:
                yield item

    async def verify(self) -> Broken | None:
        """The first place that is broken. Raises `AuditFailed` when the log cannot be read at all."""
        return await aside(self._verify)

    async def unfinished(self) -> list[Entry]:
        """The intents, oldest first, that no outcome of the same deed follows. Raises `AuditFailed`.

        "intent" waits for "outcome", "undo-intent" for "undo-outcome". Another inspector may just be at work on one.
        """
        return await aside(self._unfinished)

    def walk(self) -> Iterator[Entry | Broken]:
        """As `read`, for who is off the loop already."""
        try:
            size, known = self._snapshot()
            yield from _checked(self._lines(size), known, disk.named(self._side))
        except OSError as error:
            raise self._failed(f"could not be read ({disk.reason(error)})") from None

    # --- writing, in a thread ---------------------------------------------------------------------------------------

    def _append(self, deed: str, event: str, facts: Mapping[str, object]) -> Entry:
        folder = self.path.parent
        try:
            disk.make_folder(folder)
            with (
                disk.open_private(self._side, make=True) as side,
                disk.locked(side),
                disk.open_private(self.path, make=True) as log,
            ):
                newest, at, torn = self._end(log, side)
                if not at:
                    disk.sync_folder(folder)
                if torn:
                    self._keep_aside(torn)
                    kept = sorted(path.name for path in folder.glob(f"{glob.escape(self.path.name)}.torn-*"))
                    newest, at = self._put(log, side, at, _compose(newest, "", TORN, {"kept_in": kept}))
                entry = _compose(newest, deed, event, facts)
                self._put(log, side, at, entry)
        except OSError as error:
            said = f"could not be written ({disk.reason(error)}), and nothing may be changed without it"
            raise self._failed(f"{said}: mend that, then try again") from None
        return entry

    def _end(self, log: IO[bytes], side: IO[bytes]) -> tuple[_Head, int, bytes]:
        """The newest entry, where the next one goes, and the piece of a line that lies there after a crash.

        A side file that knows of a newer entry, or another one, wins: the chain then shows for ever that some are gone.
        """
        size = log.seek(0, os.SEEK_END)
        known = _head(side) or _Head()
        for step in (2**14, 2 * LONGEST + 2):
            log.seek(max(0, size - step))
            data = log.read(step)
            end = data.rfind(b"\n") + 1
            start = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
            if start or size <= step:
                break
        at, torn = size - len(data) + end, data[end:]
        if not at and size <= step:
            return known, at, torn
        entry = _parsed(data[start:end])
        if isinstance(entry, Entry) and entry.seq > known.seq:
            return _Head(entry.seq, entry.hash), at, torn
        if not known.seq or len(torn) > LONGEST:
            raise self._failed(
                "ends in what is no entry: move it and its .head file elsewhere before anything is changed"
            )
        return known, at, torn

    def _keep_aside(self, torn: bytes) -> None:
        name = f"{self.path.name}.torn-{hashlib.sha256(torn).hexdigest()[:16]}"
        with disk.open_private(self.path.with_name(name), make=True) as file:
            disk.write_synced(file, torn)
        disk.sync_folder(self.path.parent)

    def _put(self, log: IO[bytes], side: IO[bytes], at: int, entry: Entry) -> tuple[_Head, int]:
        """Write `entry` at `at`, over a torn line if there is one; the newest entry and the end afterwards."""
        line = _line(entry)
        if len(line) > LONGEST:
            raise self._failed("takes no more than 1 MiB at once, so the facts must be told in smaller parts")
        over = log.seek(0, os.SEEK_END) > at
        log.seek(at)
        try:
            disk.write_synced(log, line)
            log.truncate()
            side.seek(0)
            disk.write_synced(side, b"%020d %s\n" % (entry.seq, entry.hash.encode()))
            side.truncate()
        except OSError:
            if not over:  # else the piece of a new line is kept aside next time, as the old one was
                with contextlib.suppress(OSError):
                    log.truncate(at)
            raise
        return _Head(entry.seq, entry.hash), at + len(line)

    # --- reading, in a thread ---------------------------------------------------------------------------------------

    def _snapshot(self) -> tuple[int, _Head | None]:
        """The log's size and newest entry at one moment, between two writings."""
        with contextlib.ExitStack() as stack:
            known = None
            with contextlib.suppress(FileNotFoundError):
                side = stack.enter_context(disk.open_private(self._side, "rb"))
                stack.enter_context(disk.locked(side))
                known = _head(side)
            with contextlib.suppress(FileNotFoundError):
                return self.path.stat().st_size, known
        return 0, known

    def _lines(self, size: int) -> Iterator[bytes]:
        """Lines with their line feeds, as far as `size`; of one that is too long the first part only."""
        if size:
            with self.path.open("rb") as log:
                while (left := size - log.tell()) > 0 and (line := log.readline(min(left, LONGEST))):
                    yield line
                    while len(line) == LONGEST and not line.endswith(b"\n"):
                        line = log.readline(LONGEST)

    def _verify(self) -> Broken | None:
        first = None
        for item in self.walk():
            if isinstance(item, Broken):
                if first and first.wrong == "missing" and item.wrong == "reordered":
                    return replace(first, wrong="reordered", text=item.text)
                first = first or item
        return first

    def _unfinished(self) -> list[Entry]:
        waiting: dict[tuple[str, str], Entry] = {}
        for item in self.walk():
            if isinstance(item, Entry) and item.event.endswith("intent"):
                waiting[item.deed, item.event.removesuffix("intent")] = item
            elif isinstance(item, Entry) and item.event.endswith("outcome"):
                waiting.pop((item.deed, item.event.removesuffix("outcome")), None)
        return list(waiting.values())

    def _failed(self, what: str) -> AuditFailed:
        return AuditFailed(f"The audit log {disk.named(self.path)} {what}.")


def _compose(newest: _Head, deed: str, event: str, facts: Mapping[str, object]) -> Entry:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    plain = json.loads(json.dumps(dict(facts), allow_nan=False))  # as it will be read, whatever its keys were
    who, host = disk.user(), socket.gethostname()
    entry = Entry(newest.seq + 1, at, who, host, deed, event, plain, newest.hash, hash="")
    return replace(entry, hash=_hash(entry))


def _canonical(entry: Entry, names: tuple[str, ...]) -> bytes:
    shown = {name: getattr(entry, name) for name in names}
    return json.dumps(shown, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _hash(entry: Entry) -> str:
    return hashlib.sha256(_canonical(entry, _HASHED)).hexdigest()


def _line(entry: Entry) -> bytes:
    return _canonical(entry, _FIELDS) + b"\n"


def _parsed(line: bytes) -> Entry | Wrong:
    """The entry, if it is byte for byte one that this program wrote; or else what is wrong with it."""
    try:
        entry = msgspec.convert(json.loads(line.decode("ascii")), Entry)
        sound = _line(entry) == line and _hash(entry) == entry.hash
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return "unreadable"
    if not line.endswith(b"\n"):
        return "unreadable"
    return entry if sound else "changed"


def _head(side: IO[bytes]) -> _Head | None:
    """What the side file says: None if it cannot be understood, the start of all if it was just made."""
    side.seek(0)
    content = side.read(1024)
    if not content:
        return _Head()
    found = _HEAD.fullmatch(content)
    return _Head(int(found[1]), found[2].decode()) if found else None


def _checked(lines: Iterable[bytes], known: _Head | None, side: str) -> Iterator[Entry | Broken]:
    """Entries and broken places; `known` is what the file `side` names as the newest."""
    last: _Head | None = _Head()  # None behind a line that tells nothing
    number = top = 0
    for number, line in enumerate(lines, 1):
        entry = _parsed(line)
        if not isinstance(entry, Entry):
            last = None
            yield Broken(number, entry, f"Line {number} {_ALONE[entry]}.")
            continue
        if last and (wrong := _against(entry, last)):
            yield Broken(number, wrong, f"Line {number} {_FOLLOWING[wrong]}.")
        elif known and entry.seq == known.seq and entry.hash != known.hash:
            yield Broken(number, "changed", f"Line {number} is another one than {side} remembers.")
        yield entry
        last, top = _Head(entry.seq, entry.hash), max(top, entry.seq)
    if number and not known:
        yield Broken(number + 1, "unreadable", f"{side} is missing or damaged, so lines may be missing at the end.")
    elif known and known.seq > top:
        yield Broken(number + 1, "missing", f"Lines {top + 1} to {known.seq} are missing at the end, says {side}.")
    elif known and known.seq < top - 1:  # one behind is what a crash between the two files leaves
        yield Broken(
            number + 1, "changed", f"{side} knows of {known.seq} entries only: it was put back, or lines added."
        )


def _against(entry: Entry, last: _Head) -> Wrong | None:
    """How an entry, sound in itself, does not follow the one before it."""
    if entry.seq > last.seq + 1:
        return "missing"
    if entry.seq <= last.seq:
        return "reordered"
    return None if entry.prev == last.hash else "changed"

"""The flight recorder: what was known at each reading, within so many bytes, and any moment of it again.

A chunk begins with all that was known and goes on with what changed; a line of JSON is a reading. The oldest chunks go
when there are too many bytes.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fleetcache_gui.domain.family import TICKING, Family, Kind, Row
from fleetcache_gui.domain.snapshot import Inventory, Link, Vitals
from fleetcache_gui.domain.values import Expiry
from fleetcache_gui.present import frames
from fleetcache_gui.present.frames import Aliases, BadRecording, Frame

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.snapshot import Snapshot
    from fleetcache_gui.present.timeline import Event

LIMIT = 64 * 2**20
"""Bytes that a recording takes at most."""
CHUNK = 60
"""Readings of a chunk: two minutes at the default interval."""

_STEP = 50
"""Rows between two turns of the loop."""
_STALE = 30.0
"""Seconds after which a row is written again although nothing but its words that age has changed."""
_JITTER = 1.5
"""Seconds by which a deadline may move without having been set anew."""
LONGEST_LINE = 64 * 2**20
"""Bytes of a line that are taken in."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`walls` are the Unix seconds of its readings; `packed` the lines, compressed."""

    walls: tuple[float, ...]
    packed: bytes

    @property
    def lines(self) -> list[bytes]:
        """One for each reading."""
        return zlib.decompress(self.packed).splitlines()


class _Open:
    """A chunk that grows. Each line is packed as it comes: all together would hold up the loop."""

    def __init__(self) -> None:
        self.walls: list[float] = []
        self.size = 0
        self._parts: list[bytes] = []
        self._packer = zlib.compressobj(3)

    def add(self, wall: float, line: bytes) -> None:
        self.walls.append(wall)
        self._parts.append(self._packer.compress(line + b"\n"))
        self.size += len(self._parts[-1])

    def chunk(self) -> Chunk:
        """As it stands now; it can grow on."""
        return Chunk(tuple(self.walls), b"".join((*self._parts, self._packer.copy().flush())))


class Recorder:
    """Takes a frame after each reading. It holds no credential: row ids are masked before they come here to stay."""

    def __init__(self, layout: Layout, limit: int = LIMIT) -> None:
        self._layout, self._limit = layout, limit
        self.aliases = Aliases(layout)
        self._chunks: deque[Chunk] = deque()
        self._packed = 0
        self._open = _Open()
        self._rows: dict[str, dict[str, tuple[Row, msgspec.Raw]]] = {}
        self._last: Frame | None = None
        self._anew = True

    @property
    def size(self) -> int:
        """Bytes of all that is recorded."""
        return self._packed + self._open.size

    def begin_anew(self) -> None:
        """Let the next reading tell everything."""
        self._anew = True

    def chunks(self) -> tuple[Chunk, ...]:
        """All that is recorded, as it stands now."""
        whole = tuple(self._chunks)
        return (*whole, self._open.chunk()) if self._open.walls else whole

    def note(self, frame: Frame, events: Iterable[Event]) -> Generator[None, None, tuple[bytes, bool]]:
        """One more reading, and what happened since the one before; its line, and whether that tells everything.

        It goes on in steps, each of so many rows: thousands at once would hold up the loop. One reading at a time.
        """
        if self._open.walls and (self._anew or len(self._open.walls) >= CHUNK):
            self._close()
        self._anew, anew, last = False, not self._open.walls, self._last
        data: dict[str, Any] = {"at": [frame.wall, frame.at], "link": frames.pack_known(frame.link)}
        if anew:
            data["anew"] = True
        if anew or last is None or frame.inventory != last.inventory:
            data["inventory"] = frames.pack_known(frame.inventory)
        if frame.vitals is not None and (anew or last is None or frame.vitals is not last.vitals):
            data["vitals"] = frames.pack_known(frame.vitals)
        if anew or last is None or frame.findings is not last.findings:
            data["findings"] = [frames.pack_finding(finding, self.aliases) for finding in frame.findings]
        if told := [frames.pack_event(event, self.aliases) for event in events]:
            data["events"] = told
        data["families"] = families = {}
        for family in self._layout.families:
            snapshot = frame.snapshots.get(family.id)
            before = last.snapshots.get(family.id) if last else None
            if snapshot is not None and (anew or snapshot is not before):
                families[family.id] = yield from self._family(family, snapshot, anew=anew)
        line = msgspec.json.encode(data)
        self._open.add(frame.wall, line)
        self._last = frame
        return line, anew

    def _family(self, family: Family, snapshot: Snapshot, *, anew: bool) -> Generator[None, None, list[Any]]:
        """What `frames.pack_snapshot` tells, the rows that changed (`anew`: all), and the names of those that went."""
        known = self._rows.setdefault(family.id, {})
        changed: list[msgspec.Raw] = []
        there: set[str] = set()
        for number, row in enumerate(snapshot.rows, 1):
            name = self.aliases.row(family.id, row.id)
            there.add(name)
            before = known.get(name)
            if before is None or _differs(family, before[0], row):
                raw = msgspec.Raw(msgspec.json.encode(frames.pack_row(family, row, name)))
                known[name] = (row, raw)
                changed.append(raw)
            if number % _STEP == 0:
                yield
        gone = [name for name in known if name not in there]
        for name in gone:
            del known[name]
        rows = [raw for _, raw in known.values()] if anew else changed
        return [frames.pack_snapshot(family, snapshot), rows, [] if anew else gone]

    def _close(self) -> None:
        chunk, self._open = self._open.chunk(), _Open()
        self._chunks.append(chunk)
        self._packed += len(chunk.packed)
        while self._packed > self._limit and len(self._chunks) > 1:
            self._packed -= len(self._chunks.popleft().packed)


def chunked(lines: Iterable[bytes]) -> Iterator[Chunk]:
    """Lines of a recording as chunks. Raises `BadRecording`."""
    some = _Open()
    for line in lines:
        data = _read(line)
        if data.get("anew") and some.walls:
            yield some.chunk()
            some = _Open()
        some.add(_moment(data)[0], line)
    if some.walls:
        yield some.chunk()


def _differs(family: Family, old: Row, new: Row) -> bool:
    if old.state != new.state or old.title != new.title or new.at - old.at > _STALE:
        return True
    if len(old.keys) != len(new.keys) or any(a.type != b.type for a, b in zip(old.keys, new.keys, strict=True)):
        return True
    if [judgement.code for judgement in old.judgements] != [judgement.code for judgement in new.judgements]:
        return True
    return any(
        _moved(column.kind, before, now) if column.kind in TICKING else before != now
        for column, before, now in zip(family.columns, old.cells, new.cells, strict=True)
    )


def _moved(kind: Kind, before: object, now: object) -> bool:
    if kind is Kind.TREND:
        return False  # it grows with each reading, and is written again with its row
    if isinstance(before, Expiry) and isinstance(now, Expiry):
        return before.ends != now.ends or (now.ends and abs(now.deadline - before.deadline) > _JITTER)
    if isinstance(before, int | float) and isinstance(now, int | float):
        return abs(now - before) > _JITTER
    return before != now


@dataclass(slots=True)
class _State:
    """What is known at one line of a chunk."""

    chunk: int
    line: int = -1
    vitals: Vitals | None = None
    inventory: Any = None
    link: Any = None
    findings: Any = ()
    families: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)


class History(NamedTuple):
    """Of a whole recording, oldest first; `events` with the number of the reading at which each was found."""

    events: list[tuple[int, Event]]
    vitals: list[Vitals]


class Tape:
    """A recording as it was when this was made, to be looked at."""

    def __init__(self, layout: Layout, chunks: Iterable[Chunk]) -> None:
        self._layout = layout
        self._chunks = tuple(chunks)
        self.moments = [wall for chunk in self._chunks for wall in chunk.walls]
        """Unix seconds of each reading, in the order in which they were made."""
        self._starts = [0]
        for chunk in self._chunks:
            self._starts.append(self._starts[-1] + len(chunk.walls))
        self._lines: tuple[int, list[bytes]] = (-1, [])
        self._state = _State(-1)

    def frame(self, number: int) -> Frame:
        """The reading of that number, from 0. Raises `BadRecording`."""
        chunk = bisect_right(self._starts, number) - 1
        wanted = number - self._starts[chunk]
        if self._state.chunk != chunk or self._state.line > wanted:
            self._state = _State(chunk)
        if self._lines[0] != chunk:
            self._lines = (chunk, self._chunks[chunk].lines)
        state, data = self._state, dict[str, Any]()
        try:
            while state.line < wanted:
                state.line += 1
                data = _read(self._lines[1][state.line])
                self._apply(data, state)
            wall, at = _moment(_read(self._lines[1][wanted]))
            return self._made(state, wall, at)
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
            self._state = _State(-1)
            raise error if isinstance(error, BadRecording) else BadRecording("This reading cannot be read.") from error

    def history(self) -> History:
        """What happened, and the server's figures. Of eight hours that takes some seconds. Raises `BadRecording`."""
        events: list[tuple[int, Event]] = []
        vitals: list[Vitals] = []
        number = 0
        for chunk in self._chunks:
            for line in chunk.lines:
                data = _read(line)
                for told in _list(data.get("events", [])):
                    events.append((number, frames.unpack_event(told, self._layout)))
                if told := data.get("vitals"):
                    vitals.append(frames.unpack_known(told, Vitals))
                number += 1
        return History(events, vitals)

    def lines(self) -> Iterator[bytes]:
        """As a file has them."""
        for chunk in self._chunks:
            yield from chunk.lines

    def _apply(self, data: dict[str, Any], state: _State) -> None:
        state.link = data["link"]
        for name in ("inventory", "vitals", "findings"):
            if name in data:
                setattr(state, name, data[name])
        for family_id, (scalars, rows, gone) in data["families"].items():
            known = state.families.get(family_id, (None, {}))[1]
            for name in gone:
                known.pop(name, None)
            known.update((row[0], row) for row in rows)
            state.families[family_id] = (scalars, known)

    def _made(self, state: _State, wall: float, at: float) -> Frame:
        snapshots = {}
        for family in self._layout.families:
            if family.id in state.families:
                scalars, packed = state.families[family.id]
                rows = tuple(frames.unpack_row(family, row) for row in packed.values())
                snapshots[family.id] = frames.unpack_snapshot(family, scalars, rows)
        return Frame(
            wall,
            at,
            frames.unpack_known(state.link, Link),
            frames.unpack_known(state.inventory, Inventory),
            frames.unpack_known(state.vitals, Vitals) if state.vitals is not None else None,
            snapshots,
            tuple(frames.unpack_finding(finding, self._layout) for finding in state.findings),
        )


def _read(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise BadRecording("A line of it is longer than any that this program writes.")
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecording("A line of it is not one that this program writes.") from error


def _list(data: object) -> list[Any]:
    if not isinstance(data, list):
        raise BadRecording("What happened is not told as a list in it.")
    return data


def _moment(data: dict[str, Any]) -> tuple[float, float]:
    try:
        wall, at = data["at"]
        return frames.moment(wall), float(at)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadRecording("A reading in it has no time.") from error

"""What was known at one moment, as plain data and back again.

Credentials are masked on the way out, row ids included. On the way in nothing is believed: who opens a recording need
not know who wrote it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from fleetcache_gui.domain.family import Family, Judgement, Row, Severity
from fleetcache_gui.domain.health import Finding
from fleetcache_gui.domain.snapshot import Inventory, Link, Snapshot, Vitals
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.text import parse, show
from fleetcache_gui.domain.values import Cell, Expiry, KeyFact, Progress, State, Tone
from fleetcache_gui.present.timeline import Event

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout

Data: TypeAlias = Any
"""Numbers, texts, None, and lists and objects of such: what JSON can say."""

Known = TypeVar("Known", Link, Inventory, Vitals)

_SAMPLES = 30
"""Points of a trend that are kept of each row."""
_LONGEST = 100_000
"""Characters of one text that are taken in."""


_BAD = (TypeError, ValueError, AttributeError, KeyError, OverflowError)
_LAST_DAY = 32_503_680_000.0
"""Unix seconds of the year 3000: no moment lies beyond it."""


class BadRecording(ValueError):
    """Not a recording that this program could have written; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`at` is monotonic seconds of the machine that recorded, `wall` Unix seconds of the same moment."""

    wall: float
    at: float
    link: Link
    inventory: Inventory
    vitals: Vitals | None = None
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class Aliases:
    """Names for row ids: the id itself as text, or where it is a credential its mask and a number."""

    def __init__(self, layout: Layout) -> None:
        self._families = {family.id: family for family in layout.families}
        self._numbers: dict[tuple[str, bytes], str] = {}

    def row(self, family_id: str, row_id: bytes) -> str:
        """The same name for the same row, always."""
        family = self._families.get(family_id)
        if family is None or not row_id or not (family.mask or family.secret):
            return show(row_id)
        name = self._numbers.get((family_id, row_id))
        if name is None:
            name = self._numbers[family_id, row_id] = f"{masked(family, row_id)} #{len(self._numbers) + 1}"
        return name


def masked(family: Family, key: bytes) -> str:
    """A key's name as it may stand anywhere."""
    if family.mask is not None:
        return family.mask(key)
    return "…" if family.secret else show(key)


def pack_row(family: Family, row: Row, name: str) -> Data:
    """All that a table and a detail panel show of a row. Never `Row.reveal`."""
    return [
        name,
        row.title,
        [_pack_cell(cell) for cell in row.cells],
        [row.state.word, row.state.tone.value],
        row.why,
        [list(fact) for fact in row.facts],
        # A key that names its row keeps the row's name.
        [
            [name if key.name == row.id else masked(family, key.name), key.type, _pack_cell(key.expiry)]
            for key in row.keys
        ],
        [list(sample) for sample in row.samples[-_SAMPLES:]],
        row.since,
        row.at,
        [_pack_judgement(judgement, name) for judgement in row.judgements],
    ]


def unpack_row(family: Family, data: Data) -> Row:
    """Raises `BadRecording`."""
    try:
        name, title, cells, (word, tone), why, facts, keys, samples, since, at, judgements = data
        state = State(text_of(word), Tone(tone))
        row = Row(
            id=_bytes(name),
            family=family.id,
            title=text_of(title),
            cells=tuple(_unpack_cell(cell) for cell in cells),
            state=state,
            keys=tuple(KeyFact(_bytes(key), text_of(kind), _expiry(expiry)) for key, kind, expiry in keys),
            why=text_of(why),
            facts=tuple((text_of(label), text_of(value)) for label, value in facts),
            samples=tuple((_number(when), _number(value)) for when, value in samples),
            since=_number(since),
            at=_number(at),
            judgements=tuple(_unpack_judgement(judgement) for judgement in judgements),
        )
    except _BAD as error:
        raise BadRecording(f"A row of {family.title} in it cannot be read.") from error
    if len(row.cells) != len(family.columns):
        raise BadRecording(f"A row of {family.title} in it has another number of columns than this version shows.")
    return row


def pack_snapshot(family: Family, snapshot: Snapshot) -> Data:
    """All but the rows. The count is what the family's tab shows, which needs what is not recorded of its rows."""
    s = snapshot
    own = None if s.long else family.weight(s.rows)
    return [s.count if own is None else own, s.at, s.complete, s.long, s.suspects, s.suspects_read, s.refused]


def unpack_snapshot(family: Family, data: Data, rows: tuple[Row, ...]) -> Snapshot:
    """Raises `BadRecording`."""
    try:
        count, at, complete, long, suspects, read, refused = data
        return Snapshot(
            family.id,
            rows,
            int(_number(count)),
            _number(at),
            complete is True,
            long is True,
            int(_number(suspects)),
            int(_number(read)),
            None if refused is None else text_of(refused),
        )
    except _BAD as error:
        raise BadRecording(f"What it says of {family.title} cannot be read.") from error


def pack_finding(finding: Finding, aliases: Aliases) -> Data:
    """A finding with its history."""
    name = aliases.row(finding.family, finding.judgement.row)
    return [finding.family, _pack_judgement(finding.judgement, name), finding.since, finding.wall]


def unpack_finding(data: Data, layout: Layout) -> Finding:
    """Raises `BadRecording`."""
    try:
        family, judgement, since, wall = data
        return Finding(_place(family, layout), _unpack_judgement(judgement), _number(since), moment(wall))
    except _BAD as error:
        raise BadRecording("A finding in it cannot be read.") from error


def pack_event(event: Event, aliases: Aliases) -> Data:
    """One line of the timeline."""
    row = aliases.row(event.family, event.row)
    return [event.wall, event.tone.value, event.text, event.what.value, event.family, row]


def unpack_event(data: Data, layout: Layout) -> Event:
    """Raises `BadRecording`."""
    try:
        wall, tone, text, what, family, row = data
        where = _place(family, layout)
        return Event(moment(wall), Tone(tone), text_of(text), Happening(what), where, _bytes(row))
    except _BAD as error:
        raise BadRecording("An event in it cannot be read.") from error


def pack_known(what: Link | Inventory | Vitals) -> Data:
    """What is made of plain fields alone."""
    return msgspec.to_builtins(what)


def unpack_known(data: Data, kind: type[Known]) -> Known:
    """The same back again. Raises `BadRecording`."""
    try:
        return msgspec.convert(_clean(data), kind)
    except _BAD as error:
        raise BadRecording(f"Its {kind.__name__.lower()} cannot be read.") from error


def _clean(data: Data) -> Data:
    """The same with every text made fit to be shown."""
    if isinstance(data, str):
        return text_of(data)
    if isinstance(data, list):
        return [_clean(part) for part in data]
    if isinstance(data, dict):
        return {text_of(key): _clean(part) for key, part in data.items()}
    return data


def _pack_cell(cell: Cell) -> Data:
    if isinstance(cell, Expiry):
        deadline = None if math.isinf(cell.deadline) else cell.deadline
        return {"expiry": [deadline, cell.lifetime, cell.at_ms, cell.known]}
    if isinstance(cell, State):
        return {"state": [cell.word, cell.tone.value]}
    if isinstance(cell, Progress):
        return {"progress": [cell.done, cell.total]}
    if isinstance(cell, tuple):
        return {"trend": [list(sample) for sample in cell[-_SAMPLES:]]}
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _unpack_cell(data: Data) -> Cell:
    if data is None or (isinstance(data, int | float) and not isinstance(data, bool)):
        return data
    if isinstance(data, str):
        return text_of(data)
    ((kind, parts),) = data.items()
    if kind == "expiry":
        return _expiry(data)
    if kind == "state":
        word, tone = parts
        return State(text_of(word), Tone(tone))
    if kind == "progress":
        done, total = parts
        return Progress(int(_number(done)), None if total is None else int(_number(total)))
    if kind == "trend":
        return tuple((_number(at), _number(value)) for at, value in parts)
    raise ValueError(kind)


def _expiry(data: Data) -> Expiry:
    deadline, lifetime, at_ms, known = data["expiry"]
    ends = math.inf if deadline is None else _number(deadline)
    return Expiry(ends, _number(lifetime), None if at_ms is None else int(_number(at_ms)), known is True)


def _pack_judgement(judgement: Judgement, name: str) -> Data:
    return [judgement.code, name, judgement.severity.value, judgement.text, judgement.meaning, judgement.advice]


def _unpack_judgement(data: Data) -> Judgement:
    code, row, severity, text, meaning, advice = data
    return Judgement(text_of(code), _bytes(row), Severity(severity), text_of(text), text_of(meaning), text_of(advice))


def _place(family_id: Data, layout: Layout) -> str:
    """A family that is there, or the server as a whole."""
    if family_id:
        layout.family(family_id)
    return text_of(family_id)


def moment(data: Data) -> float:
    """Unix seconds that can be shown as a time of day. Raises TypeError and ValueError."""
    wall = _number(data)
    if not 0 <= wall <= _LAST_DAY:
        raise ValueError("no moment")
    return wall


def _number(data: Data) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
        raise TypeError("not a number")
    return data


def text_of(data: Data) -> str:
    """A text as it may be shown: what was masked and escaped once stays so, what hides or reorders text is escaped."""
    if not isinstance(data, str) or len(data) > _LONGEST:
        raise TypeError("not a text of usual length")
    lines = data.split("\n")
    return "\n".join(line if line.isprintable() else _escaped(line) for line in lines)


def _escaped(line: str) -> str:
    return "".join(char if char.isprintable() else show(char.encode("utf-8", "surrogatepass")) for char in line)


def _bytes(data: Data) -> bytes:
    return parse(text_of(data))

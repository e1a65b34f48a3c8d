"""A family: one use of the cache, declared as data and pure functions.

The reader asks a family which keys lie behind a row and what to ask of them; the family turns the replies into a `Row`
and judges it. Nothing outside a family's own file knows what its keys mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from fleetcache_gui.domain.values import Cell, Command, Expiry, KeyFact, Reply, Sample, State
from fleetcache_gui.domain.verbs import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fleetcache_gui.domain.lens import Lens
    from fleetcache_gui.domain.plan import Draft
    from fleetcache_gui.domain.telling import Told
    from fleetcache_gui.domain.values import Claim
    from fleetcache_gui.domain.verbs import Choice, Refusal

SAMPLES = 150
"""Samples kept per row: five minutes at the default interval of 2 s."""


class Kind(Enum):
    """How a column's cells are drawn, aligned, compared and exported."""

    TEXT = "text"
    CODE = "code"  # monospace: keys, tokens, SQL
    NUMBER = "number"
    SIZE = "size"  # bytes
    RATE = "rate"  # per second
    SECONDS = "seconds"  # a duration as read, not ticking
    PROGRESS = "progress"  # Progress
    CLOCK = "clock"  # Expiry: counts down, repainted each second, never diffed
    AGE = "age"  # monotonic time of an event: counts up, repainted, never diffed
    TREND = "trend"  # samples, drawn as a sparkline, never diffed
    STATE = "state"  # State, drawn as a pill


TICKING = frozenset({Kind.CLOCK, Kind.AGE, Kind.TREND})
"""Kinds whose look changes with time alone; left out when rows are compared."""


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is the wanted width in characters; 0 takes the room that is left. `probed` cells need the key's value:
    a long family knows them only for rows on screen and cannot be sorted by them."""

    id: str
    title: str
    kind: Kind = Kind.TEXT
    width: int = 12
    help: str = ""
    probed: bool = True


class Severity(Enum):
    """How much a finding matters; ordered by `rank`."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return ("info", "warning", "critical").index(self.value)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Something wrong with one row, now. `code` is stable (``lock.no-ttl``); the texts are whole plain sentences."""

    code: str
    row: bytes
    severity: Severity
    text: str  # what, with its object
    meaning: str  # what it means for Fleet
    advice: str  # the next step


@dataclass(frozen=True, slots=True)
class Expected:
    """What the server cannot tell and somebody may know: enrolled hosts, request limits by endpoint."""

    hosts: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """What every key of a family should look like, cheap enough to be checked for each key of a million.

    `types`: Redis type words. `expiry`: ``required``, ``none`` (a TTL would be odd) or ``either``. `longest`: seconds.
    `endless`: names of keys, such as an index, that have no expiry by design where the others need one.
    """

    types: frozenset[str]
    expiry: str = "either"
    longest: float = math.inf
    endless: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything read for one row in one poll.

    `at`: monotonic seconds; `wall`: the server's Unix time then. `listed`: the row's id stands in the family's index,
    None where the index could not be read.
    `replies` answer `Family.probes`, `more` answer `Family.follow`, in their order. `counters`: calls by command since
    the server started (INFO commandstats, lower-case names), empty where not permitted. `memory` is that of the row as
    read before, for what is asked in parts.
    """

    id: bytes
    at: float
    wall: float
    keys: tuple[KeyFact, ...]
    replies: tuple[Reply, ...] = ()
    more: tuple[Reply, ...] = ()
    listed: bool | None = False
    counters: Mapping[str, int] = field(default_factory=dict)
    expected: Expected = Expected()
    memory: object = None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing a person thinks of, with its cells in the order of the family's columns.

    `title` and every text cell are safe to show (see `text.show`), with credentials masked by `text.mask`; `reveal`
    holds the whole credential where there is one. `why` explains the state in whole sentences. `facts` are label/value
    pairs for the detail panel. `samples` is the history that rates come from, oldest first; `memory` is the family's
    own, carried from one reading to the next.
    """

    id: bytes
    family: str
    title: str
    cells: tuple[Cell, ...]
    state: State
    keys: tuple[KeyFact, ...]
    why: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    samples: tuple[Sample, ...] = ()
    memory: object = None
    since: float = 0.0  # monotonic: first seen
    at: float = 0.0  # monotonic: last read
    judgements: tuple[Judgement, ...] = ()
    reveal: str = ""


AWAY = State("away")
"""Of a row behind which there is a key that nobody serves now."""


def out_of_reach(row: Row) -> Row:
    """The row as it was last read, marked as such; nothing is judged from it. Its last cell is its state."""
    why = "A node of the cluster that it needs cannot be reached. What stands here was last read before that."
    return replace(row, cells=(*row.cells[:-1], AWAY), state=AWAY, why=why, judgements=())


def _no_commands(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return ()


def _no_follow(reading: Reading) -> tuple[Command, ...]:
    return ()


def _itself(key: bytes) -> bytes:
    return key


def _nothing_together(rows: tuple[Row, ...], count: int, expected: Expected) -> tuple[Judgement, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Verb:
    """`title` is for menus ("Release lock…"), `phrase` takes its object: "Release {}".

    `fits(row, now)` is None where the verb may be offered for a row, else why not; `now` is monotonic seconds. A verb
    whose `hidden` holds for a row is not even shown for it. `drafts(row, choice)` are the changes in the order in which
    they are made: an interruption must leave nothing worse.
    `grave`: it asks for a typed word even for one key. `consequence`: what Fleet feels, whole sentences.
    """

    id: str
    title: str
    phrase: str
    drafts: Callable[[Row, str], tuple[Draft, ...]]
    consequence: tuple[str, ...]
    scope: Scope = Scope.ROWS
    fits: Callable[[Row, float], Refusal | None] = lambda row, now: None
    hidden: Callable[[Row], bool] = lambda row: False
    choice: Callable[[Sequence[Row]], Choice] | None = None
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """One use of the cache. All callables are pure.

    `prefixes` claim keys (the longest match of the layout wins), malformed ones included. `row_of(key)` names the row
    a key belongs to (a malformed key is its own row); `keys_of(row)` names the keys behind a row, exactly. `index` is
    a SET whose members are row ids; `fixed` are rows that are always asked for, whether or not a sweep has found them,
    and that stay once seen (an empty queue does not exist in Redis, and is still a queue).
    """

    id: str
    title: str
    tab: str
    noun: tuple[str, str]  # singular, plural
    purpose: str  # one sentence: what it is for, and when keys appear
    patterns: tuple[str, ...]  # as people write them: lock:<name>
    prefixes: tuple[bytes, ...]
    columns: tuple[Column, ...]
    rule: Rule
    decode: Callable[[Reading, Row | None], Row]
    row_of: Callable[[bytes], bytes] = _itself
    keys_of: Callable[[bytes], tuple[bytes, ...]] = lambda row: (row,)
    key_titles: tuple[str, ...] = ("Value",)
    probes: Callable[[bytes, tuple[KeyFact, ...]], tuple[Command, ...]] = _no_commands
    follow: Callable[[Reading], tuple[Command, ...]] = _no_follow
    index: bytes | None = None
    fixed: tuple[bytes, ...] = ()
    tell: Callable[[Row | None, Row | None], Told | None] = lambda before, now: None
    """A sentence for the timeline about what happened to a row between two polls (None: it was not there / is gone)."""
    claim: Callable[[Row], Claim | None] | None = None
    """Of a family of locks: who holds a row now, None where that was not read."""
    survey: Callable[[tuple[Row, ...], int, Expected], tuple[Judgement, ...]] = _nothing_together
    """What is wrong with all rows together: those that were read, and how many there are. A judgement without a row
    has an empty row id."""
    weight: Callable[[tuple[Row, ...]], int | None] = lambda rows: None
    """The number that stands for the family in its tab where it is not the number of rows (a queue's depth)."""
    secret: bool = False
    """Key names are credentials: shown masked, revealed one at a time."""
    mask: Callable[[bytes], str] | None = None
    """The key's name with its credential masked, for secret families."""
    private: bool = False
    """Values may hold credentials: shown only after Reveal."""
    sort: tuple[str, bool] = ("", False)
    """Column id and descending flag of the first order."""
    verbs: tuple[Verb, ...] = ()
    """What may be done to its rows, in the order of menus."""
    lens: Callable[[Row, float, float], Lens | None] | None = None
    """A closer look at a row at a moment (monotonic, then the server's Unix seconds); None: nothing more is known."""

    @property
    def gathers(self) -> bool:
        """Whether a row may have several keys, or be there without any."""
        return self.row_of is not _itself or self.index is not None or bool(self.fixed)

    @property
    def surveyed(self) -> bool:
        """Whether anything is judged of all rows together."""
        return self.survey is not _nothing_together

    def column(self, column_id: str) -> int:
        """Position of a column; ValueError when there is none."""
        return [c.id for c in self.columns].index(column_id)


def extend(before: Row | None, at: float, value: float) -> tuple[Sample, ...]:
    """The row's samples with one more; a value read twice at one time is kept once."""
    samples = before.samples if before else ()
    if samples and at <= samples[-1][0]:
        return samples
    return (*samples[-(SAMPLES - 1) :], (at, value))


def slope(samples: Iterable[Sample], window: float) -> float | None:
    """Change per second over the last `window` seconds of `samples`, or since the last but one where polls are
    farther apart than that; None with fewer than two samples."""
    kept = tuple(samples)
    if len(kept) < 2:
        return None
    newest = kept[-1]
    oldest = next((s for s in kept[:-1] if s[0] >= newest[0] - window), kept[-2])
    return (newest[1] - oldest[1]) / (newest[0] - oldest[0]) if newest[0] > oldest[0] else None


def renew(before: Expiry | None, now: Expiry) -> Expiry:
    """`now`, with the longest lifetime seen for the same key carried over."""
    if not now.ends or before is None or not before.ends:
        return now
    lifetime = max(now.lifetime, before.lifetime)
    return Expiry(now.deadline, lifetime, now.at_ms)

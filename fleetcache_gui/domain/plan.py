"""What an act would do, as data, and what it did: drafts, plans, receipts. Pure; nothing here sends anything.

A family drafts what a verb means for a row on screen. The survey (`redis_io.survey`) reads how each of those keys is
just now and makes the draft a step: a change with the condition under which it holds. A person sees the plan and
confirms it; only then can `redis_io.act` carry it out, each step atomically with its condition.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from fleetcache_gui.domain.text import show


class Deed(Enum):
    """What a step does to its key."""

    REMOVE = "remove"  # UNLINK of the whole key
    DROP_MEMBER = "drop member"  # SREM of the members in `args`
    EXPIRE = "expire"  # give it an expiry of `args[0]` milliseconds
    TRIM = "trim"  # the oldest entries of a LIST or STREAM: args = how many of the newest stay
    DROP_RANGE = "drop range"  # entries of a LIST by position, of a STREAM by id: args = first, last
    ACK = "acknowledge"  # XACK: args = group, consumer, least ms since their delivery
    CLAIM = "claim"  # XCLAIM: args = group, from consumer, to consumer
    DELETE_CONSUMER = "delete consumer"  # XGROUP DELCONSUMER with nothing pending: args = group, consumer
    REPLAY = "replay"  # XGROUP SETID: args = group, id
    FLUSH = "flush"  # FLUSHDB ASYNC on one primary; the key is empty
    PUT_BACK = "put back"  # undo: args = kind, what was saved, when it would have ended (Unix ms)


@dataclass(frozen=True, slots=True)
class Guard:
    """Something beside the key itself that must be so: with `member`, whether it stands in the SET `key`; without,
    whether `key` exists."""

    key: bytes = field(repr=False)
    member: bytes | None = field(repr=False)
    present: bool
    otherwise: str  # why the step is not done then: "it is active again"


@dataclass(frozen=True, slots=True)
class Draft:
    """One change as a family wants it, before anybody has looked at the key again.

    `type` is the Redis type as on screen, empty where the row does not tell it. `value` is a string's whole value as on
    screen: where the survey finds another the step is skipped. `moves` names what changes by itself while the key is in
    use and is therefore no part of the condition: ``value`` (length included), ``expiry``. `otherwise`: what it means
    that the value is another by then, as a clause: "it belongs to another holder now".
    """

    deed: Deed
    key: bytes = field(repr=False)
    what: str  # "the SQL of campaign 12", safe to show
    type: str = ""
    value: bytes | None = field(default=None, repr=False)
    moves: frozenset[str] = frozenset()
    guards: tuple[Guard, ...] = ()
    args: tuple[bytes, ...] = field(default=(), repr=False)
    otherwise: str = ""
    stage: int = 0
    """Steps of a lower stage are made first, within a batch: what an interruption leaves must be no worse."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A key as the survey found it; the condition of a step. Empty, None: not part of the condition.

    `length` is STRLEN, LLEN, SCARD, HLEN, ZCARD or XLEN. `digest` is the SHA-1 of the value: of what DUMP says of a key
    up to `survey.WHOLE` bytes, of the first `survey.HEAD` bytes of a longer string, of the last id of a stream.
    `expires_ms`: Unix ms on the server's clock, -1 for none; 0 for some, where the server cannot tell (Redis < 7.0).
    """

    type: str
    length: int | None = None
    digest: str = ""
    digest_of: str = ""  # "dump", "head", "id"
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One change with its condition. `size` is what the server says the key takes (bytes, None: not told).

    `told`: what the survey found of a queue, beside the fingerprint; its runner knows in which order. `saved`: it is
    put into the undo bin first. `node`: the cluster's node that has it, empty on a standalone server.
    """

    draft: Draft
    seen: Fingerprint
    size: int | None = None
    saved: bool = True
    node: str = ""
    count: int = 1  # entries, members or keys that it changes
    told: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was asked for and is not in the plan, with the reason as a clause: "it is gone already"."""

    what: str
    reason: str


class Strictness(Enum):
    """What a person must do before a plan runs."""

    PRESS = "press"  # one button that names the deed
    TYPE = "type"  # the plan's word, typed
    HOLD = "hold"  # the same, and the button held down

    @property
    def rank(self) -> int:
        return ("press", "type", "hold").index(self.value)


@dataclass(frozen=True, slots=True)
class Identity:
    """One server process as previewed: what is written to must be the same one."""

    address: str
    run_id: str
    role: str
    database: int
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that would be done, and nothing else. Running it writes; making it does not.

    `button` names the deed: "Release lock". `consequence`: what Fleet feels. `way_back`: what undo can do, in a
    sentence. `grave`: it asks for a typed word, whatever its steps are. `word` is what must be typed where `strictness`
    asks for it. `strangers` (flush): keys that are not Fleet's, by example. `made_at` is monotonic seconds.
    """

    id: str
    verb: str
    family: str
    title: str
    button: str
    where: str  # "prod-eu (10.0.0.5:6379 db 0)"
    environment: str
    servers: tuple[Identity, ...]
    steps: tuple[Step, ...]
    skipped: tuple[Skipped, ...]
    consequence: tuple[str, ...]
    way_back: str
    strictness: Strictness
    word: str
    made_at: float
    noun: tuple[str, str] = ("key", "keys")
    grave: bool = False
    strangers: tuple[str, ...] = ()
    counts: tuple[tuple[str, int, int | None], ...] = ()
    """By family (or node): title, keys, bytes."""

    @property
    def count(self) -> int:
        """Keys, members or entries that it changes."""
        return sum(step.count for step in self.steps)

    @property
    def size(self) -> int | None:
        """Bytes, as far as the server told; None where it told of none."""
        told = [step.size for step in self.steps if step.size is not None]
        return sum(told) if told else None

    @property
    def unsaved(self) -> int:
        """How many of its changes have no way back."""
        return sum(step.count for step in self.steps if not step.saved)

    @property
    def nodes(self) -> dict[str, int]:
        """Changes by node, on a cluster."""
        found: Counter[str] = Counter()
        for step in self.steps:
            found[step.node] += step.count
        return dict(found) if any(found) else {}


class NotConfirmed(Exception):
    """A plan may not run as it was confirmed: locked meanwhile, another word, shown too long ago. Its text is a
    sentence that says what to do."""


class Outcome(Enum):
    """What became of a step."""

    DONE = "done"
    GONE = "already gone"
    CHANGED = "changed, kept"
    UNSAVED = "not saved for undo, kept"
    REFUSED = "not permitted"
    UNREACHABLE = "not sent: unreachable"
    CANCELLED = "not sent: cancelled"
    FAILED = "not done: error"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an act has come; `rate` is changes per second, `left` seconds, both None before they are known."""

    done: int
    total: int
    rate: float | None = None
    left: float | None = None
    waiting: str = ""  # why nothing moves just now: "looking what became of 200 keys"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an act did. `outcomes` stand in the order of the plan's steps; `notes` say more of some, by position.

    `taken` counts the changes of steps that are done in part (entries of a queue), by position; `saved` how many have a
    way back in the undo bin under the plan's id. `trouble`: why it ended early, in a sentence. Times are Unix seconds.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    began: float
    ended: float
    notes: dict[int, str] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    saved: int = 0
    trouble: str = ""

    def count(self, outcome: Outcome) -> int:
        """How many keys, members or entries met this outcome."""
        return sum(
            self.taken.get(position, step.count)
            for position, (step, met) in enumerate(zip(self.plan.steps, self.outcomes, strict=True))
            if met is outcome
        )

    @property
    def counts(self) -> dict[Outcome, int]:
        """Outcomes that were met, with their counts."""
        met: Counter[Outcome] = Counter()
        for position, (step, outcome) in enumerate(zip(self.plan.steps, self.outcomes, strict=True)):
            met[outcome] += self.taken.get(position, step.count)
        return {outcome: met[outcome] for outcome in Outcome if met[outcome]}


@dataclass(frozen=True, slots=True)
class WayBack:
    """Something in the undo bin. Times are Unix seconds; `where` is "memory" or "disk"; `count` is what is left to put
    back. `hindrance`: why it cannot be put back on this server, empty when it can."""

    deed: str
    title: str
    server: str
    at: float
    until: float
    count: int
    size: int
    where: str
    hindrance: str = ""


def command_shown(step: Step, limit: int = 120) -> str:
    """The step as a Redis user would write it, safe to show; secret names are the caller's business."""
    key, args = show(step.draft.key, limit), [show(arg, 40) for arg in step.draft.args]
    trims = "XTRIM" if step.seen.type == "stream" else "LTRIM"
    shown = {
        Deed.REMOVE: ["UNLINK", key],
        Deed.DROP_MEMBER: ["SREM", key, *args],
        Deed.EXPIRE: ["PEXPIRE", key, *args],
        Deed.TRIM: [trims, key],
        Deed.DROP_RANGE: ["XDEL" if step.seen.type == "stream" else "LREM", key, *args],
        Deed.ACK: ["XACK", key, *args[:1]],
        Deed.CLAIM: ["XCLAIM", key, *args[:1], *args[2:]],
        Deed.DELETE_CONSUMER: ["XGROUP DELCONSUMER", key, *args],
        Deed.REPLAY: ["XGROUP SETID", key, *args[:2]],
        Deed.FLUSH: ["FLUSHDB ASYNC"],
        Deed.PUT_BACK: ["RESTORE", key],
    }[step.draft.deed]
    words = " ".join(shown[:4])
    return words + (" …" if len(shown) > 4 else "")

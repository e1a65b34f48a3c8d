"""A stand-in for the session: same signals, same intents, hand-made rows, no server.

Only for how the window looks and answers; what the window does with a real server is tested with one.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Column, Expected, Family, Judgement, Kind, Row, Rule, Severity
from fleetcache_gui.domain.health import FindingBook
from fleetcache_gui.domain.lanes import Lanes
from fleetcache_gui.domain.layout import Layout
from fleetcache_gui.domain.pages import Hit, KeyAbout, Page, PageItem
from fleetcache_gui.domain.server_health import judge
from fleetcache_gui.domain.slow_log import SlowLog
from fleetcache_gui.domain.snapshot import Inventory, Link, Missing, Phase, Snapshot, Vitals
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.thresholds import Thresholds
from fleetcache_gui.domain.values import Expiry, KeyFact, Progress, State, Tone
from fleetcache_gui.domain.weights import Weights
from fleetcache_gui.present.table import Table
from fleetcache_gui.present.timeline import Event
from tests.ui.nodes import nodes
from tests.ui.stage_verbs import VERBS

if TYPE_CHECKING:
    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.domain.pages import PageCursor
    from fleetcache_gui.domain.values import Sample

RUNNING, ORPHANED = State("running", Tone.ACCENT), State("orphaned", Tone.CRITICAL)
FINISHED, HELD = State("finished", Tone.OK), State("held", Tone.OK)

CAMPAIGN_COLUMNS = (
    Column("id", "ID", Kind.NUMBER, 7),
    Column("query", "Query", Kind.CODE, 0, help="The SQL that hosts are asked to run"),
    Column("answered", "Answered", Kind.PROGRESS, 16),
    Column("rate", "Rate", Kind.RATE, 8),
    Column("left", "Time left", Kind.CLOCK, 14),
    Column("trend", "Last 5 min", Kind.TREND, 12),
    Column("state", "State", Kind.STATE, 11),
)
LOCK_COLUMNS = (
    Column("name", "Name", Kind.CODE, 0),
    Column("holder", "Holder", Kind.TEXT, 12),
    Column("left", "Time left", Kind.CLOCK, 14),
    Column("state", "State", Kind.STATE, 11),
)
KEY_COLUMNS = (
    Column("key", "Key", Kind.CODE, 0, probed=False),
    Column("size", "Size", Kind.SIZE, 10),
    Column("left", "Time left", Kind.CLOCK, 14, probed=False),
    Column("state", "State", Kind.STATE, 11),
)
QUERIES = (
    "SELECT * FROM usb_devices WHERE removable = 1",
    "SELECT pid, name, path FROM processes WHERE on_disk = 0",
    "SELECT name, version FROM deb_packages",
    "SELECT * FROM os_version",
    "SELECT username, type FROM logged_in_users",
    "SELECT * FROM listening_ports WHERE port < 1024",
)


NOUNS = {"live_queries": "live query"}
"""Singulars that are more than the plural without its s."""


def _undecodable(reading: object, before: Row | None) -> Row:
    raise NotImplementedError("the stage makes its rows itself")


def family(family_id: str, title: str, tab: str, columns: tuple[Column, ...] = KEY_COLUMNS) -> Family:
    return Family(
        id=family_id,
        title=title,
        tab=tab,
        noun=(NOUNS.get(family_id, tab.lower().rstrip("s")), tab.lower()),
        purpose=f"{title}: keys appear here as soon as Fleet uses them.",
        patterns=(f"{family_id}:<name>",),
        prefixes=(family_id.encode() + b":",),
        columns=columns,
        rule=Rule(frozenset({"string"})),
        decode=_undecodable,
        key_titles=("SQL", "Hosts that answered") if columns is CAMPAIGN_COLUMNS else ("Value",),
        weight=(lambda rows: 48_204) if family_id == "host_queue" else (lambda rows: None),
        sort=("id", True) if columns is CAMPAIGN_COLUMNS else ("", False),
        secret=family_id == "tokens",
        mask=(lambda key: f"tokens:{key.decode()[7:9]}…") if family_id == "tokens" else None,
        verbs=VERBS.get(family_id, ()),
    )


LAYOUT = Layout(
    "spec",
    "Fleet",
    (
        family("live_queries", "Live queries", "Live queries", CAMPAIGN_COLUMNS),
        family("locks", "Distributed locks", "Locks", LOCK_COLUMNS),
        family("host_queue", "Host detail queue", "Host queue"),
        family("preassign", "MDM preassignment", "Preassign"),
        family("tokens", "Installer tokens", "Tokens"),
        family("limits", "Rate limits", "Limits"),
        family("config", "Config cache", "Config"),
        family("other", "Other keys", "Other"),
    ),
)


def wave(now: float, count: int, seed: int, level: float) -> tuple[Sample, ...]:
    """`count` samples, 2 s apart, that look alive and are the same at each start."""
    value, samples = level, []
    state = seed * 7919 + 17
    for i in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        value = max(value + level * 0.16 * (state / 2**30 - 1.0), level * 0.2)
        samples.append((now - 2.0 * (count - 1 - i), value))
    return tuple(samples)


def campaign(number: int, now: float, state: State = RUNNING) -> Row:
    sql, hosts = f"campaign:{number}".encode(), f"campaign:{number}:hosts".encode()
    expiry = Expiry() if state is ORPHANED else Expiry(now + 25_000 - 2_900 * (number % 9), 25_200)
    done = 50_000 if state is not RUNNING else 3_500 + 5_321 * (number % 8)
    orphaned = state is ORPHANED
    judgement = Judgement(
        "campaign.orphaned",
        str(number).encode(),
        Severity.CRITICAL,
        f"Campaign {number} is orphaned",
        "It is in Redis but not active, without expiry: no host is asked for it, and it stays until removed.",
        "Clean it up once you have what you need of its results.",
    )
    samples = wave(now, 150, number, 300)
    return Row(
        id=str(number).encode(),
        family="live_queries",
        title=f"Campaign {number}",
        cells=(
            number,
            QUERIES[number % len(QUERIES)],
            Progress(done, 50_000),
            None if state is not RUNNING else 34.0 + 31 * (number % 9),
            expiry,
            samples,
            state,
        ),
        state=state,
        keys=(KeyFact(sql, "string", expiry), KeyFact(hosts, "set", expiry)),
        why=judgement.meaning if orphaned else "Hosts are answering: 312 in the last second.",
        facts=(("Started", "09:12:40"), ("Hosts answered", f"{done:,}")),
        samples=samples,
        since=now - 1_740,
        at=now,
        judgements=(judgement,) if orphaned else (),
    )


def lock(name: str, holder: str, now: float, left: float | None = 42.0) -> Row:
    expiry = Expiry() if left is None else Expiry(now + left, 60.0)
    state = HELD if left is not None else State("no expiry", Tone.WARN)
    judgement = Judgement(
        "lock.no-ttl",
        f"lock:{name}".encode(),
        Severity.WARNING,
        f"Lock {name} never expires",
        f"{holder} holds it without an expiry: if it dies, no other server can ever take the lock.",
        "Find out whether the holder still runs before releasing it.",
    )
    return Row(
        id=f"lock:{name}".encode(),
        family="locks",
        title=f"Lock {name}",
        cells=(name, holder, expiry, state),
        state=state,
        keys=(KeyFact(f"lock:{name}".encode(), "string", expiry),),
        why=f"{holder} holds it.",
        facts=(("Holder", holder),),
        at=now,
        judgements=(judgement,) if left is None else (),
    )


def keys_of(family_id: str, count: int, now: float) -> tuple[Row, ...]:
    return tuple(
        Row(
            id=(name := f"{family_id}:{i:03d}".encode()),
            family=family_id,
            title=name.decode(),
            cells=(name.decode(), 90 + 13 * i % 400, expiry, State("fine", Tone.OK)),
            state=State("fine", Tone.OK),
            keys=(KeyFact(name, "string", expiry),),
            at=now,
        )
        for i in range(count)
        for expiry in (Expiry(now + 60 + 7 * i % 3000, 3600.0),)
    )


def rows(now: float) -> dict[str, tuple[Row, ...]]:
    states = {1042: ORPHANED, 1033: ORPHANED, 1034: FINISHED}
    holders = ("api-1", "api-2", "api-1", "worker-3")
    names = ("cron:vuln", "cron:cleanups", "cron:usage_statistics", "cron:stats")
    return {
        "live_queries": tuple(campaign(n, now, states.get(n, RUNNING)) for n in range(1032, 1044)),
        "locks": (
            *(lock(name, holder, now) for name, holder in zip(names, holders, strict=True)),
            lock("async:software", "worker-2", now, None),
        ),
        "host_queue": keys_of("host_queue", 1, now),
        "preassign": keys_of("preassign", 31, now),
        "tokens": keys_of("tokens", 204, now),
        "limits": keys_of("limits", 18, now),
        "config": keys_of("config", 5, now),
        "other": (),
    }


def vitals(at: float, step: int) -> Vitals:
    return Vitals(
        at=at,
        server_name="Valkey",
        version="9.1.2",
        run_id="stage",
        keys=1_041_233 + 40 * step,
        memory=int(wave(at, step % 40 + 2, 5, 812 * 2**20)[-1][1]),
        memory_limit=2 * 2**30,
        policy="noeviction",
        clients=int(wave(at, step % 60 + 2, 7, 61)[-1][1]),
        clients_limit=10_000,
        blocked=2,
        hits=1_000_000 + 9_800 * step,
        misses=90_000 + 180 * step + step % 7 * 30,
        evicted=0,
        expired=40_000 + 11 * step,
        commands=20_000_000 + 28_400 * step + step % 11 * 2_000,
    )


class Stage(QObject):
    """Has everything that the window may ask of a session; what it is told to do is kept in `asked`."""

    link_changed = Signal(object)
    vitals_changed = Signal(object)
    inventory_changed = Signal(object)
    family_changed = Signal(str)
    recorded = False
    findings_changed = Signal()
    happened = Signal(object)
    rewound = Signal()
    slow_log_changed = Signal()
    weights_changed = Signal()

    def __init__(self, layout: Layout = LAYOUT, *, environment: str = "PRODUCTION") -> None:
        super().__init__()
        now = clock.now()
        self.layout = layout
        self.environment, self.name, self.address = environment, "prod-eu", "10.0.2.11:6379"
        self.link = Link(Phase.CONNECTING, self.address, since=now, text="Connecting to 10.0.2.11:6379.")
        self.vitals: Vitals | None = None
        self.inventory = Inventory()
        self.slow_log, self.weights, self.thresholds = SlowLog(), Weights(), Thresholds()
        self.history: deque[Vitals] = deque(maxlen=900)
        self.events: deque[Event] = deque(maxlen=1000)
        self.lanes = Lanes()
        self.expected = Expected(50_000)
        self.interval, self.paused, self.visible = 2.0, False, True
        self.asked: list[tuple[object, ...]] = []
        self._book = FindingBook()
        self._snapshots: dict[str, Snapshot] = {}
        self._tables: dict[str, Table] = {}

    # what the session tells

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._book.findings

    def findings_of(self, family_id: str) -> tuple[Finding, ...]:
        return self._book.of(family_id)

    def now(self) -> float:
        return clock.now()

    def wall(self) -> float:
        return time.time()

    def snapshot(self, family_id: str) -> Snapshot | None:
        return self._snapshots.get(family_id)

    def table(self, family_id: str) -> Table:
        if family_id not in self._tables:
            self._tables[family_id] = Table(self.layout.family(family_id))
        return self._tables[family_id]

    # what the window asks

    def pause(self) -> None:
        self.paused = True
        self.set_link(Phase.PAUSED)

    def resume(self) -> None:
        self.paused = False
        self.set_link(Phase.LIVE)

    def set_interval(self, seconds: float) -> None:
        self.interval = seconds

    def refresh(self) -> None:
        self.asked.append(("refresh",))

    def retry_now(self) -> None:
        self.asked.append(("retry_now",))

    def set_visible(self, visible: bool) -> None:
        self.visible = visible
        self.asked.append(("set_visible", visible))

    def watch(self, family_id: str, row_ids: tuple[bytes, ...]) -> None:
        self.asked.append(("watch", family_id, row_ids))

    async def page(self, key: bytes, type_word: str, cursor: PageCursor | None) -> Page:
        return Page(key, type_word, (PageItem(b"", b"SELECT * FROM os_version"),), 24)

    async def about(self, key: bytes) -> KeyAbout:
        return KeyAbout("embstr", 96)

    async def find(self, text: str, limit: int = 50) -> tuple[Hit, ...]:
        self.asked.append(("find", text))
        hits = [
            Hit(row.family, row.id, row.title, row.keys[0].name.decode())
            for snapshot in self._snapshots.values()
            for row in snapshot.rows
            if text.casefold() in f"{row.title} {row.cells[1]}".casefold()
        ]
        return tuple(hits[:limit])

    # what a test makes happen

    def set_link(self, phase: Phase, **changes: object) -> None:
        now = clock.now()
        fields = {"since": now, "round_trip": 0.0008, "load": 0.002, "last_read": now - 1.0, "skew": 0.02}
        self.link = Link(phase, self.address, **{**fields, **changes})  # type: ignore[arg-type]
        self.link_changed.emit(self.link)

    def go_live(self, polls: int = 150) -> None:
        """Connected for a while: `polls` readings, an inventory, all families, findings, events."""
        now = clock.now()
        for step in range(polls):
            self.vitals = vitals(now - 2.0 * (polls - 1 - step), step)
            self.history.append(self.vitals)
        self.set_link(Phase.LIVE)
        self.vitals_changed.emit(self.vitals)
        self.inventory = Inventory(1_041_233, 1_041_233, now - 14.0)
        self.inventory_changed.emit(self.inventory)
        for family_id, found in rows(now).items():
            for step in range(30, 0, -1):
                self.show(family_id, found[: len(found) - (7 * step) % 5], at=now - 10.0 * step)
            self.show(family_id, found)
        self.tell(
            (Tone.NEUTRAL, "Campaign 1043 started for 50,000 hosts", Happening.STARTED, "live_queries", b"1043"),
            (
                Tone.NEUTRAL,
                "Lock cron:cleanups taken by api-2 for 5 min",
                Happening.TAKEN,
                "locks",
                b"lock:cron:cleanups",
            ),
            (
                Tone.CRITICAL,
                "Campaign 1042 left the active set, its keys remain",
                Happening.OPENED,
                "live_queries",
                b"1042",
            ),
            (Tone.NEUTRAL, "14 installer tokens expired", Happening.EXPIRED, "tokens", b""),
            (Tone.WARN, "Host queue grows faster than it drains", Happening.OPENED, "host_queue", b"host_queue:000"),
            (
                Tone.OK,
                "Campaign 1034 finished: 50,000 hosts in 4 min 11 s",
                Happening.FINISHED,
                "live_queries",
                b"1034",
            ),
            (
                Tone.ACCENT,
                "Lock cron:vuln renewed by api-1 for another 60 s",
                Happening.RENEWED,
                "locks",
                b"lock:cron:vuln",
            ),
        )

    def go_cluster(self, *away: int) -> None:
        """The same on a cluster, of which some primaries may be away."""
        self.go_live()
        found = nodes(*away)
        why = "Nothing accepts connections at 10.0.2.12:6379."
        missing = tuple(Missing(found[n].slots, found[n].address, why) for n in away)
        last = self.history[-1]
        self.vitals = replace(last, mode="cluster", nodes=found, missing=missing, replicas=3, lag_s=1.0)
        self.history.append(replace(self.vitals, at=last.at + 1))
        self.inventory = replace(self.inventory, missing=missing)
        self.vitals_changed.emit(self.vitals)
        self.inventory_changed.emit(self.inventory)
        self.judge_server(*judge(self.history))

    def show(self, family_id: str, found: tuple[Row, ...], *, at: float | None = None) -> None:
        """A family read anew."""
        at = clock.now() if at is None else at
        self._snapshots[family_id] = Snapshot(family_id, found, len(found), at, complete=True)
        judged = [judgement for row in found for judgement in row.judgements]
        opened, closed = self._book.note(family_id, judged, at, time.time() - 1_740)
        self.family_changed.emit(family_id)
        if opened or closed:
            self.findings_changed.emit()

    def judge_server(self, *judgements: Judgement) -> None:
        """The server judged as a whole."""
        self._book.note("", judgements, clock.now(), time.time() - 1_740)
        self.findings_changed.emit()

    def tell(self, *happenings: tuple[Tone, str, Happening, str, bytes]) -> None:
        wall = time.time() - 9 * len(happenings)
        events = tuple(Event(wall + 9 * i, *what) for i, what in enumerate(happenings, 1))
        self.events.extendleft(events)
        self.happened.emit(events)

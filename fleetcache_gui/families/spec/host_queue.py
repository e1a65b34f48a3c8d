"""The queue of host details: `async_host:detail`, a LIST, or a STREAM whose workers form a consumer group.

How many entries wait: the length of a list; of a stream, which keeps what is done until it is trimmed, the
entries that its slowest group was not given yet (lag) or has not acknowledged (pending). What came in is
known exactly for a stream (entries read by a group, and its lag) and estimated from the server's count of
push calls for a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain import closer, words
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    Answers,
    Verdict,
    answers,
    fault,
    key_named,
    keys_now,
    malformed,
    number,
    refusals,
    row_from,
    wrong_type,
)
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity, extend
from fleetcache_gui.domain.flow import RATE_WINDOW, Flow, Load, advance, oldest, rates
from fleetcache_gui.domain.streams import groups, groups_command, members_commands
from fleetcache_gui.domain.telling import Happening, Told
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, Sample, State, Tone
from fleetcache_gui.families.queue_verbs import verbs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleetcache_gui.domain.lens import Lens

KEY = b"async_host:detail"

STALLED = 60.0
"""Seconds without anything taken, or with an entry not acknowledged, after which that is a finding."""

SURGE = 100
"""Entries that must have waited for it to be told that the queue has drained."""

_TREND_WINDOW = 60.0
_TREND_LEAST = 20.0  # seconds to be watched before it is judged that the queue grows
_PUSHES = ("lpush", "rpush", "lpushx", "rpushx")
_POPS = ("lpop", "rpop", "blpop", "brpop", "lmpop", "blmpop", "lmove", "blmove", "rpoplpush", "brpoplpush")
_ID = "host_queue"
_CODE = "queue"
_NAME = "The host queue"
_RULE = Rule(frozenset({"list", "stream"}), "none", 0.0)
_ENDING = (
    "When the key ends, every host detail that waits in it is lost until the hosts send them again.",
    "Fleet sets no expiry here: find out who does, and take it off with PERSIST.",
)
_UNSERVED = (
    "What hosts report does not reach Fleet's database: details grow old, and the queue fills the memory.",
    "Start a Fleet worker, or turn asynchronous host processing off, so that details are written at once.",
)
_GROWING = (
    "Host details reach Fleet's database later and later, and the queue fills the memory.",
    "Add workers, or look why they are slow; most of the time it is the database.",
)
_UNDONE = (
    "The details of these hosts were not written: the worker that has them hangs or has died.",
    "Restart that worker, or let another one claim its entries (XAUTOCLAIM).",
)


# ---- what is asked and answered ---------------------------------------------------------------------------


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for key in keys:
        if key.type == "list":
            commands.append((b"LLEN", key.name))
        elif key.type == "stream":
            commands += [(b"XLEN", key.name), groups_command(key.name)]
    return tuple(commands)


def _follow(reading: Reading) -> tuple[Command, ...]:
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    return tuple(
        command for key in reading.keys for command in members_commands(key.name, got.get(groups_command(key.name)))
    )


def _answers(reading: Reading) -> Answers:
    asked = answers(_probes(reading.id, reading.keys), reading.replies)
    return {**asked, **answers(_follow(reading), reading.more)}


def _load(reading: Reading, before: Row | None, key: KeyFact, got: Answers) -> Load:
    old = before.memory if before and isinstance(before.memory, Flow) else None
    # A list that runs empty ceases to exist.
    kind = old.load.kind if old and not key.exists else key.type
    if kind == "stream":
        length = number(got.get((b"XLEN", key.name)))
        found = groups(key.name, got)
        depth = length
        if length is not None and found:
            depth = max(group.waiting(length) for group in found)
        arrived = max((group.arrived for group in found or () if group.arrived is not None), default=None)
        taken = sum(group.read or 0 for group in found) if found else None
        return Load("stream", depth, length, arrived, taken, groups=found)
    if kind == "list":
        depth = number(got.get((b"LLEN", key.name))) if key.exists else 0
        pushes, pops = _calls(reading.counters, _PUSHES), _calls(reading.counters, _POPS)
        taken = None if pushes is None or depth is None else pushes - depth
        return Load("list", depth, depth, pushes, taken, pops)
    length = None if key.exists else 0
    return Load("", length, length)


def _calls(counters: Mapping[str, int], commands: tuple[str, ...]) -> int | None:
    return sum(counters.get(command, 0) for command in commands) if counters else None


# ---- judging ----------------------------------------------------------------------------------------------


def _verdict(reading: Reading, load: Load, flow: Flow, samples: tuple[Sample, ...]) -> Verdict:
    if load.depth is None:
        return Verdict(State("not read"), "The queue is there, but its length could not be read.")
    troubles = [
        trouble
        for trouble in (
            _unserved(reading, load, flow) or _stalled(reading, load, flow),
            _undone(reading, load),
            _growing(reading, load, flow, samples),
        )
        if trouble
    ]
    if troubles:
        judgements = tuple(judgement for trouble in troubles for judgement in trouble.judgements)
        return Verdict(troubles[0].state, troubles[0].why, judgements)
    arriving, leaving = rates(flow, samples)
    waiting = f"{words.count(load.depth, 'entry', 'entries')} waiting"
    change, _ = _change(samples, RATE_WINDOW)
    if load.depth and abs(change) >= max(5.0, 0.01 * load.depth):
        if change > 0:
            return Verdict(State("growing", Tone.ACCENT), f"{waiting}; just now more come than go.")
        return Verdict(State("draining", Tone.OK), f"{waiting}; more go than come.")
    if load.depth or arriving or leaving:
        return Verdict(State("flowing", Tone.OK), f"{waiting}; about as many go as come.")
    return Verdict(State("idle", Tone.NEUTRAL), "Nothing waits, and nothing comes in.")


def _change(samples: tuple[Sample, ...], window: float) -> tuple[float, float]:
    """How much more waits than at the beginning of the window, and how many seconds ago that was."""
    if len(samples) < 2:
        return 0.0, 0.0
    first = next((s for s in samples[:-1] if s[0] >= samples[-1][0] - window), samples[-2])
    return samples[-1][1] - first[1], samples[-1][0] - first[0]


def _waits(load: Load) -> str:
    return f"{words.count(load.depth or 0, 'entry waits', 'entries wait')}"


def _unserved(reading: Reading, load: Load, flow: Flow) -> Verdict | None:
    """Nobody is there to take what waits."""
    if not load.depth:
        return None
    if load.groups is not None and not any(group.consumers for group in load.groups):
        missing = "consumer group" if not load.groups else "consumer in its group"
        text = f"{_NAME} has no {missing}, and {_waits(load)}."
    elif load.kind == "list" and load.pops is not None and reading.at - flow.popped >= STALLED:
        quiet = words.duration(reading.at - flow.popped)
        text = f"Nobody has taken anything from a list on this server for {quiet}, and {_waits(load)}."
    else:
        return None
    return fault(reading.id, f"{_CODE}.no-consumer", "no consumer", Severity.CRITICAL, text, _UNSERVED)


def _stalled(reading: Reading, load: Load, flow: Flow) -> Verdict | None:
    quiet = reading.at - flow.moved
    if not load.depth or quiet < STALLED:
        return None
    text = f"Nothing was taken from the host queue for {words.duration(quiet)}, and {_waits(load)}."
    return fault(reading.id, f"{_CODE}.stalled", "stalled", Severity.CRITICAL, text, _UNSERVED)


def _undone(reading: Reading, load: Load) -> Verdict | None:
    """Entries that a worker was given and does not acknowledge."""
    late = [(group.oldest.idle, group) for group in load.groups or () if group.oldest]
    idle, group = max(late, key=lambda pair: pair[0], default=(0.0, None))
    if idle < STALLED or group is None or group.oldest is None:
        return None
    oldest = group.oldest
    theirs = next((member.pending for member in group.members if member.name == oldest.consumer), 1)
    entries = words.count(theirs, "entry", "entries")
    text = (
        f"{oldest.consumer} has not acknowledged {entries} of the host queue; "
        f"the oldest was given to it {words.duration(oldest.idle)} ago."
    )
    return fault(reading.id, f"{_CODE}.pending", "stalled", Severity.WARNING, text, _UNDONE)


def _growing(reading: Reading, load: Load, flow: Flow, samples: tuple[Sample, ...]) -> Verdict | None:
    """More comes than goes, still, and over a time in which a mere wave would have come and gone."""
    depth = load.depth or 0
    grown, seconds = _change(samples, _TREND_WINDOW)
    if seconds < _TREND_LEAST or grown < max(20.0, 0.02 * depth) or _change(samples, RATE_WINDOW)[0] <= 0:
        return None
    arriving, leaving = rates(flow, samples)
    speed = f"{words.rate(grown / seconds)} more"
    if arriving is not None and leaving is not None:
        speed = f"{words.rate(arriving)} in, {words.rate(leaving)} out"
    text = f"{_NAME} grows faster than it drains: {speed}, {_waits(load)}."
    return fault(reading.id, f"{_CODE}.growing", "growing", Severity.WARNING, text, _GROWING)


# ---- the row ----------------------------------------------------------------------------------------------


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = _answers(reading)
    load = _load(reading, before, key, got)
    flow = advance(before.memory if before and isinstance(before.memory, Flow) else None, reading.at, load)
    samples = before.samples if before else ()
    if load.depth is not None:
        samples = extend(before, reading.at, load.depth)
    arriving, leaving = rates(flow, samples)
    verdict = (
        (None if reading.id == KEY else malformed(reading.id, _CODE, show(reading.id, NAME), "async_host:detail"))
        or wrong_type(reading.id, _CODE, _NAME, key, ("list", "stream"))
        or (_expires(reading, key) if key.exists and key.expiry.ends else None)
        or _verdict(reading, load, flow, samples)
    )
    pending = None if load.groups is None else sum(group.pending for group in load.groups)
    cells = (
        show(reading.id, CELL),
        load.kind or None,
        load.depth,
        arriving,
        leaving,
        oldest(flow, reading.at, reading.wall, arriving),
        pending,
        samples,
    )
    title = "Host queue" if reading.id == KEY else show(reading.id, NAME)
    facts = (*_facts(load, arriving), *refusals(got))
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=facts, samples=samples, memory=flow)


def _expires(reading: Reading, key: KeyFact) -> Verdict:
    text = f"{_NAME} ends in {words.duration(key.expiry.left(reading.at))}."
    return fault(reading.id, f"{_CODE}.ttl", "expires", Severity.WARNING, text, _ENDING)


def _facts(load: Load, arriving: float | None) -> tuple[tuple[str, str], ...]:
    facts: list[tuple[str, str]] = []
    if load.kind == "list" and arriving is not None:
        facts.append(("In and out", "estimated: the server's count of push calls covers all of its lists"))
    if load.kind == "stream" and load.length is not None:
        facts.append(("Entries kept", f"{words.count(load.length)}, done ones included until they are trimmed"))
    for group in load.groups or ():
        lag = "not known" if group.lag is None else words.count(group.lag)
        workers = words.count(group.consumers, "consumer")
        facts.append((f"Group {group.name}", f"{workers} · {words.count(group.pending)} pending · lag {lag}"))
        facts += [
            (
                f"Consumer {member.name}",
                f"{words.count(member.pending)} pending · idle {words.duration(member.idle)}",
            )
            for member in group.members
        ]
    return tuple(facts)


def _tell(before: Row | None, now: Row | None) -> Told | None:
    """Drained; that it grows or stalls is told by the findings."""
    flow = before.memory if before and isinstance(before.memory, Flow) else None
    if flow is None or not flow.load.depth or flow.peak < SURGE:
        return None
    after = now.memory.load.depth if now and isinstance(now.memory, Flow) else 0
    if now is not None and after != 0:
        return None
    most = words.count(flow.peak, "entry", "entries")
    return Told(Happening.DRAINED, f"The host queue has drained; up to {most} were waiting.")


def _weight(rows: tuple[Row, ...]) -> int | None:
    depths = [row.memory.load.depth for row in rows if row.id == KEY and isinstance(row.memory, Flow)]
    return depths[0] if depths else None


def _lens(row: Row, now: float, wall: float) -> Lens | None:
    return closer.queue(row.memory, row.samples, now, wall) if isinstance(row.memory, Flow) else None


FAMILY = Family(
    id=_ID,
    title="Host queue",
    tab="Host queue",
    noun=("queue", "queues"),
    purpose="What hosts reported and workers have yet to write to Fleet's database; the key appears"
    " when asynchronous host processing is on and hosts report faster than workers take.",
    patterns=("async_host:detail",),
    prefixes=(b"async_host:",),
    columns=(
        Column("queue", "Queue", Kind.CODE, 0, "The key of the queue.", probed=False),
        Column(
            "kind",
            "Kind",
            Kind.TEXT,
            8,
            "A list forgets what was taken; a stream keeps it until it is trimmed.",
            probed=False,
        ),
        Column(
            "depth",
            "Waiting",
            Kind.NUMBER,
            11,
            "Entries not taken yet; of a stream, also those not acknowledged.",
        ),
        Column("in", "In", Kind.RATE, 9, "Entries that come, over the last 20 s; estimated for a list."),
        Column(
            "out",
            "Out",
            Kind.RATE,
            9,
            "Entries that go, over the last 20 s; trimmed ones included for a list.",
        ),
        Column("oldest", "Oldest", Kind.SECONDS, 12, "About how long the oldest waiting entry has waited."),
        Column("pending", "Pending", Kind.NUMBER, 10, "Given to a worker and not acknowledged (streams only)."),
        Column("trend", "Trend", Kind.TREND, 14, "Entries waiting, over the last five minutes at most."),
        Column("state", "State", Kind.STATE, 13),
    ),
    rule=_RULE,
    decode=_decode,
    probes=_probes,
    follow=_follow,
    fixed=(KEY,),
    tell=_tell,
    weight=_weight,
    lens=_lens,
    sort=("queue", False),
    verbs=verbs(KEY),
)

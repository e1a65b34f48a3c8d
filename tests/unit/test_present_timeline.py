"""Sentences for what happened between two snapshots, and for findings that come and go."""

from __future__ import annotations

from fleetcache_gui.domain.family import Judgement, Row, Severity
from fleetcache_gui.domain.health import Finding
from fleetcache_gui.domain.snapshot import NodeVitals, Vitals
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.families.spec.locks import FAMILY
from fleetcache_gui.present.timeline import Event, changes, fates, openings
from tests.readings import Server

KEY = b"lock:cron:vuln"


def lock(token: bytes, before: Row | None = None) -> Row:
    return Server({KEY: token}, {KEY: 60.0}).read(FAMILY, KEY, before)


def test_what_comes_changes_and_goes_is_told() -> None:
    one = lock(b"api-1:0123456789abcdef")
    other = lock(b"api-2:0123456789abcdef", one)
    taken = list(changes(FAMILY, {}, [one], 10.0, complete=True))
    handed = list(changes(FAMILY, {KEY: one}, [other], 11.0, complete=True))
    gone = list(changes(FAMILY, {KEY: other}, [], 12.0, complete=True))
    told = "Lock cron:vuln was taken by api-1 for 1 min 00 s."
    assert taken == [Event(10.0, Tone.ACCENT, told, Happening.TAKEN, "locks", KEY)]
    assert handed[0].text == "Lock cron:vuln changed hands: from api-1 to api-2."
    told = "Lock cron:vuln of api-2 is gone; it had 1 min 00 s left when last read."
    assert gone == [Event(12.0, Tone.NEUTRAL, told, Happening.GONE, "locks", KEY)]


def test_what_stays_is_not_told() -> None:
    one = lock(b"api-1:0123456789abcdef")
    assert list(changes(FAMILY, {KEY: one}, [lock(b"api-1:0123456789abcdef", one)], 10.0, complete=True)) == []


def finding(severity: Severity) -> Finding:
    return Finding("locks", Judgement("lock.no-ttl", KEY, severity, "It has no expiry.", "", ""), 1.0, 2.0)


def test_findings_are_told_as_they_open_and_close() -> None:
    opened, closed = openings([finding(Severity.CRITICAL)], [finding(Severity.WARNING)], 5.0)
    assert opened == Event(5.0, Tone.CRITICAL, "It has no expiry.", Happening.OPENED, "locks", KEY)
    assert closed == Event(5.0, Tone.OK, "No longer: It has no expiry.", Happening.CLOSED, "locks", KEY)


def node(name: str, role: str = "primary", run_id: str = "r") -> NodeVitals:
    return NodeVitals(name * 40, f"10.0.0.{ord(name)}:6379", role, run_id=run_id)


def of(*nodes: NodeVitals, run_id: str = "") -> Vitals:
    return Vitals(0.0, run_id=run_id, nodes=nodes)


def test_a_server_that_was_restarted() -> None:
    (told,) = fates(of(run_id="a"), of(run_id="b"), 1.0)
    assert told.text == "The server was restarted or replaced: what it held before may be gone."
    assert list(fates(of(run_id="a"), of(run_id="a"), 1.0)) == []
    assert list(fates(of(run_id="a"), of(run_id=""), 1.0)) == [], "it may not be asked any more"


def test_what_became_of_the_nodes_of_a_cluster() -> None:
    before = of(node("a"), node("b"), node("c", "replica"), node("d"), run_id="r+r")
    now = of(node("a", run_id="s"), node("b", "replica", ""), node("c"), node("e", "replica"), run_id="r+s")
    assert [(event.text, event.tone) for event in fates(before, now, 1.0)] == [
        ("10.0.0.97:6379 was restarted or replaced: what it held before may be gone.", Tone.WARN),
        ("10.0.0.98:6379 is a replica now.", Tone.WARN),
        ("10.0.0.99:6379 took over as a primary.", Tone.WARN),
        ("10.0.0.101:6379 has joined the cluster as a replica.", Tone.ACCENT),
        ("10.0.0.100:6379 has left the cluster.", Tone.NEUTRAL),
    ]
    assert list(fates(now, now, 1.0)) == []

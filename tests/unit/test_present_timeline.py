"""Sentences for what happened between two snapshots, and for findings that come and go."""

from __future__ import annotations

from fleetcache_gui.domain.family import Judgement, Row, Severity
from fleetcache_gui.domain.health import Finding
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.families.spec.locks import FAMILY
from fleetcache_gui.present.timeline import Event, changes, openings
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
    assert taken == [Event(10.0, Tone.ACCENT, "Lock cron:vuln was taken by api-1 for 1 min 00 s.", "locks", KEY)]
    assert handed[0].text == "Lock cron:vuln changed hands: from api-1 to api-2."
    told = "Lock cron:vuln of api-2 is gone; it had 1 min 00 s left when last read."
    assert gone == [Event(12.0, Tone.NEUTRAL, told, "locks", KEY)]


def test_what_stays_is_not_told() -> None:
    one = lock(b"api-1:0123456789abcdef")
    assert list(changes(FAMILY, {KEY: one}, [lock(b"api-1:0123456789abcdef", one)], 10.0, complete=True)) == []


def finding(severity: Severity) -> Finding:
    return Finding("locks", Judgement("lock.no-ttl", KEY, severity, "It has no expiry.", "", ""), 1.0, 2.0)


def test_findings_are_told_as_they_open_and_close() -> None:
    opened, closed = openings([finding(Severity.CRITICAL)], [finding(Severity.WARNING)], 5.0)
    assert opened == Event(5.0, Tone.CRITICAL, "It has no expiry.", "locks", KEY)
    assert closed == Event(5.0, Tone.OK, "No longer: It has no expiry.", "locks", KEY)

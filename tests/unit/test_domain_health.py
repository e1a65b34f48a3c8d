"""Findings open, change and close."""

from __future__ import annotations

from fleetcache_gui.domain.family import Judgement, Severity
from fleetcache_gui.domain.health import FindingBook


def judgement(code: str, row: bytes = b"r", severity: Severity = Severity.WARNING, text: str = "x") -> Judgement:
    return Judgement(code, row, severity, text, "", "")


def test_a_finding_opens_once_and_keeps_its_beginning() -> None:
    book = FindingBook()
    opened, closed = book.note("locks", [judgement("lock.no-ttl", text="for 1 s")], 10.0, 1000.0)
    assert [finding.id for finding in opened] == [("locks", "lock.no-ttl", b"r")]
    assert closed == []
    opened, closed = book.note("locks", [judgement("lock.no-ttl", text="for 3 s")], 12.0, 1002.0)
    assert (opened, closed) == ([], [])
    (finding,) = book.findings
    assert (finding.since, finding.wall, finding.judgement.text) == (10.0, 1000.0, "for 3 s")


def test_a_finding_closes_when_its_family_no_longer_judges_it() -> None:
    book = FindingBook()
    book.note("locks", [judgement("lock.no-ttl")], 1.0, 1.0)
    book.note("rate_limits", [judgement("rate.over")], 1.0, 1.0)
    opened, closed = book.note("rate_limits", [], 2.0, 2.0)
    assert opened == []
    assert [finding.judgement.code for finding in closed] == ["rate.over"]
    assert [finding.family for finding in book.findings] == ["locks"]


def test_one_that_becomes_graver_is_told_again_and_keeps_its_beginning() -> None:
    book = FindingBook()
    book.note("", [judgement("server.memory")], 10.0, 1000.0)
    opened, closed = book.note("", [judgement("server.memory", severity=Severity.CRITICAL)], 12.0, 1002.0)
    assert ([finding.severity for finding in opened], closed) == ([Severity.CRITICAL], [])
    assert book.note("", [judgement("server.memory")], 14.0, 1004.0) == ([], [])
    (finding,) = book.findings
    assert (finding.severity, finding.since) == (Severity.WARNING, 10.0)


def test_the_worst_and_then_the_oldest_comes_first() -> None:
    book = FindingBook()
    book.note("a", [judgement("info", severity=Severity.INFO)], 1.0, 1.0)
    book.note("b", [judgement("late", severity=Severity.CRITICAL)], 3.0, 3.0)
    book.note("c", [judgement("early", severity=Severity.CRITICAL)], 2.0, 2.0)
    assert [finding.judgement.code for finding in book.findings] == ["early", "late", "info"]
    assert [finding.severity for finding in book.of("a")] == [Severity.INFO]
    assert book.of("nowhere") == ()


def test_the_same_code_on_two_rows_is_two_findings() -> None:
    book = FindingBook()
    opened, _ = book.note("a", [judgement("x", b"1"), judgement("x", b"2")], 1.0, 1.0)
    assert len(opened) == 2


def test_findings_are_the_same_tuples_until_one_of_them_changes() -> None:
    book = FindingBook()
    book.note("a", [judgement("x", b"1"), judgement("x", b"2")], 1.0, 1.0)
    everything, own = book.findings, book.of("a")
    book.note("a", [judgement("x", b"1"), judgement("x", b"2")], 2.0, 2.0)
    assert book.findings is everything
    assert book.of("a") is own
    book.note("a", [judgement("x", b"1"), judgement("x", b"2", text="other words")], 3.0, 3.0)
    assert [finding.judgement.text for finding in book.of("a")] == ["x", "other words"]
    assert book.findings == book.of("a")

"""A closer look: rates, what is left, and how long it takes, from samples alone."""

from __future__ import annotations

from fleetcache_gui.domain import closer
from fleetcache_gui.domain.flow import Flow, Load
from fleetcache_gui.domain.streams import Consumer, Group, Pending
from fleetcache_gui.domain.values import Progress, Sample


def every(seconds: float, *values: float) -> tuple[Sample, ...]:
    return tuple((100.0 + seconds * number, float(value)) for number, value in enumerate(values))


def test_speeds_are_taken_over_twenty_seconds_and_never_fall_below_nothing() -> None:
    assert closer.speeds(every(10.0, 0, 100, 200, 200, 150)) == (
        (110.0, 10.0),
        (120.0, 10.0),
        (130.0, 5.0),
        (140.0, 0.0),
    )
    assert closer.speeds(()) == closer.speeds(every(1.0, 5)) == ()


def test_a_campaign_that_goes_on() -> None:
    lens = closer.campaign(every(10.0, 0, 1000, 2000), Progress(2000, 10_000), 125.0)
    assert lens is not None
    assert dict(lens.figures) == {
        "Answered": "2,000 of 10,000 (20 %)",
        "Rate now": "100/s",
        "Fastest seen": "100/s",
        "Last new answer": "5.0 s ago",
        "Still to answer": "8,000 hosts",
        "All answered in": "about 1 min 20 s, at this rate",
    }
    assert lens.note == ""
    assert [graph.id for graph in lens.graphs] == ["answered", "rate"]
    assert lens.graphs[0].curves[0][1] == every(10.0, 0, 1000, 2000)


def test_a_campaign_with_stragglers_and_one_that_stands_still() -> None:
    slowed = closer.campaign(every(10.0, 0, 9000, 9500, 9510, 9520), Progress(9520, 10_000), 141.0)
    assert slowed is not None
    assert slowed.note == "What is left are stragglers: 480 hosts offline, asleep, or busy with the query."
    still = closer.campaign(every(10.0, 7, 7, 7), Progress(7, 10), 121.0)
    assert still is not None
    assert dict(still.figures)["All answered in"] == "never, at this rate"
    assert dict(still.figures)["Last new answer"] == "none was seen"


def test_without_the_number_of_hosts_nothing_is_said_of_what_is_left() -> None:
    lens = closer.campaign(every(10.0, 0, 100), Progress(100), 111.0)
    assert lens is not None
    assert "Still to answer" not in dict(lens.figures)
    assert "--hosts" in lens.note
    assert closer.campaign((), Progress(0, 5), 100.0) is None
    assert closer.campaign(every(1.0, 0, 1), None, 100.0) is None


def test_a_queue_that_drains() -> None:
    flow = Flow(Load("list", 600, 600, 1200), every(10.0, 1000, 1100, 1200), 120.0, 120.0, peak=900)
    lens = closer.queue(flow, every(10.0, 900, 750, 600), 120.0, 0.0)
    figures = dict(lens.figures)
    assert (figures["Waiting"], figures["In"], figures["Out"]) == ("600 entries", "10/s", "25/s")
    assert figures["Drained in"] == "about 40 s, at this rate"
    assert figures["Most since it was empty"] == "900 entries"
    came, gone = lens.graphs[1].curves
    assert came == ("in", ((110.0, 10.0), (120.0, 10.0)))
    assert gone == ("out", ((110.0, 25.0), (120.0, 25.0)))
    assert "estimated" in lens.note


def test_a_queue_that_does_not_drain() -> None:
    flow = Flow(Load("stream", 30, 30, 300), every(10.0, 100, 200, 300), 120.0, 120.0)
    growing = closer.queue(flow, every(10.0, 10, 20, 30), 120.0, 0.0)
    assert dict(growing.figures)["Drained in"] == "never, at this rate"
    assert growing.note == "No consumer group reads this stream."
    level = closer.queue(flow, every(10.0, 10, 10, 10), 120.0, 0.0)
    assert dict(level.figures)["Drained in"] == "never: as much comes as goes"
    unread = closer.queue(Flow(Load("", None, None), (), 0.0, 0.0), (), 1.0, 1.0)
    assert dict(unread.figures)["Waiting"] == "not known"
    assert dict(unread.figures)["Drained in"] == "not known yet"


def test_who_holds_what_of_a_stream() -> None:
    members = (Consumer("w1", 2, 0.5), Consumer("w2", 80, 300.0))
    oldest = Pending(1_000_000, "w2", 290.0, 3)
    ages = (290.0, 4.0, 9.9, 30.0, 7000.0)
    group = Group("workers", 2, 82, 5, 100, 0, members, oldest, ages=ages)
    flow = Flow(Load("stream", 87, 100, 300, groups=(group,)), every(10.0, 100, 200), 110.0, 110.0)
    lens = closer.queue(flow, every(10.0, 80, 87), 110.0, 1400.0)
    assert lens.lines == (
        ("workers", "2 consumers, lag 5", "82", "", "added 6 min 40 s ago, given out 3 times"),
        ("", "w2", "80", "5 min 00 s ago", "4 min 50 s with it"),
        ("", "w1", "2", "0.5 s ago", ""),
    )
    assert len(lens.heads) == len(lens.lines[0])
    told = "2 under 10 s, 1 under 1 min, 1 under 10 min, 1 longer."
    assert lens.note == f"Pending in workers (its first 5), by time since delivery: {told}"

"""The host queue: how it flows, as a list and as a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.family import Row, Severity
from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.families.spec import host_queue
from fleetcache_gui.families.spec.host_queue import KEY, STALLED
from tests.readings import START, WALL, Server, Value, cell, codes, told

if TYPE_CHECKING:
    from fleetcache_gui.domain.values import Command, Reply

FAMILY = host_queue.FAMILY


def story(*polls: tuple[float, int, int | None, int]) -> Row:
    """A list over polls: seconds since the one before, its length, push and pop calls so far."""
    source, row = Server(), None
    for pause, depth, pushes, pops in polls:
        source.at += pause
        source.values[KEY] = [b"x"] * depth or None
        source.counters = {} if pushes is None else {"lpush": pushes, "brpop": pops, "get": 5}
        row = source.read(FAMILY, KEY, row)
    assert row is not None
    return row


@dataclass
class Stream:
    """A consumer group's figures; times in seconds before now."""

    length: int = 1000
    read: int | None = 5000
    lag: int | None = 0
    pending: int = 0
    consumers: int = 2
    delivered: float = 1.0
    oldest: float | None = None  # the oldest pending entry was added and delivered so long ago

    def replies(self, at: float) -> dict[Command, Reply]:
        wall = WALL + at - START
        group: list[Reply] = [b"name", b"workers", b"consumers", self.consumers, b"pending", self.pending]
        group += [b"last-delivered-id", b"%d-0" % int((wall - self.delivered) * 1000)]
        group += [b"entries-read", self.read, b"lag", self.lag]
        pending: list[Reply] = []
        if self.oldest is not None:
            ms = int(self.oldest * 1000)
            pending = [[b"%d-0" % (int(wall * 1000) - ms), b"worker-3", ms, 1]]
        consumer: list[Reply] = [b"name", b"worker-3", b"pending", self.pending, b"idle", 300]
        return {
            (b"XINFO", b"GROUPS", KEY): [group],
            (b"XPENDING", KEY, b"workers", b"-", b"+", b"100"): pending,
            (b"XINFO", b"CONSUMERS", KEY, b"workers"): [consumer],
        }


def stream(*polls: tuple[float, Stream]) -> Row:
    source, row = Server(), None
    for pause, figures in polls:
        source.at += pause
        source.values[KEY] = figures.length
        source.special = figures.replies(source.at)
        row = source.read(FAMILY, KEY, row)
    assert row is not None
    return row


def test_a_list_that_was_read_once() -> None:
    row = story((0, 40, 100, 60))
    assert row.title == "Host queue"
    assert cell(FAMILY, row, "kind") == "list"
    assert cell(FAMILY, row, "depth") == 40
    assert [cell(FAMILY, row, column) for column in ("in", "out", "oldest", "pending")] == [None] * 4
    assert (row.state.word, row.judgements) == ("flowing", ())
    assert FAMILY.weight((row,)) == 40


def test_rates_of_a_list_come_from_the_count_of_pushes() -> None:
    row = story((0, 100, 1000, 900), (2, 110, 1060, 950), (2, 120, 1120, 1000))
    assert cell(FAMILY, row, "in") == 30.0
    assert cell(FAMILY, row, "out") == 25.0
    assert cell(FAMILY, row, "oldest") == 4.0  # 120 waiting at 30/s
    assert dict(row.facts)["In and out"].startswith("estimated")


def test_pushes_of_many_entries_at_once_are_not_fewer_than_the_list_has_grown_by() -> None:
    row = story((0, 100, 10, 5), (10, 600, 15, 6))
    assert cell(FAMILY, row, "in") == 50.0
    assert cell(FAMILY, row, "out") == 0.0


def test_without_the_right_to_read_the_counters_rates_are_unknown() -> None:
    row = story((0, 100, None, 0), (2, 110, None, 0))
    assert cell(FAMILY, row, "in") is None
    assert cell(FAMILY, row, "out") is None
    assert row.state.word == "growing"


def test_growing_is_a_state_at_once_and_a_finding_when_it_lasts() -> None:
    row = story((0, 100, 1000, 900), (10, 200, 1200, 1000))
    assert (row.state.word, row.judgements) == ("growing", ())
    row = story((0, 100, 1000, 900), (10, 200, 1200, 1000), (10, 300, 1400, 1100))
    assert codes(row) == {"queue.growing": Severity.WARNING}
    assert row.judgements[0].text == (
        "The host queue grows faster than it drains: 20/s in, 10/s out, 300 entries wait."
    )


def test_a_wave_that_has_come_and_gone_is_no_finding() -> None:
    up = [(2.0, 100 * n, 200 * n, 100 * n) for n in range(1, 11)]
    down = [(2.0, 1000 - 95 * n, 2000 + 5 * n, 1000 + 100 * n) for n in range(1, 11)]
    assert codes(story((0, 10, 0, 0), *up, *down)) == {}


def test_draining_flowing_and_idle() -> None:
    assert story((0, 500, 10, 1), (2, 300, 20, 211)).state.word == "draining"
    assert story((0, 100, 1000, 900), (2, 101, 1060, 959)).state.word == "flowing"
    assert story((0, 0, 1000, 1000), (2, 0, 1060, 1060)).state.word == "idle"  # it is no list: nothing is known
    assert story((0, 5, 1000, 995), (2, 0, 1060, 1060), (2, 0, 1060, 1060)).state.word == "flowing"
    assert story((0, 5, 1000, 995), (2, 0, 1060, 1060), (40, 0, 1060, 1060)).state.word == "idle"


def test_a_list_that_nobody_pops() -> None:
    row = story((0, 100, 1000, 900), (STALLED, 110, 1010, 900))
    assert row.state.word == "no consumer"
    assert codes(row)["queue.no-consumer"] is Severity.CRITICAL
    assert row.judgements[0].text == (
        "Nobody has taken anything from a list on this server for 1 min 00 s, and 110 entries wait."
    )


def test_a_list_that_others_pop_around() -> None:
    row = story((0, 100, 1000, 900), (STALLED, 100, 1000, 950))
    assert codes(row) == {"queue.stalled": Severity.CRITICAL}
    assert row.judgements[0].text == ("Nothing was taken from the host queue for 1 min 00 s, and 100 entries wait.")


def test_a_restart_of_the_server_is_no_rate() -> None:
    row = story((0, 100, 90_000, 89_900), (2, 10, 20, 10))
    assert cell(FAMILY, row, "in") is None
    assert cell(FAMILY, row, "out") is None


def test_a_stream_that_flows() -> None:
    row = stream((0, Stream(read=5000, lag=10, pending=5)), (2, Stream(read=5100, lag=10, pending=5, oldest=0.4)))
    assert cell(FAMILY, row, "kind") == "stream"
    assert cell(FAMILY, row, "depth") == 15  # not the 1,000 that are kept
    assert cell(FAMILY, row, "in") == 50.0
    assert cell(FAMILY, row, "out") == 50.0
    assert cell(FAMILY, row, "pending") == 5
    assert cell(FAMILY, row, "oldest") == pytest.approx(1.0, abs=0.01)
    assert (row.state.word, row.judgements) == ("flowing", ())
    facts = dict(row.facts)
    assert facts["Entries kept"] == "1,000, done ones included until they are trimmed"
    assert facts["Group workers"] == "2 consumers · 5 pending · lag 10"
    assert facts["Consumer worker-3"] == "5 pending · idle 0.3 s"


def test_the_oldest_entry_is_no_older_than_the_time_since_nothing_waited() -> None:
    """After a quiet hour the last delivery is an hour old, and the entry that waits is not."""
    row = stream((0, Stream(delivered=3600)), (2, Stream(lag=50, delivered=3602)))
    assert cell(FAMILY, row, "oldest") == 2.0


def test_a_stream_without_a_group() -> None:
    source = Server({KEY: 12})
    row = source.read(FAMILY, KEY)
    assert codes(row) == {"queue.no-consumer": Severity.CRITICAL}
    assert row.judgements[0].text == "The host queue has no consumer group, and 12 entries wait."
    assert cell(FAMILY, row, "depth") == 12


def test_a_group_without_a_consumer() -> None:
    row = stream((0, Stream(consumers=0, lag=1)))
    assert row.judgements[0].text == "The host queue has no consumer in its group, and 1 entry waits."
    assert stream((0, Stream(consumers=0, lag=0))).judgements == ()


def test_entries_that_a_worker_does_not_acknowledge() -> None:
    row = stream((0, Stream(pending=20, oldest=STALLED + 5)))
    assert row.state.word == "stalled"
    assert codes(row) == {"queue.pending": Severity.WARNING}
    assert row.judgements[0].text == (
        "worker-3 has not acknowledged 20 entries of the host queue; the oldest was given to it 1 min 05 s ago."
    )
    assert cell(FAMILY, row, "oldest") == pytest.approx(STALLED + 5, abs=0.01)


def test_a_stream_from_which_nothing_is_taken() -> None:
    row = stream((0, Stream(lag=10)), (STALLED, Stream(lag=400, length=1400)))
    assert set(codes(row)) == {"queue.stalled", "queue.growing"}
    assert row.state.word == "stalled"


def test_without_the_right_to_see_groups_nobody_is_said_to_be_missing() -> None:
    source = Server({KEY: 12}, special={(b"XINFO", b"GROUPS", KEY): ReplyError("NOPERM no")})
    row = source.read(FAMILY, KEY)
    assert row.judgements == ()
    assert cell(FAMILY, row, "pending") is None


def test_a_server_that_knows_no_lag() -> None:
    row = stream((0, Stream(lag=None, read=None, length=70)))
    assert cell(FAMILY, row, "depth") == 70
    assert dict(row.facts)["Group workers"].endswith("lag not known")


def test_with_an_expiry_everything_in_it_would_be_lost() -> None:
    row = Server({KEY: [b"x"]}, {KEY: 90.0}).read(FAMILY, KEY)
    assert codes(row) == {"queue.ttl": Severity.WARNING}
    assert row.judgements[0].text == "The host queue ends in 1 min 30 s."


@pytest.mark.parametrize(("value", "found"), [(b"x", "a string"), ({b"x"}, "a set"), ({b"a": b"b"}, "a hash")])
def test_the_wrong_type(value: Value, found: str) -> None:
    row = Server({KEY: value}).read(FAMILY, KEY)
    assert codes(row) == {"queue.wrong-type": Severity.CRITICAL}
    assert row.judgements[0].text == f"The host queue is {found}, but Fleet needs a list or a stream."


def test_another_name_is_malformed() -> None:
    row = Server({b"async_host:details": [b"x"]}).read(FAMILY, b"async_host:details")
    assert codes(row) == {"queue.malformed": Severity.WARNING}
    assert FAMILY.weight((row,)) is None


def test_a_list_made_a_stream_is_another_queue() -> None:
    source = Server({KEY: [b"x"] * 900}, counters={"lpush": 5, "brpop": 1})
    row = source.read(FAMILY, KEY)
    source.at += 2
    source.values[KEY] = 10
    row = source.read(FAMILY, KEY, row)
    assert cell(FAMILY, row, "in") is None
    assert cell(FAMILY, row, "kind") == "stream"


def test_drained_is_told_when_much_had_waited() -> None:
    full = story((0, 10, 0, 0), (2, 1200, 0, 0), (2, 150, 0, 0))
    assert told(FAMILY, full, None) == "The host queue has drained; up to 1,200 entries were waiting."
    assert told(FAMILY, story((0, 99, 0, 0)), None) is None
    assert told(FAMILY, full, full) is None
    empty = story((0, 1200, 0, 0), (2, 0, 0, 0))
    assert told(FAMILY, full, empty) is not None
    assert told(FAMILY, empty, empty) is None

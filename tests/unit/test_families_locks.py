"""Locks: who holds them, since when, and whether anybody still renews them."""

from __future__ import annotations

import pytest

from fleetcache_gui.domain.family import Row, Severity
from fleetcache_gui.domain.values import Expiry, Tone
from fleetcache_gui.families.spec import locks
from tests.readings import START, Server, Value, cell, codes, told

FAMILY = locks.FAMILY
KEY = b"lock:cron:vuln"
API_1, API_2 = b"api-1:0123456789abcdef0123456789abcdef", b"api-2:fedcba9876543210fedcba9876543210"


def server(token: Value = API_1, left: float | None = 60.0) -> Server:
    return Server({KEY: token}, {} if left is None else {KEY: left})


def renewals(*steps: tuple[float, float], token: bytes = API_1) -> Row:
    """The row after polls, each some seconds after the one before, with that many seconds left."""
    source, row = server(token), None
    for pause, left in steps:
        source.at += pause
        source.left[KEY] = left
        row = source.read(FAMILY, KEY, row)
    assert row is not None
    return row


def test_a_held_lock() -> None:
    row = server().read(FAMILY, KEY)
    assert row.title == "Lock cron:vuln"
    assert cell(FAMILY, row, "name") == "cron:vuln"
    assert cell(FAMILY, row, "holder") == "api-1"
    assert cell(FAMILY, row, "held") == START
    assert cell(FAMILY, row, "renewals") == 0
    assert cell(FAMILY, row, "left") == Expiry(START + 60, 60.0)
    assert (row.state.word, row.judgements) == ("held", ())
    assert dict(row.facts)["Token"] == API_1.decode()


@pytest.mark.parametrize(
    ("token", "holder"),
    [
        (API_1, "api-1"),
        (b"fleet.example.com:8080:0123456789abcdef", "fleet.example.com:8080"),
        (b"host:7c9e6679-7425-40de-944b-e07fc1f90ae7", "host"),
        (b"b64:9zUwq0mLQ3yVf1pTj6e2Gw==", "b64:9zUwq0mLQ…"),
        (b"7c9e6679-7425-40de-944b-e07fc1f90ae7", "7c9e6679-7425…"),
        (b"1", "1"),
        (b"", "(empty)"),
        (b":0123456789abcdef", ":0123456789ab…"),
        (b"<b>api</b>\n:0123456789abcdef", "<b>api</b>\\n"),
        (b"\xff\x00", "\\xff\\x00"),
    ],
)
def test_the_holder_is_read_off_the_token(token: bytes, holder: str) -> None:
    row = server(token).read(FAMILY, KEY)
    assert cell(FAMILY, row, "holder") == holder
    assert row.state.word == "held"


def test_renewals_are_counted_as_the_expiry_moves_later() -> None:
    row = renewals((0, 60), (2, 58), (2, 60), *((2, 58.02 - 2 * n) for n in range(9)), (2, 60))
    assert cell(FAMILY, row, "renewals") == 2
    assert cell(FAMILY, row, "held") == START
    assert dict(row.facts)["Renewed at least each"] == "20 s"
    assert (row.state.word, row.judgements) == ("held", ())


def test_a_late_answer_is_no_renewal_but_a_later_absolute_expiry_is() -> None:
    source = server()
    source.at_ms[KEY] = 1_000_000
    row = source.read(FAMILY, KEY)
    source.at, source.left[KEY] = START + 2, 58.3  # the answer took 300 ms longer
    row = source.read(FAMILY, KEY, row)
    assert cell(FAMILY, row, "renewals") == 0
    source.at, source.left[KEY], source.at_ms[KEY] = START + 4, 56.001, 1_000_001
    assert cell(FAMILY, source.read(FAMILY, KEY, row), "renewals") == 1


def test_another_token_is_another_hold() -> None:
    source = server()
    row = source.read(FAMILY, KEY)
    source.at, source.values[KEY], source.left[KEY] = START + 2, API_2, 10.0
    now = source.read(FAMILY, KEY, row)
    assert cell(FAMILY, now, "holder") == "api-2"
    assert cell(FAMILY, now, "held") == START + 2
    assert cell(FAMILY, now, "left") == Expiry(START + 12, 10.0)  # not measured by the other's timeout
    assert told(FAMILY, row, now) == "Lock cron:vuln changed hands: from api-1 to api-2."


def test_without_expiry() -> None:
    row = server(left=None).read(FAMILY, KEY)
    assert row.state.word == "no expiry"
    assert codes(row) == {"lock.no-ttl": Severity.CRITICAL}
    assert row.judgements[0].text == "Lock cron:vuln, held by api-1, has no expiry."


def test_with_days_to_live() -> None:
    row = server(left=7 * 86400.0).read(FAMILY, KEY)
    assert codes(row) == {"lock.long-ttl": Severity.WARNING}
    assert row.judgements[0].text.startswith("Lock cron:vuln, held by api-1, still lives for 7 d 0 h;")


def test_about_to_expire_without_a_renewal() -> None:
    row = renewals((0, 60), (49, 11))
    assert row.state.word == "expiring"
    assert row.state.tone is Tone.WARN
    assert codes(row) == {"lock.expiring": Severity.INFO}
    assert row.judgements[0].text == ("Lock cron:vuln, held by api-1, ends in 11 s and was not renewed while watched.")


def test_about_to_expire_although_it_was_renewed_before() -> None:
    row = renewals((0, 60), (2, 60), (49, 11))
    assert codes(row) == {"lock.expiring": Severity.WARNING}
    assert "although it was renewed before" in row.judgements[0].text


def test_a_lock_seen_first_near_its_end_is_about_to_expire() -> None:
    assert server(left=2.5).read(FAMILY, KEY).state.word == "expiring"
    assert server(left=8.0).read(FAMILY, KEY).state.word == "held"


def test_a_holder_that_no_longer_renews_is_stuck() -> None:
    row = renewals((0, 600), (20, 600), (20, 600), (20, 600), (70, 530))
    assert row.state.word == "stuck"
    assert codes(row) == {"lock.stuck": Severity.WARNING}
    assert row.judgements[0].text == (
        "Lock cron:vuln, held by api-1, has not been renewed for 1 min 10 s; before, it was at least each 20 s."
    )


def test_a_pause_of_the_reading_is_not_taken_for_the_time_between_renewals() -> None:
    calm = [(2.0, 600 - 2.0 * n) for n in range(1, 10)] + [(2.0, 600.0)]  # renewed each 20 s, read each 2 s
    before = renewals((0, 600), *calm, *calm, *calm)
    paused = renewals((0, 600), *calm, *calm, *calm, (900, 600), *calm)
    assert dict(before.facts)["Renewed at least each"] == "20 s"
    assert dict(paused.facts)["Renewed at least each"] == "20 s"
    silent = renewals((0, 600), *calm, *calm, *calm, (900, 600), *calm, *((2.0, 600 - 2.0 * n) for n in range(1, 35)))
    assert silent.state.word == "stuck"


def test_a_pause_before_any_interval_is_known_says_nothing_either() -> None:
    row = renewals((0, 600), (2, 600), (900, 600))
    assert "Renewed at least each" not in dict(row.facts)


def test_a_lock_held_for_hours_without_a_renewal_is_stuck() -> None:
    row = renewals((0, 80_000), (3601, 76_399))
    assert row.judgements[0].text == "Lock cron:vuln, held by api-1, has not been renewed for 1 h 00 min."
    assert renewals((0, 80_000), (3599, 76_401)).state.word == "held"


def test_the_wrong_type_is_not_read() -> None:
    source = server({b"owner": b"api-2"})
    assert FAMILY.probes(KEY, (source.fact(KEY),)) == ()
    row = source.read(FAMILY, KEY)
    assert codes(row) == {"lock.wrong-type": Severity.CRITICAL}
    assert row.judgements[0].text == "Lock cron:vuln is a hash, but Fleet needs a string."
    assert cell(FAMILY, row, "holder") is None


def test_a_lock_without_a_name() -> None:
    row = Server({b"lock:": b"x"}, {b"lock:": 5.0}).read(FAMILY, b"lock:")
    assert codes(row) == {"lock.malformed": Severity.WARNING}


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        (58.0, "Lock cron:vuln of api-1 is gone; it had 58 s left when last read."),
        (None, "Lock cron:vuln of api-1 was released."),  # it could not run out
    ],
)
def test_what_is_told_of_its_end_holds_however_late_it_is_noticed(left: float | None, sentence: str) -> None:
    assert told(FAMILY, server(left=left).read(FAMILY, KEY), None) == sentence


def test_what_is_told_of_its_beginning() -> None:
    assert told(FAMILY, None, server().read(FAMILY, KEY)) == "Lock cron:vuln was taken by api-1 for 1 min 00 s."
    assert told(FAMILY, None, server(left=None).read(FAMILY, KEY)) == (
        "Lock cron:vuln was taken by api-1 without expiry."
    )


def test_a_renewal_is_not_told_and_a_new_round_is() -> None:
    source = server()
    row = source.read(FAMILY, KEY)
    source.at += 2
    renewed = source.read(FAMILY, KEY, row)
    assert told(FAMILY, row, renewed) is None
    source.values[KEY] = b"api-1:ffffffffffffffff"
    assert told(FAMILY, row, source.read(FAMILY, KEY, row)) == "Lock cron:vuln was taken again by api-1."

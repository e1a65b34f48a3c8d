"""What servers answer and libraries raise, as sentences. Real servers say the same in `tests/live/test_lane.py`."""

from __future__ import annotations

import errno
import socket

import pytest
from hiredis import ProtocolError
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.faults import Fault, Trouble, from_exception, from_reply, not_redis, too_large

CANARY = "hunter2"
ADDRESS = Address("cache.example.com", 6380, 3, "me", CANARY)

REPLIES = [
    ("NOAUTH Authentication required.", Fault.PASSWORD, True),
    ("WRONGPASS invalid username-password pair or user is disabled.", Fault.PASSWORD, True),
    ("ERR invalid password", Fault.PASSWORD, True),
    ("ERR AUTH <password> called without any password configured for the default user.", Fault.PASSWORD, True),
    ("ERR wrong number of arguments for 'auth' command", Fault.PASSWORD, True),
    (f"NOPERM User me has no permissions to run the 'ping' command {CANARY}", Fault.PERMISSION, True),
    ("DENIED Redis is running in protected mode because …", Fault.PERMISSION, True),
    ("LOADING Redis is loading the dataset in memory", Fault.LOADING, False),
    ("BUSY Redis is busy running a script.", Fault.BUSY, False),
    ("ERR max number of clients reached", Fault.FULL, False),
    ("ERR DB index is out of range", Fault.DATABASE, True),
    ("ERR SELECT is not allowed in cluster mode", Fault.DATABASE, True),
    ("MASTERDOWN Link with MASTER is down", Fault.OTHER, False),
    (f"ERR unknown command 'scan', with args beginning with: '{CANARY}'", Fault.OTHER, False),
    ("", Fault.OTHER, False),
]

ERRORS = [
    (ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 6380)"), Fault.REFUSED, False),
    (socket.gaierror(-2, "Name or service not known"), Fault.UNKNOWN_HOST, False),
    (UnicodeError("label empty or too long"), Fault.UNKNOWN_HOST, False),
    (TimeoutError(), Fault.TIMEOUT, False),
    (OSError(errno.ENETUNREACH, "Network is unreachable"), Fault.TIMEOUT, False),
    (ConnectionError("closed by the server"), Fault.LOST, False),
    (ConnectionResetError(104, "Connection reset by peer"), Fault.LOST, False),
    (ValueError(CANARY), Fault.LOST, False),
    (ProtocolError(f'Protocol error, got "S" as reply type byte {CANARY}'), Fault.NOT_REDIS, True),
    (not_redis(ADDRESS), Fault.NOT_REDIS, True),
    (too_large(ADDRESS), Fault.TOO_LARGE, False),
]


def assert_fit_for_a_person(trouble: Trouble) -> None:
    for sentence in (trouble.text, trouble.advice):
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 200
        assert CANARY not in sentence
        assert "Errno" not in sentence
    assert CANARY not in f"{trouble} {trouble!r}"
    assert ADDRESS.host in trouble.text


@pytest.mark.parametrize(("text", "fault", "final"), REPLIES)
def test_what_a_server_answers(text: str, fault: Fault, final: bool) -> None:
    trouble = from_reply(ReplyError(text), ADDRESS)
    assert (trouble.fault, trouble.final) == (fault, final)
    assert_fit_for_a_person(trouble)


@pytest.mark.parametrize(("error", "fault", "final"), ERRORS, ids=lambda value: type(value).__name__)
def test_what_libraries_raise(error: Exception, fault: Fault, final: bool) -> None:
    trouble = from_exception(error, ADDRESS)
    assert (trouble.fault, trouble.final) == (fault, final)
    assert_fit_for_a_person(trouble)


def test_each_fault_has_a_sentence_of_its_own() -> None:
    told = {from_reply(ReplyError(text), ADDRESS).text for text, _, _ in REPLIES[:1] + REPLIES[6:12]}
    told |= {from_exception(error, ADDRESS).text for error, _, _ in ERRORS}
    elsewhere = {Fault.TLS, Fault.TUNNEL, Fault.SENTINEL}  # test_redis_io_tls.py and tests/live
    assert len(told) >= len(Fault) - len(elsewhere) - 1


@given(st.text(max_size=60))
def test_any_error_text_becomes_a_short_sentence(text: str) -> None:
    trouble = from_reply(ReplyError(text), Address("h"))
    assert len(trouble.text) < 120
    assert trouble.text.isprintable()

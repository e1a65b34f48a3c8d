"""INFO as figures, whatever a server writes into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.server_health import judge
from fleetcache_gui.domain.values import Reply, ReplyError
from fleetcache_gui.redis_io import info

WORDS = ("redis_version", "redis_mode", "role", "maxmemory_policy")

TEXT = b"""# Server\r
redis_version:7.0.15\r
run_id:abc\r
connected_clients:3\r
# Memory\r
used_memory:1048576\r
maxmemory:0\r
role:master\r
connected_slaves:2\r
slave0:ip=10.0.0.1,port=6379,state=online,offset=1,lag=1\r
slave1:ip=10.0.0.2,port=6379,state=online,offset=1,lag=7\r
cmdstat_get:calls=5,usec=10,usec_per_call=2.00\r
cmdstat_client|setname:calls=1,usec=1,usec_per_call=1.00\r
"""


def test_figures() -> None:
    vitals = info.vitals(info.fields(TEXT), 1.0, 42)
    assert (vitals.server_name, vitals.version, vitals.run_id) == ("Redis", "7.0.15", "abc")
    assert (vitals.keys, vitals.memory, vitals.memory_limit, vitals.clients) == (42, 1048576, 0, 3)
    assert (vitals.replicas, vitals.lag_s) == (2, 7.0)
    assert vitals.calls == {"get": 5, "client|setname": 1}


def test_valkey_says_its_own_name_and_version() -> None:
    vitals = info.vitals({"server_name": "valkey", "valkey_version": "9.1.0", "redis_version": "7.2.4"}, 1.0, None)
    assert (vitals.server_name, vitals.version) == ("Valkey", "9.1.0")


@pytest.mark.parametrize("reply", [None, 3, [], b"", ReplyError("NOPERM no")])
def test_nothing_told_is_nothing_known(reply: Reply) -> None:
    vitals = info.vitals(info.fields(reply), 1.0, None)
    assert (vitals.memory, vitals.calls, vitals.run_id) == (None, {}, "")


@pytest.mark.parametrize("odd", ["9" * 400, "²", "-5", "1_0", "", "inf"])
def test_a_figure_that_is_none_counts_as_not_told(odd: str) -> None:
    lines = f"used_memory:{odd}\nmaxmemory:{odd}\ncmdstat_get:calls={odd},usec=1\nslave0:ip=x,lag={odd}\n"
    vitals = info.vitals(info.fields(lines.encode()), 1.0, None)
    assert (vitals.memory, vitals.memory_limit, vitals.calls, vitals.lag_s) == (None, None, {}, None)
    judge([vitals])


def test_words_of_a_server_cannot_move_a_terminal() -> None:
    text = "\n".join(f"{name}:\x1b[2J\u202e" + "x" * 400 for name in WORDS)
    vitals = info.vitals(info.fields(text.encode()), 1.0, None)
    for word in (vitals.version, vitals.mode, vitals.role, vitals.policy):
        assert word is not None
        assert word.isprintable()
        assert word.startswith("\\x1b[2J")
        assert len(word) <= 32


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: TEXT + text.encode("utf-8", "replace")))
def test_anything_can_be_read(raw: bytes) -> None:
    info.vitals(info.fields(raw), 1.0, None)

"""The allow-list: everything that a family asks passes it, and nothing that writes does.

That each entry is a read on real servers is held by `tests/live/test_lane.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcache_gui.domain.family import Family, Reading
from fleetcache_gui.domain.values import FOREVER, KeyFact, Reply, ReplyError
from fleetcache_gui.families.layouts import BOTH, LAYOUTS
from fleetcache_gui.redis_io import allow
from fleetcache_gui.redis_io.allow import NotAllowed, check

FAMILIES = pytest.mark.parametrize("family", BOTH.families, ids=lambda family: family.id)
TYPES = st.sampled_from(["string", "list", "set", "zset", "hash", "stream", "none", "?", "ReJSON-RL"])
PREFIXES = [
    *(b"", b"live_query:campaign:7:sql", b"7", b"livequery:{7}"),
    *(p for family in BOTH.families for p in family.prefixes),
]
ROWS = st.builds(lambda prefix, rest: prefix + rest, st.sampled_from(PREFIXES), st.binary(max_size=20))
SCALARS = st.none() | st.integers(0, 300) | st.binary(max_size=20) | st.builds(ReplyError, st.text(max_size=20))
GROUPS = st.lists(
    st.fixed_dictionaries({b"name": st.binary(max_size=8), b"consumers": st.integers(0, 400)}).map(
        lambda facts: [word for pair in facts.items() for word in pair]
    ),
    max_size=3,
)


@FAMILIES
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_a_family_asks_is_allowed(family: Family, data: Any) -> None:
    row = data.draw(ROWS)
    keys = tuple(KeyFact(name, data.draw(TYPES), FOREVER) for name in family.keys_of(row))
    probes = family.probes(row, keys)
    replies: tuple[Reply, ...] = tuple(data.draw(SCALARS | GROUPS) for _ in probes)
    follow = family.follow(Reading(row, 1.0, 1.0, keys, replies, listed=data.draw(st.booleans())))
    for command in (*probes, *follow):
        check(command)


@pytest.mark.parametrize(
    "command",
    [
        (b"SET", b"k", b"v"),
        (b"set", b"k", b"v"),
        (b"get", b"k"),
        (b"DEL", b"k"),
        (b"UNLINK", b"k"),
        (b"FLUSHDB",),
        (b"EVAL", b"return 1", b"0"),
        (b"GETEX", b"k"),
        (b"GETDEL", b"k"),
        (b"XAUTOCLAIM", b"k"),
        (b"XREADGROUP", b"GROUP", b"g", b"c"),
        (b"KEYS", b"*"),
        (b"SMEMBERS", b"k"),
        (b"HGETALL", b"k"),
        (b"MONITOR",),
        (b"SORT", b"k", b"STORE", b"x"),
        (b"CONFIG",),
        (b"CONFIG", b"GET"),
        (b"CONFIG", b"GET", b"*"),
        (b"CONFIG", b"GET", b"requirepass"),
        (b"CONFIG", b"GET", b"client-output-buffer-limi?"),
        (b"CONFIG", b"GET", b"CLIENT-OUTPUT-BUFFER-LIMIT"),
        (b"CONFIG", b"GET", b"client-output-buffer-limit", b"requirepass"),
        (b"CONFIG", b"SET", b"client-output-buffer-limit", b""),
        (b"CONFIG", b"REWRITE"),
        (b"PUBSUB", b"CHANNELS"),
        (b"PUBSUB",),
        (b"PUBLISH", b"results_7", b"x"),
        (b"SUBSCRIBE", b"results_7"),
        (b"SETBIT", b"k", b"7", b"0"),
        (b"BITOP", b"NOT", b"k", b"k"),
        (b"BITFIELD", b"k", b"SET", b"u8", b"0", b"1"),
        (b"DEBUG", b"SLEEP", b"1"),
        (b"CLIENT", b"KILL", b"TYPE", b"normal"),
        (b"CLIENT",),
        (b"CLIENT", b"no-touch", b"ON"),
        (b"OBJECT", b"FREQ", b"k"),
        (b"MEMORY", b"PURGE"),
        (b"XINFO", b"STREAM", b"k", b"FULL"),
        (b"SCAN ", b"0"),
        (b"",),
    ],
)
def test_anything_else_is_refused(command: tuple[bytes, ...]) -> None:
    with pytest.raises(NotAllowed):
        check(command)


def test_a_refusal_names_no_argument() -> None:
    """The second word of most commands is a key, and a key may be a credential."""
    with pytest.raises(NotAllowed) as refused:
        check((b"GET", b"sw:installer:token:hunter2", b"hunter3"))
    assert "hunter" not in str(refused.value)
    assert "GET" in str(refused.value)


def test_one_setting_may_be_asked_for() -> None:
    check((b"CONFIG", b"GET", b"client-output-buffer-limit"))
    assert {b"client-output-buffer-limit"} == allow.PARAMETERS
    assert all(set(layout.parameters) <= allow.PARAMETERS for layout in (*LAYOUTS, BOTH))
    with pytest.raises(NotAllowed) as refused:
        check((b"CONFIG", b"GET", b"hunter2"))
    assert "hunter2" not in str(refused.value)


def test_names_are_written_as_they_are_compared() -> None:
    assert all(name == name.upper() for name in allow.READS)
    assert all(word == word.upper() for words in allow.READS.values() for word in words)
